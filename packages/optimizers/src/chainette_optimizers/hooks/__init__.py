"""What an optimizer may do to gradients before an update; shown as ``chainette.optimizer_hooks``."""

from chainette_optimizers.hooks.gradient_clipping import GradientClipping
from chainette_optimizers.hooks.gradient_hard_clipping import GradientHardClipping
from chainette_optimizers.hooks.gradient_lars import GradientLARS
from chainette_optimizers.hooks.gradient_noise import GradientNoise
from chainette_optimizers.hooks.lasso import Lasso
from chainette_optimizers.hooks.weight_decay import WeightDecay

__all__ = ["GradientClipping", "GradientHardClipping", "GradientLARS", "GradientNoise", "Lasso", "WeightDecay"]
