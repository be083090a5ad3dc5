"""Updates in float32 of parameters in half precision: the parameter stands in for its own float32 copy meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from chainette.parameter import Parameter
from chainette.typing import Array
from chainette_optimizers.blocks import blocks

if TYPE_CHECKING:
    from chainette_optimizers.update_rule import UpdateRule

COPY = "fp32_param"
"""The name of the copy in the rule's state."""


@contextmanager
def in_float32(rule: UpdateRule, param: Parameter) -> Iterator[None]:
    """For as long as this lasts, ``param.array`` is the float32 copy in the rule's state and ``param.grad`` a float32
    gradient, whoever looks. Afterwards both are the half precision arrays from before, with the new values rounded.
    """
    state = rule.prepare_state(param)
    half, half_grad = param.array, param.grad
    with param.device.use():
        _take_over_changes(state[COPY], half, param)
        grad = rule.widened_gradient(param)
        grad[...] = half_grad
    param.array, param.grad = state[COPY], grad
    try:
        yield
    finally:
        full, grad = param.array, param.grad  # a hook may have put others there
        state[COPY] = full
        param.array, param.grad = half, None if grad is None else half_grad
        with param.device.use():
            half[...] = full
            if grad is not None:
                with np.errstate(over="ignore"):  # the step was taken with the float32 values
                    half_grad[...] = grad


def _take_over_changes(full: Array, half: Array, param: Parameter) -> None:
    """Where somebody wrote to the parameter since the last step (loaded it, say), the copy follows."""
    xp = param.xp
    for each, given, rounded, differs in blocks(full, half, buffers=[np.float16, np.bool_]):
        with np.errstate(over="ignore"):  # what overflowed before has been complained of
            rounded[...] = each
        xp.not_equal(rounded.view(np.uint16), given.view(np.uint16), out=differs)  # as bits: NaN is NaN
        xp.copyto(each, given, where=differs)
