"""Long short-term memory: one step."""

from typing import Any

from chainette import Function, Variable, as_variable
from chainette.checks import require_floating, require_ndim
from chainette.errors import ShapeError
from chainette.typing import Array, ArrayLike
from chainette_functions.activation.tanh import tanh
from chainette_functions.array.concat import concat
from chainette_functions.array.split_axis import split_axis
from chainette_functions.array.stack import stack


class LSTM(Function):
    """The new cell and the output; and, for the gradient, the gates: a, i, f, o one behind the other."""

    def forward(self, c_prev: Array, x: Array) -> tuple[Array, Array, Array]:
        gates = by_gate(x, 4).copy()
        gates[1:] *= 0.5  # sigmoid(x) = (1 + tanh(x / 2)) / 2: one tanh for all gates, which cannot overflow
        self.xp.tanh(gates, out=gates)
        gates[1:] *= 0.5
        gates[1:] += 0.5
        a, i, f, o = gates
        c = f * c_prev + a * i
        self.retain(c_prev=c_prev, gates=gates, c=c)
        return c, o * self.xp.tanh(c), gates

    def backward(
        self, gc: Variable | None, gh: Variable | None, ggates: Variable | None
    ) -> tuple[Variable | None, Variable | None]:
        gates = self.retained("gates")
        gc_prev = gx = None
        if gc is not None or gh is not None:
            gradients: Any = LSTMGrad().apply(
                self.retained("c_prev"),
                gates,
                self.retained("c"),
                0.0 if gc is None else gc,
                0.0 if gh is None else gh,
            )
            gc_prev, gx = gradients
        if ggates is not None:  # only where a gradient is differentiated: nobody else sees the gates
            a, others = split_axis(gates, [1], axis=0)
            more = by_channel(ggates * concat([1 - a * a, others * (1 - others)], axis=0))
            gx = more if gx is None else gx + more
        return gc_prev, gx


class LSTMGrad(Function):
    """The gradients of c_prev and of x, from those of c and h, of which one may be 0."""

    def forward(self, c_prev: Array, gates: Array, c: Array, gc: Array, gh: Array) -> tuple[Array, Array]:
        self.retain(c_prev=c_prev, gates=gates, c=c, gc=gc, gh=gh)
        a, i, f, o = gates
        y = self.xp.tanh(c)
        dc = gh * o * (1 - y * y) + gc
        rows, units, *rest = c_prev.shape
        gx = self.xp.empty((rows, 4 * units, *rest), gates.dtype)
        ga, gi, gf, go = by_gate(gx, 4)
        ga[...] = dc * i * (1 - a * a)
        gi[...] = dc * a * i * (1 - i)
        gf[...] = dc * c_prev * f * (1 - f)
        go[...] = gh * y * o * (1 - o)
        return dc * f, gx

    def backward(self, ggc_prev: Variable | None, ggx: Variable | None) -> tuple[Variable, ...]:
        c_prev, c, gc, gh = (self.retained(name) for name in ("c_prev", "c", "gc", "gh"))
        a, i, f, o = self.retained("gates")
        y = tanh(c)
        dy = 1 - y * y
        dc = gh * o * dy + gc
        u: Any = 0.0 if ggc_prev is None else ggc_prev
        ua, ui, uf, uo = (0.0,) * 4 if ggx is None else by_gate(ggx, 4)
        v = u * f + ua * i * (1 - a * a) + ui * a * i * (1 - i) + uf * c_prev * f * (1 - f)  # all that meets dc
        w = uo * o * (1 - o)
        ggates = [
            dc * i * (ui * (1 - i) - 2 * ua * a),
            dc * (ua * (1 - a * a) + ui * a * (1 - 2 * i)),
            dc * (u + uf * c_prev * (1 - 2 * f)),
            gh * (v * dy + uo * y * (1 - 2 * o)),
        ]
        return dc * uf * f * (1 - f), stack(ggates), gh * dy * (w - 2 * v * o * y), v, v * o * dy + w * y


def by_gate(x: Any, gates: int) -> Any:
    """An array or a Variable ``(batch, units * gates, ...)`` seen as ``(gates, batch, units, ...)``."""
    rows, channels, *rest = x.shape
    return x.reshape((rows, channels // gates, gates, *rest)).transpose((2, 0, 1, *range(3, x.ndim + 1)))


def by_channel(x: Variable) -> Variable:
    """What ``by_gate`` gave as it was before."""
    gates, rows, units, *rest = x.shape
    return x.transpose((1, 2, 0, *range(3, x.ndim))).reshape((rows, units * gates, *rest))


def lstm(c_prev: ArrayLike, x: ArrayLike) -> tuple[Variable, Variable]:
    """One step of long short-term memory: ``c = a i + f c_prev`` and ``h = o tanh(c)``.

    ``a`` is the tanh, and ``i, f, o`` are the sigmoids, of the channels of ``x``: those of unit k are the channels
    4k, 4k + 1, 4k + 2, 4k + 3.

    Args:
        c_prev: the cell before, ``(batch, units, ...)``, a floating dtype.
        x: what comes in, ``(rows, 4 units, ...)`` with at most ``batch`` rows: the sequences of the rows that it
            lacks are over, and their cells stay as they are.

    Returns:
        The cell ``c`` of the shape of ``c_prev``, and the output ``h``, ``(rows, units, ...)``.

    Raises:
        DtypeError: ``c_prev`` or ``x`` is not floating.
        ShapeError: the shapes do not fit.

    Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 1997; with the forget gate of
    Gers, Schmidhuber, Cummins, "Learning to Forget", Neural Computation 2000.

    >>> c, h = lstm(np.array([[2.0], [5.0]]), np.array([[1.0, -100.0, 100.0, 100.0]]))
    >>> c.array.ravel(), h.array.round(4)
    (array([2., 5.]), array([[0.964]]))
    """
    c_prev, x = as_variable(c_prev), as_variable(x)
    require_floating("lstm", c_prev=c_prev, x=x)
    require_ndim("lstm", "c_prev", c_prev, 2, "(batch, units, ...)")
    batch, units, *rest = c_prev.shape
    if x.ndim != c_prev.ndim or x.shape[0] > batch or x.shape[1:] != (4 * units, *rest):
        expected = ", ".join(map(str, (f"at most {batch}", 4 * units, *rest)))
        raise ShapeError(f"lstm: x has shape {x.shape} (expected ({expected}), since c_prev is {c_prev.shape}).")
    over = None
    if x.shape[0] < batch:
        c_prev, over = split_axis(c_prev, [x.shape[0]], axis=0)
    outputs: Any = LSTM().apply(c_prev, x)
    c, h, _ = outputs
    return (c if over is None else concat([c, over], axis=0)), h
