"""Linear transformation."""

from math import prod

from chainette import Function, Variable, as_variable
from chainette.errors import ShapeError
from chainette.operators import matmul, reshape, sum, transpose
from chainette.typing import Array, ArrayLike


class Linear(Function):
    """x W^T, plus b."""

    def forward(self, x: Array, W: Array, b: Array | None = None) -> Array:
        self.retain(x=x, W=W)
        y = self.xp.matmul(x, W.T)
        if b is not None:
            y += b
        return y

    def backward(self, gy: Variable) -> tuple[Variable | None, ...]:
        needs = self.needs_input_grad
        gradients = (
            matmul(gy, self.retained("W")) if needs[0] else None,
            matmul(transpose(gy), self.retained("x")) if needs[1] else None,
        )
        return gradients if len(needs) == 2 else (*gradients, sum(gy, axis=0) if needs[2] else None)


def linear(x: ArrayLike, W: ArrayLike, b: ArrayLike | None = None, n_batch_axes: int = 1) -> Variable:
    """Linear (fully connected) transformation, ``y = x W^T + b``.

    Args:
        x: ``(batch, ...)``: what follows the batch axes is flattened to ``in_size`` features.
        W: weights, ``(out_size, in_size)``.
        b: biases, ``(out_size,)``; None for none.
        n_batch_axes: how many leading axes of ``x`` are kept.

    Returns:
        ``(batch, out_size)``, with as many batch axes as ``x`` has.

    Raises:
        ShapeError: the sizes do not fit.

    >>> linear(np.ones((2, 3)), np.ones((4, 3)), np.zeros(4)).array
    array([[3., 3., 3., 3.],
           [3., 3., 3., 3.]])
    """
    x, W = as_variable(x), as_variable(W)
    if not 1 <= n_batch_axes < max(x.ndim, 2):
        raise ShapeError(f"linear: n_batch_axes={n_batch_axes} does not fit x of shape {x.shape}.")
    batch = x.shape[:n_batch_axes]
    features = prod(x.shape[n_batch_axes:])
    if W.ndim != 2 or W.shape[1] != features:
        raise ShapeError(f"linear: W has shape {W.shape} (expected (out_size, {features}), since x is {x.shape}).")
    if x.ndim != 2:
        x = reshape(x, (prod(batch), features))
    if b is None:
        y = Linear().apply(x, W)
    else:
        b = as_variable(b)
        if b.shape != (W.shape[0],):
            raise ShapeError(f"linear: b has shape {b.shape} (expected ({W.shape[0]},), since W is {W.shape}).")
        y = Linear().apply(x, W, b)
    return y if n_batch_axes == 1 else reshape(y, (*batch, W.shape[0]))
