"""What chainette-training adds to chainette."""

from collections.abc import Mapping

from chainette.hooks import hookimpl

chainette_api = 1


@hookimpl
def chainette_names() -> Mapping[str, str | Mapping[str, str]]:
    return {
        "dataset": "chainette_training.dataset",
        "datasets": "chainette_training.datasets",
        "iterators": "chainette_training.iterators",
        "training": "chainette_training",
        "updaters": "chainette_training.updaters",
        "triggers": "chainette_training.triggers",
        "extensions": "chainette_training.extensions",
        "estimators": "chainette_training.sklearn",
        "chainette": {
            "DictSummary": "chainette_training.summary:DictSummary",
            "Summary": "chainette_training.summary:Summary",
            "print_runtime_info": "chainette_training.runtime_info:print_runtime_info",
        },
    }
