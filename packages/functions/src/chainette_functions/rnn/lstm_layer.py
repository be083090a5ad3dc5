"""Long short-term memory over packed sequences: all steps of one layer in one direction."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from chainette import Function, Variable, as_variable, config
from chainette.operators import matmul, reshape, transpose
from chainette.typing import Array
from chainette_functions.array.concat import concat
from chainette_functions.array.split_axis import split_axis
from chainette_functions.connection.linear import LinearGrad
from chainette_functions.rnn.lstm import LSTMGrad, by_channel


class LSTMLayer(Function):
    """The outputs, packed as the inputs are, and ``h`` and ``c`` where each sequence ends.

    ``W``, ``b`` and ``U`` have first the rows of a, then those of i, f, o. Two more outputs are for the gradient: the
    gates and cells of all steps, packed.

    The weights get their gradients in one product for all steps. One a step would write all of it anew each time, which
    takes longer than all else where few sequences are left.

    Args:
        sizes: for each step, how many sequences are not over; at least one step.
        backwards: run from the last step to the first.
    """

    def __init__(self, sizes: Sequence[int], backwards: bool) -> None:
        self.ends = list(accumulate(sizes))
        self.backwards = backwards
        steps = [slice(end - size, end) for size, end in zip(sizes, self.ends, strict=True)]
        self.steps = steps[::-1] if backwards else steps

    def forward(self, x: Array, W: Array, b: Array, U: Array, h: Array, c: Array) -> tuple[Array, ...]:
        xp, units = self.xp, U.shape[1]
        dtype = xp.result_type(x, W, b, U, h, c)
        channels = x.dot(W.T).astype(dtype, copy=False)
        channels += b
        self.retain(x=x, W=W, U=U, h=h, c=c)
        h, c = h.astype(dtype), c.astype(dtype)
        U = U.astype(dtype, copy=False)
        ys, cells = (xp.empty((len(x), units), dtype) for _ in range(2))
        for rows in self.steps:
            n = rows.stop - rows.start
            step, cell, y = channels[rows], cells[rows], ys[rows]
            step += U.dot(h[:n].T).T  # for few rows BLAS takes twice as long the other way round
            sigmoids = step[:, units:]
            sigmoids *= 0.5  # sigmoid(x) = (1 + tanh(x / 2)) / 2: one tanh for all gates, which cannot overflow
            xp.tanh(step, out=step)
            sigmoids *= 0.5
            sigmoids += 0.5
            a, i, f, o = by_block(step)
            xp.multiply(f, c[:n], out=cell)
            cell += a * i
            xp.tanh(cell, out=y)
            y *= o
            h[:n], c[:n] = y, cell
        gates = by_block(channels)
        self.retain(gates=gates, ys=ys, cells=cells)
        return ys, h, c, gates, cells

    def backward(self, *gradients: Variable | None) -> tuple[Variable | None, ...]:
        gy, gh, gc, *others = gradients  # the others come only where a gradient is differentiated
        U, (*needed, needs_U, _, _) = self.retained("U"), self.needs_input_grad
        gates, cells = self.by_step(self.retained("gates")), self.by_step(self.retained("cells"))
        c_before, (gys, ggates, gcells) = self.before(cells, "c"), map(self.by_step, (gy, *others))
        ((total, units), dtype), state, *_ = self.output_types
        gh, gc = (as_variable(self.xp.zeros(*state)) if g is None else g for g in (gh, gc))
        pieces: list[Variable] = []
        whole = None  # the pieces in their places, unless they are to be differentiated
        if not config.enable_backprop and all(g is None for g in others):
            whole = self.xp.empty((total, 4 * units), dtype)
        for t, rows in reversed(list(enumerate(self.steps))):
            (gh, *h_rest), (gc, *c_rest) = _cut(gh, len(cells[t])), _cut(gc, len(cells[t]))
            step = LSTMStepGrad(None if whole is None else whole[rows])
            found: Any = step.apply(c_before[t], gates[t], cells[t], _add(gc, gcells[t]), _add(gh, gys[t]))
            gc, g = found
            if ggates[t] is not None:
                a, sigmoids = split_axis(gates[t], [1], 0)
                g = g + _by_channel(ggates[t] * concat([1 - a * a, sigmoids * (1 - sigmoids)], 0))
            pieces.append(g)
            gh, gc = concat([matmul(g, U), *h_rest], 0), concat([gc, *c_rest], 0)
        g = self.packed(pieces[::-1]) if whole is None else as_variable(whole)
        found = LinearGrad(needed).apply(self.retained("x"), self.retained("W"), g) if any(needed) else ()
        of_input, gU = iter(found), None
        if needs_U:
            h_before = self.packed(self.before(self.by_step(self.retained("ys")), "h"))
            gU = matmul(g, h_before, transa=True)
        return *(next(of_input) if each else None for each in needed), gU, gh, gc

    def before(self, after: Sequence[Variable], name: str) -> list[Variable]:
        """A state before each step, from the one after each step and the one at the start, which is retained."""
        start = state = self.retained(name)
        found = []
        for each in after:
            if len(each) > len(state):
                state = concat([state, start[len(state) : len(each)]], 0)  # more sequences begin
            found.append(_cut(state, len(each))[0])
            state = each
        return found

    def packed(self, pieces: Sequence[Variable]) -> Variable:
        """The steps, in the order in which they are run, joined as they are packed."""
        return concat(pieces[::-1] if self.backwards else pieces, 0)

    def by_step(self, packed: Variable | None) -> Sequence[Any]:
        """The steps in the order in which they are run; None for each of none."""
        if packed is None:
            return [None] * len(self.steps)
        pieces = split_axis(packed, self.ends[:-1], packed.ndim - 2)
        return pieces[::-1] if self.backwards else pieces


class LSTMStepGrad(LSTMGrad):
    """LSTMGrad for channels in blocks, which it writes to ``gx`` if that is given."""

    def __init__(self, gx: Array | None) -> None:
        self.gx = gx

    def forward(self, c_prev: Array, gates: Array, c: Array, gc: Array, gh: Array) -> tuple[Array, Array]:
        self.retain(c_prev=c_prev, gates=gates, c=c, gc=gc, gh=gh)
        a, i, f, o = gates
        y = self.xp.tanh(c)
        dc = gh * o * (1 - y * y) + gc
        gx = self.xp.empty((len(c), 4 * c.shape[1]), gates.dtype) if self.gx is None else self.gx
        ga, gi, gf, go = by_block(gx)
        ga[...] = dc * i * (1 - a * a)
        gi[...] = dc * a * i * (1 - i)
        gf[...] = dc * c_prev * f * (1 - f)
        go[...] = gh * y * o * (1 - o)
        return dc * f, gx

    def backward(self, ggc_prev: Variable | None, ggx: Variable | None) -> tuple[Variable, ...]:
        return super().backward(ggc_prev, None if ggx is None else by_channel(by_block(ggx)))


def by_block(x: Any) -> Any:
    """An array or a Variable ``(rows, 4 units)`` seen as ``(4, rows, units)``."""
    rows, channels = x.shape
    return x.reshape((rows, 4, channels // 4)).transpose((1, 0, 2))


def _by_channel(gates: Variable) -> Variable:
    """What ``by_block`` gave as it was before."""
    _, rows, units = gates.shape
    return reshape(transpose(gates, (1, 0, 2)), (rows, 4 * units))


def _cut(x: Variable, n: int) -> Sequence[Variable]:
    return split_axis(x, [n], 0) if n < len(x) else (x,)


def _add(x: Variable, more: Variable | None) -> Variable:
    return x if more is None else x + more
