"""Networks as scikit-learn estimators.

The names are here, the classes in ``chainette_training.estimators``: that module needs scikit-learn, and is imported
when one of them is first asked for. Without scikit-learn there are stand-ins that say so as soon as they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainette.errors import MissingPluginError

if TYPE_CHECKING:
    from chainette_training.estimators import Classifier, Regressor
else:

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            from chainette_training import estimators
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] != "sklearn":
                raise
            found = type(name, (_Missing,), {"__doc__": _Missing.__doc__, "__module__": __name__})
        else:
            found = getattr(estimators, name)
        globals()[name] = found
        return found


__all__ = ["Classifier", "Regressor"]


class _Missing:
    """Needs scikit-learn, which is not installed: ``pip install 'chainette-training[sklearn]'``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise MissingPluginError(
            f"chainette.training.sklearn.{type(self).__name__} is an estimator for scikit-learn, which is not "
            "installed: pip install 'chainette-training[sklearn]'"
        )
