"""Noise on gradients."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from chainette.backend import device_of
from chainette.parameter import Parameter
from chainette.random import generator
from chainette.typing import Array, Shape
from chainette_optimizers.update_rule import UpdateRule

NoiseFunction: TypeAlias = "Callable[[Any, Shape, np.dtype[Any], GradientNoise, UpdateRule], Array]"


def exponential_decay_noise(xp: Any, shape: Shape, dtype: np.dtype[Any], hook: GradientNoise, opt: UpdateRule) -> Array:
    """Normal noise with the variance ``eta / (1 + t)^0.55``, from ``chainette.random``.

    Args:
        xp: the array module.
        shape: the gradient's.
        dtype: the gradient's.
        hook: the hook, which has ``eta``.
        opt: the parameter's rule, which has ``t``, the number of steps it has taken.
    """
    deviation = math.sqrt(hook.eta / (1 + opt.t) ** 0.55)
    source = generator(device_of(xp.empty(0, dtype)))  # of the device on which this runs
    noise = source.standard_normal(shape, np.float64 if dtype == np.float64 else np.float32)
    noise *= deviation
    return noise


class GradientNoise:
    """Adds noise to each parameter's gradient, by default normal noise with the variance ``eta / (1 + t)^0.55``.

    Args:
        eta: the variance at the first step. No default; the paper suggests 0.01, 0.3 or 1.
        noise_func: ``noise_func(xp, shape, dtype, hook, rule)`` gives the noise. See ``exponential_decay_noise``.

    Added to an optimizer it serves all parameters, added to ``param.update_rule`` that one alone. ``t`` is the number
    of steps that the parameter has taken. The same ``chainette.random.seed`` gives the same noise.

    Source: Neelakantan et al., "Adding Gradient Noise Improves Learning for Very Deep Networks", 2015.

    >>> from chainette.optimizers import SGD
    >>> x = chainette.Parameter(np.zeros(1000))
    >>> optimizer = SGD(lr=1).setup([x])
    >>> optimizer.add_hook(GradientNoise(0.25))
    >>> optimizer.update(lambda: (0 * x).sum())
    >>> bool(0.4 < x.array.std() < 0.6)
    True
    """

    name = "GradientNoise"
    call_for_each_param = True
    timing = "pre"

    def __init__(self, eta: float, noise_func: NoiseFunction = exponential_decay_noise) -> None:
        self.eta = float(eta)
        self.noise_func = noise_func

    def __call__(self, rule: UpdateRule, param: Parameter) -> None:
        if param.grad is not None:
            with param.device.use():
                grad = param.grad
                grad += self.noise_func(param.xp, grad.shape, grad.dtype, self, rule)
