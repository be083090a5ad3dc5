"""Weight decay, by way of the gradient."""

from __future__ import annotations

from chainette.parameter import Parameter
from chainette_optimizers.blocks import computing_blocks
from chainette_optimizers.optimizer import Optimizer
from chainette_optimizers.update_rule import UpdateRule


class WeightDecay:
    """Adds ``rate p`` to each parameter's gradient, which is the gradient of ``rate / 2 |p|^2``.

    With Adam this is not the decoupled weight decay of AdamW; for that there is ``Adam(weight_decay_rate=...)``.

    Args:
        rate: how strongly weights are drawn to 0. No default.

    Added to an optimizer it serves all parameters, added to ``param.update_rule`` that one alone.

    Source: Krogh and Hertz, "A Simple Weight Decay Can Improve Generalization", NIPS 1991.

    >>> from chainette.optimizers import SGD
    >>> x = chainette.Parameter(np.array(0.0))
    >>> optimizer = SGD(lr=0.1).setup([x])
    >>> optimizer.add_hook(WeightDecay(2.0))
    >>> for _ in range(50):
    ...     optimizer.update(lambda: (x - 3) ** 2)
    >>> round(x.item(), 3)  # where 2 (x - 3) + 2 x = 0
    1.5
    """

    name = "WeightDecay"
    call_for_each_param = True
    timing = "pre"

    def __init__(self, rate: float) -> None:
        self.rate = float(rate)

    def __call__(self, rule: Optimizer | UpdateRule | None, param: Parameter | None = None) -> None:
        if isinstance(rule, Optimizer):
            for _, each in rule.namedparams():
                self(each.update_rule, each)
        elif param is not None and param.is_initialized and param.grad is not None:
            with param.device.use():
                for p, g, decay in computing_blocks(param.array, param.grad):
                    param.xp.multiply(p, self.rate, out=decay, dtype=decay.dtype)
                    g += decay
