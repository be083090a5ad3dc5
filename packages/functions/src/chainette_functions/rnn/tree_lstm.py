"""Long short-term memory along trees: one node."""

from typing import Any

from chainette import Function, Variable, as_variable
from chainette.checks import require_floating, require_ndim, require_same_shape
from chainette.errors import ArgumentError, ShapeError
from chainette.typing import Array, ArrayLike
from chainette_functions.activation.tanh import tanh
from chainette_functions.array.concat import concat
from chainette_functions.array.split_axis import split_axis


class TreeLSTM(Function):
    """The new cell and the output; and, for the gradient, the gates a, i, o, f1, f2 ... where their channels were."""

    def forward(self, x: Array, *cs: Array) -> tuple[Array, Array, Array]:
        units = cs[0].shape[1]
        gates = x.astype(self.xp.result_type(x, *cs))
        sigmoids = gates[:, units:]
        sigmoids *= 0.5  # sigmoid(x) = (1 + tanh(x / 2)) / 2: one tanh for all gates, which cannot overflow
        self.xp.tanh(gates, out=gates)
        sigmoids *= 0.5
        sigmoids += 0.5
        a, i, o, *fs = (gates[:, k * units : (k + 1) * units] for k in range(3 + len(cs)))
        c = a * i
        for f, c_prev in zip(fs, cs, strict=True):
            c += f * c_prev
        self.retain(gates=gates, c=c, **{f"c{k}": c_prev for k, c_prev in enumerate(cs)})
        return c, o * self.xp.tanh(c), gates

    def backward(self, gc: Variable | None, gh: Variable | None, ggates: Variable | None) -> tuple[Variable, ...]:
        gates, c, children = self.retained("gates"), self.retained("c"), len(self.needs_input_grad) - 1
        a, i, o, *fs = split_axis(gates, 3 + children, axis=1)
        y = tanh(c)
        dh: Any = 0.0 if gh is None else gh
        dc: Any = (0.0 if gc is None else gc) + dh * o * (1 - y * y)
        g = concat([dc * i, dc * a, dh * y, *(dc * self.retained(f"c{k}") for k in range(children))], axis=1)
        if ggates is not None:  # only where a gradient is differentiated: nobody else sees the gates
            g = g + ggates
        sigmoids = gates[:, a.shape[1] :]
        gx = g * concat([1 - a * a, sigmoids * (1 - sigmoids)], axis=1)
        return gx, *(dc * f for f in fs)


def tree_lstm(*inputs: ArrayLike) -> tuple[Variable, Variable]:
    """One node of long short-term memory along a tree: ``c = a i + f1 c1 + f2 c2 + ...`` and ``h = o tanh(c)``.

    Args:
        inputs: the cells of the children, c1, c2 ..., at least one, each ``(batch, units, ...)`` of a floating dtype;
            and then what comes in, ``(batch, (3 + children) units, ...)``, whose channels are in blocks: first those of
            a, of which the tanh is taken, then those of i, o, f1, f2 ..., of which the sigmoid is.

    Returns:
        The cell ``c`` and the output ``h``, of the shape of a child's cell.

    Raises:
        ArgumentError: there is no child.
        DtypeError: an input is not floating.
        ShapeError: the shapes do not fit.

    Source: Tai, Socher, Manning, "Improved Semantic Representations From Tree-Structured Long Short-Term Memory
    Networks", ACL 2015.

    >>> c, h = tree_lstm(np.array([[2.0]]), np.array([[4.0]]), np.array([[0.0, 0.0, 100.0, 100.0, -100.0]]))
    >>> c.array, h.array.round(4)
    (array([[2.]]), array([[0.964]]))
    """
    if len(inputs) < 2:
        raise ArgumentError(f"tree_lstm: got {len(inputs)} inputs (expected at least a child's cell, and x).")
    *cs, x = map(as_variable, inputs)
    named = {f"c{k}": c for k, c in enumerate(cs, 1)}
    require_floating("tree_lstm", **named, x=x)
    require_ndim("tree_lstm", "c1", cs[0], 2, "(batch, units, ...)")
    require_same_shape("tree_lstm", **named)
    batch, units, *rest = cs[0].shape
    if x.shape != (batch, (3 + len(cs)) * units, *rest):
        raise ShapeError(
            f"tree_lstm: x has shape {x.shape} (expected {(batch, (3 + len(cs)) * units, *rest)}, since there are "
            f"{len(cs)} children of shape {cs[0].shape})."
        )
    outputs: Any = TreeLSTM().apply(x, *cs)
    c, h, _ = outputs
    return c, h
