"""Long short-term memory with two predecessors: one step."""

from chainette import Variable, as_variable
from chainette.checks import require_floating, require_ndim, require_same_shape, require_shape
from chainette.typing import ArrayLike
from chainette_functions.activation.sigmoid import sigmoid
from chainette_functions.activation.tanh import tanh
from chainette_functions.rnn.lstm import lstm


def slstm(c_prev1: ArrayLike, c_prev2: ArrayLike, x1: ArrayLike, x2: ArrayLike) -> tuple[Variable, Variable]:
    """One step of long short-term memory along a binary tree, at a node with two children.

    ``c = a1 i1 + f1 c_prev1 + a2 i2 + f2 c_prev2`` and ``h = sigmoid(o1 + o2) tanh(c)``: each child has gates of its
    own but for the output gate, to which both contribute.

    Args:
        c_prev1: the first child's cell, ``(batch, units, ...)``, a floating dtype.
        c_prev2: the second child's, of the same shape.
        x1: what comes from the first child, ``(batch, 4 units, ...)``: the channels of unit k are 4k to 4k + 3, for
            a, i, f, o, as in ``lstm``.
        x2: what comes from the second, of the same shape.

    Returns:
        The cell ``c`` and the output ``h``, of the shape of ``c_prev1``.

    Raises:
        DtypeError: an argument is not floating.
        ShapeError: the shapes do not fit.

    Source: Zhu, Sobhani, Guo, "Long Short-Term Memory over Recursive Structures", ICML 2015.

    >>> c, h = slstm(np.ones((1, 2)), np.ones((1, 2)), np.zeros((1, 8)), np.zeros((1, 8)))
    >>> c.array, h.array.round(4)
    (array([[1., 1.]]), array([[0.3808, 0.3808]]))
    """
    c_prev1, c_prev2, x1, x2 = map(as_variable, (c_prev1, c_prev2, x1, x2))
    require_floating("slstm", c_prev1=c_prev1, c_prev2=c_prev2, x1=x1, x2=x2)
    require_ndim("slstm", "c_prev1", c_prev1, 2, "(batch, units, ...)")
    require_same_shape("slstm", c_prev1=c_prev1, c_prev2=c_prev2)
    batch, units, *rest = c_prev1.shape
    require_shape("slstm", "x1", x1, (batch, 4 * units, *rest))
    require_shape("slstm", "x2", x2, (batch, 4 * units, *rest))
    c = lstm(c_prev1, x1)[0] + lstm(c_prev2, x2)[0]
    return c, sigmoid(x1[:, 3::4] + x2[:, 3::4]) * tanh(c)
