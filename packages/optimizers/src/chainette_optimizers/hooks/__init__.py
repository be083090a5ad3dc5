"""What an optimizer may do to gradients before an update; shown as ``chainette.optimizer_hooks``."""

from chainette_optimizers.hooks.gradient_clipping import GradientClipping
from chainette_optimizers.hooks.weight_decay import WeightDecay

__all__ = ["GradientClipping", "WeightDecay"]
