"""Long short-term memory along trees."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

from chainette import Variable, as_variable
from chainette.errors import ArgumentError
from chainette.typing import ArrayLike
from chainette_functions import concat, split_axis, tree_lstm
from chainette_links.chain import Chain
from chainette_links.linear import Linear
from chainette_links.state import zeros


class ChildSumTreeLSTM(Chain):
    """Long short-term memory along a tree, one node a call, with any number of children in no order: ``F.tree_lstm``.

    The gates a, i and o see the sum of the children's outputs, each child's forget gate the output of that child.

    Args:
        in_size: features of one input; None takes them from the first one.
        out_size: units.

    Parameters: ``W_x/W`` of shape (4 out_size, in_size), ``W_x/b`` of shape (4 out_size,), for a, i, o, f one behind
    the other; ``W_h_aio/W`` of shape (3 out_size, out_size), ``W_h_f/W`` of shape (out_size, out_size).

    Source: Tai, Socher, Manning, "Improved Semantic Representations From Tree-Structured Long Short-Term Memory
    Networks", ACL 2015, section 3.1.

    >>> node = ChildSumTreeLSTM(3, 2)
    >>> x = np.ones((4, 3), "f")
    >>> c1, h1 = node(x)
    >>> c2, h2 = node(x)
    >>> c, h = node(c1, c2, h1, h2, x)
    >>> c.shape, h.shape
    ((4, 2), (4, 2))
    """

    def __init__(self, in_size: int | None, out_size: int) -> None:
        super().__init__()
        self.state_size = out_size
        with self.init_scope():
            self.W_x = Linear(in_size, 4 * out_size)
            self.W_h_aio = Linear(out_size, 3 * out_size, nobias=True)
            self.W_h_f = Linear(out_size, out_size, nobias=True)

    def forward(self, *cshsx: ArrayLike | None) -> tuple[Variable, Variable]:
        """Compute one node.

        Args:
            cshsx: the cells of the children, then their outputs, ``(batch, out_size)`` each, then the input,
                ``(batch, in_size)``. There may be no children; None stands for zeros, of which one argument is not.

        Returns:
            The cell and the output, ``(batch, out_size)``.
        """
        cs, hs, x = _parts(self, self.W_x, cshsx)
        by_input = self.W_x(x)
        none = zeros(len(by_input), self.state_size, by_input)
        c, h = ([none if each is None else each for each in given or [None]] for given in (cs, hs))
        aio, f = split_axis(by_input, [3 * self.state_size], axis=1)
        aio = aio + self.W_h_aio(reduce(add, h))
        fs = split_axis(self.W_h_f(concat(h, axis=0)), len(h), axis=0)
        return tree_lstm(*c, concat([aio, *(f + each for each in fs)], axis=1))


class NaryTreeLSTM(Chain):
    """Long short-term memory along a tree, one node a call, with at most ``n_ary`` children in order: ``F.tree_lstm``.

    Every gate sees the outputs of all children, each by weights of its own.

    Args:
        in_size: features of one input; None takes them from the first one.
        out_size: units.
        n_ary: the number of children.

    Parameters: ``W_x/W`` of shape ((3 + n_ary) out_size, in_size), ``W_x/b`` of shape ((3 + n_ary) out_size,), and
    ``W_h1/W``, ``W_h2/W`` and so on of shape ((3 + n_ary) out_size, out_size), for a, i, o, f1, f2 ... one behind the
    other.

    Source: Tai, Socher, Manning, "Improved Semantic Representations From Tree-Structured Long Short-Term Memory
    Networks", ACL 2015, section 3.2.

    >>> node = NaryTreeLSTM(3, 2, n_ary=2)
    >>> x = np.ones((4, 3), "f")
    >>> c1, h1 = node(None, None, None, None, x)
    >>> c, h = node(c1, None, h1, None, x)
    >>> c.shape, h.shape
    ((4, 2), (4, 2))
    """

    def __init__(self, in_size: int | None, out_size: int, n_ary: int = 2) -> None:
        super().__init__()
        if n_ary < 1:
            raise ArgumentError(f"NaryTreeLSTM: n_ary={n_ary} (expected at least 1).")
        self.state_size = out_size
        self.n_ary = n_ary
        with self.init_scope():
            self.W_x = Linear(in_size, (3 + n_ary) * out_size)
        for k in range(1, n_ary + 1):
            self.add_link(f"W_h{k}", Linear(out_size, (3 + n_ary) * out_size, nobias=True))

    def forward(self, *cshsx: ArrayLike | None) -> tuple[Variable, Variable]:
        """Compute one node.

        Args:
            cshsx: the cells of the ``n_ary`` children, then their outputs, ``(batch, out_size)`` each, then the input,
                ``(batch, in_size)``. None stands for zeros, as of a child that is not there; one argument is not None.

        Returns:
            The cell and the output, ``(batch, out_size)``.
        """
        if len(cshsx) != 2 * self.n_ary + 1:
            raise ArgumentError(
                f"NaryTreeLSTM: got {len(cshsx)} arguments (expected {self.n_ary} cells, {self.n_ary} outputs, and x)."
            )
        cs, hs, x = _parts(self, self.W_x, cshsx)
        gates = self.W_x(x)
        for k, h in enumerate(hs, 1):
            if h is not None:
                gates = gates + self[f"W_h{k}"](h)
        none = zeros(len(gates), self.state_size, gates)
        return tree_lstm(*(none if c is None else c for c in cs), gates)


def _parts(
    link: Chain, W_x: Linear, cshsx: Sequence[ArrayLike | None]
) -> tuple[list[Variable | None], list[Variable | None], Variable]:
    """The cells, the outputs, and the input, which is zeros in place of None."""
    name, children = type(link).__name__, len(cshsx) // 2
    if len(cshsx) % 2 == 0:
        raise ArgumentError(f"{name}: got {len(cshsx)} arguments (expected as many cells as outputs, and x).")
    *states, x = [None if each is None else as_variable(each) for each in cshsx]
    if x is None:
        like = next((state for state in states if state is not None), None)
        if like is None:
            raise ArgumentError(f"{name}: every argument is None (expected at least one array).")
        if W_x.in_size is None:
            raise ArgumentError(f"{name}: x is None, but in_size is open. Give in_size, or an input first.")
        x = zeros(len(like), W_x.in_size, like)
    return states[:children], states[children:], x
