"""Networks as scikit-learn estimators."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainette_training.sklearn import *
else:
    from chainette._facade import facade

    __getattr__, __dir__ = facade(__name__, "estimators", "chainette-training")
