"""The lasso: weight decay of a constant size."""

from __future__ import annotations

from chainette.parameter import Parameter
from chainette_optimizers.blocks import computing_blocks
from chainette_optimizers.update_rule import UpdateRule


class Lasso:
    """Adds ``rate sign(p)`` to each parameter's gradient, which is the gradient of ``rate |p|_1``.

    Args:
        rate: how strongly weights are drawn to 0. No default.

    Added to an optimizer it serves all parameters, added to ``param.update_rule`` that one alone.

    Source: Tibshirani, "Regression Shrinkage and Selection via the Lasso", JRSS B 58, 1996.

    >>> from chainette.optimizers import SGD
    >>> x = chainette.Parameter(np.array(0.0))
    >>> optimizer = SGD(lr=0.1).setup([x])
    >>> optimizer.add_hook(Lasso(2.0))
    >>> for _ in range(50):
    ...     optimizer.update(lambda: (x - 3) ** 2)
    >>> round(x.item(), 3)  # where 2 (x - 3) + 2 = 0
    2.0
    """

    name = "Lasso"
    call_for_each_param = True
    timing = "pre"

    def __init__(self, rate: float) -> None:
        self.rate = float(rate)

    def __call__(self, rule: UpdateRule | None, param: Parameter) -> None:
        if param.is_initialized and param.grad is not None:
            with param.device.use():
                for p, g, decay in computing_blocks(param.array, param.grad):
                    param.xp.sign(p, out=decay)
                    decay *= self.rate
                    g += decay
