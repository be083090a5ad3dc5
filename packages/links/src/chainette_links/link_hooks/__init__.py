"""What may happen around each call of a link; shown as ``chainette.link_hooks``."""

from chainette_links.link_hooks.spectral_normalization import SpectralNormalization
from chainette_links.link_hooks.timer import TimerHook
from chainette_links.link_hooks.weight_norm import WeightNorm
from chainette_links.link_hooks.weight_standardization import WeightStandardization

__all__ = ["SpectralNormalization", "TimerHook", "WeightNorm", "WeightStandardization"]
