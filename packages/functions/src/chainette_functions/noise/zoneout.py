"""Zoneout."""

from typing import Any

import chainette
from chainette import as_variable, random
from chainette.checks import removed_arguments, require_floating, require_same_shape
from chainette.errors import ArgumentError, DtypeError
from chainette.typing import Array, ArrayLike
from chainette_functions.array.where import where


@removed_arguments(train="set chainette.config.train, e.g. with chainette.test_mode()")
def zoneout(
    h: ArrayLike, x: ArrayLike, ratio: float = 0.5, *, mask: Array | None = None, return_mask: bool = False
) -> Any:
    """Keep random elements of the previous state in training: ``h`` with probability ``ratio``, else ``x``.

    Args:
        h: the previous state, any shape, a floating dtype.
        x: the new state, of the shape of ``h``.
        ratio: the probability with which an element of ``h`` stays, ``0 <= ratio <= 1``.
        mask: booleans of the shape of ``h`` to use in place of random ones: True where ``h`` stays.
        return_mask: also return the mask (None where nothing was drawn).

    Returns:
        ``x`` itself, as a Variable, when ``chainette.config.train`` is False; else a Variable of its shape. With
        ``return_mask`` a pair of the result and the mask.

    Raises:
        ArgumentError: ``ratio`` is out of range.
        DtypeError: ``h`` or ``x`` is not floating, or the mask is not boolean.
        ShapeError: the shapes differ.

    The numbers come from ``chainette.random``: the same seed gives the same mask.

    Source: Krueger et al., "Zoneout: Regularizing RNNs by Randomly Preserving Hidden Activations", ICLR 2017.

    >>> zoneout(np.zeros(3), np.ones(3), mask=np.array([True, False, True])).array
    array([0., 1., 0.])
    """
    if not 0 <= ratio <= 1:
        raise ArgumentError(f"zoneout: ratio={ratio} is out of range (expected 0 <= ratio <= 1).")
    h, x = as_variable(h), as_variable(x)
    require_floating("zoneout", h=h, x=x)
    require_same_shape("zoneout", h=h, x=x)
    if not chainette.config.train:
        return (x, None) if return_mask else x
    if mask is None:
        with x.device.use():
            mask = random.generator(x.device).random(x.shape, "f") < ratio
    kept = as_variable(mask)
    require_same_shape("zoneout", h=h, mask=kept)
    if kept.dtype != "?":
        raise DtypeError(f"zoneout: mask is {kept.dtype} (expected bool). Write e.g. mask > 0.")
    y = where(kept, h, x)
    return (y, kept.array) if return_mask else y
