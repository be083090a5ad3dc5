"""What chainette-optimizers adds to chainette."""

from collections.abc import Mapping

from chainette.hooks import hookimpl

chainette_api = 1


@hookimpl
def chainette_names() -> Mapping[str, str | Mapping[str, str]]:
    return {
        "optimizers": "chainette_optimizers",
        "optimizer_hooks": "chainette_optimizers.hooks",
        "chainette": {name: f"chainette_optimizers:{name}" for name in ("GradientMethod", "Optimizer", "UpdateRule")},
    }
