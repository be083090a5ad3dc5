"""The optimizers of chainette, shown as ``chainette.optimizers``."""

from chainette_optimizers.adam import Adam
from chainette_optimizers.momentum_sgd import MomentumSGD
from chainette_optimizers.optimizer import (
    GradientMethod as GradientMethod,
    HyperparameterProxy as HyperparameterProxy,
    Optimizer as Optimizer,
)
from chainette_optimizers.sgd import SGD
from chainette_optimizers.update_rule import Hyperparameter as Hyperparameter, UpdateRule as UpdateRule

__all__ = ["SGD", "Adam", "MomentumSGD"]
