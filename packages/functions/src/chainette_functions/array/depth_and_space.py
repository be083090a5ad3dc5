"""Moving channels into space, and back."""

import operator

from chainette import Variable, as_variable
from chainette.errors import ArgumentError, ShapeError
from chainette.operators import reshape, transpose
from chainette.typing import ArrayLike


def depth2space(X: ArrayLike, r: int) -> Variable:
    """Spread groups of ``r * r`` channels over squares of ``r x r`` pixels.

    ``Y[n, c, h r + i, w r + j] = X[n, (i r + j) C + c, h, w]``, with C the channels of the result.

    Args:
        X: ``(batch, C * r * r, height, width)``, any dtype.
        r: the factor by which the images grow.

    Returns:
        ``(batch, C, height * r, width * r)``.

    Raises:
        ArgumentError: ``r`` is no integer above 0.
        ShapeError: ``X`` has not four axes, or its channels are no multiple of ``r * r``.

    Source: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional
    Neural Network", CVPR 2016; the channels lie as Chainer has them.

    >>> depth2space(np.array([1.0, 2.0, 3.0, 4.0]).reshape(1, 4, 1, 1), 2).array[0, 0]
    array([[1., 2.],
           [3., 4.]])
    """
    X = _images("depth2space", X, r)
    n, channels, h, w = X.shape
    c, rest = divmod(channels, r * r)
    if rest:
        raise ShapeError(f"depth2space: X {X.shape} has {channels} channels (expected a multiple of r * r = {r * r}).")
    spread = transpose(reshape(X, (n, r, r, c, h, w)), (0, 3, 4, 1, 5, 2))
    return reshape(spread, (n, c, h * r, w * r))


def space2depth(X: ArrayLike, r: int) -> Variable:
    """Gather squares of ``r x r`` pixels into ``r * r`` channels: the inverse of ``depth2space``.

    ``Y[n, (i r + j) C + c, h, w] = X[n, c, h r + i, w r + j]``, with C the channels of ``X``.

    Args:
        X: ``(batch, C, height * r, width * r)``, any dtype.
        r: the factor by which the images shrink.

    Returns:
        ``(batch, C * r * r, height, width)``.

    Raises:
        ArgumentError: ``r`` is no integer above 0.
        ShapeError: ``X`` has not four axes, or its height or width is no multiple of ``r``.

    Source: as ``depth2space``.

    >>> space2depth(np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 1, 2, 2), 2).array.ravel()
    array([1., 2., 3., 4.])
    """
    X = _images("space2depth", X, r)
    n, c, height, width = X.shape
    if height % r or width % r:
        raise ShapeError(f"space2depth: X {X.shape} is {height} x {width} pixels (expected multiples of r={r}).")
    h, w = height // r, width // r
    gathered = transpose(reshape(X, (n, c, h, r, w, r)), (0, 3, 5, 1, 2, 4))
    return reshape(gathered, (n, r * r * c, h, w))


def _images(name: str, X: ArrayLike, r: int) -> Variable:
    X = as_variable(X)
    if X.ndim != 4:
        raise ShapeError(f"{name}: X has shape {X.shape} (expected (batch, channels, height, width)).")
    try:
        positive = operator.index(r) > 0
    except TypeError:
        positive = False
    if not positive:
        raise ArgumentError(f"{name}: r={r} (expected an integer above 0).")
    return X
