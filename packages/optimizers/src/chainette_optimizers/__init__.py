"""The optimizers of chainette, shown as ``chainette.optimizers``."""

from chainette_optimizers.ada_delta import AdaDelta
from chainette_optimizers.ada_grad import AdaGrad
from chainette_optimizers.adam import Adam
from chainette_optimizers.adam_variants import AdaBound, AdamW, AMSBound, AMSGrad
from chainette_optimizers.corrected_momentum_sgd import CorrectedMomentumSGD
from chainette_optimizers.hyperparameter import (
    Hyperparameter as Hyperparameter,
    HyperparameterProxy as HyperparameterProxy,
)
from chainette_optimizers.lion import Lion
from chainette_optimizers.momentum_sgd import MomentumSGD
from chainette_optimizers.msvag import MSVAG
from chainette_optimizers.nesterov_ag import NesterovAG
from chainette_optimizers.optimizer import GradientMethod as GradientMethod, Optimizer as Optimizer
from chainette_optimizers.radam import RAdam
from chainette_optimizers.rmsprop import RMSprop
from chainette_optimizers.rmsprop_graves import RMSpropGraves
from chainette_optimizers.schedules import (
    CosineSchedule,
    ExponentialSchedule,
    InverseSchedule,
    LinearSchedule,
    MultistepSchedule,
    PolynomialSchedule,
    Schedule,
    StepSchedule,
    WarmupSchedule,
)
from chainette_optimizers.sgd import SGD
from chainette_optimizers.smorms3 import SMORMS3
from chainette_optimizers.update_rule import UpdateRule as UpdateRule

__all__ = [
    "MSVAG",
    "SGD",
    "SMORMS3",
    "AMSBound",
    "AMSGrad",
    "AdaBound",
    "AdaDelta",
    "AdaGrad",
    "Adam",
    "AdamW",
    "CorrectedMomentumSGD",
    "CosineSchedule",
    "ExponentialSchedule",
    "InverseSchedule",
    "LinearSchedule",
    "Lion",
    "MomentumSGD",
    "MultistepSchedule",
    "NesterovAG",
    "PolynomialSchedule",
    "RAdam",
    "RMSprop",
    "RMSpropGraves",
    "Schedule",
    "StepSchedule",
    "WarmupSchedule",
]
