"""LARS: layer-wise adaptive rate scaling, by way of the gradient."""

from __future__ import annotations

from typing import Any

from chainette.parameter import Parameter
from chainette.typing import Array
from chainette_optimizers.blocks import computing_blocks
from chainette_optimizers.update_rule import UpdateRule


class GradientLARS:
    """Gives each gradient the norm of its parameter, so that steps are in proportion to it, for large batches. ::

        g <- rate (g + weight_decay p),  rate = |p| / (eps + |g| + weight_decay |p|)

    The norms are L2 norms, summed in float64. Where |p| is not above ``threshold``, the rate is 1. The paper's trust
    coefficient is the optimizer's learning rate.

    Args:
        threshold: the norm up to which a parameter counts as too small for it, 0.01 by default.
        weight_decay: how strongly weights are drawn to 0, 0 by default. In place of the hook WeightDecay.
        eps: keeps the division finite, 1e-9 by default.

    Added to an optimizer it serves all parameters, added to ``param.update_rule`` that one alone.

    Source: You, Gitman and Ginsburg, "Large Batch Training of Convolutional Networks", 2017, equation (6).

    >>> from chainette.optimizers import SGD
    >>> x = chainette.Parameter(np.array([3.0, 4.0]))
    >>> x.grad = np.array([300.0, 400.0])
    >>> optimizer = SGD(lr=0.1).setup([x])
    >>> optimizer.add_hook(GradientLARS())
    >>> optimizer.update()
    >>> x.array
    array([2.7, 3.6])
    """

    name = "GradientLARS"
    call_for_each_param = True
    timing = "pre"

    def __init__(self, threshold: float = 0.01, weight_decay: float = 0.0, eps: float = 1e-9) -> None:
        self.threshold = float(threshold)
        self.weight_decay = float(weight_decay)
        self.eps = float(eps)

    def __call__(self, rule: UpdateRule | None, param: Parameter) -> None:
        if not param.is_initialized or param.grad is None:
            return
        xp = param.xp
        with param.device.use():
            p_norm, g_norm = _norm(param.array, xp), _norm(param.grad, xp)
            local = p_norm / (self.eps + g_norm + self.weight_decay * p_norm)
            # Numbers of the device all along, so that an accelerator need not be waited for.
            rate = xp.where(p_norm > self.threshold, local, xp.ones_like(local))
            for p, g, step in computing_blocks(param.array, param.grad):
                xp.multiply(p, self.weight_decay, out=step, dtype=step.dtype)
                step += g
                step *= rate.astype(step.dtype)
                g[...] = step


def _norm(x: Array, xp: Any) -> Array:
    axes = list(range(x.ndim))
    return xp.sqrt(xp.einsum(x, axes, x, axes, [], dtype="float64"))
