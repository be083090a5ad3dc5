"""Where the windows of pooling lie, from its arguments; and those of its inverse."""

from operator import index

from chainette import Variable
from chainette.errors import ArgumentError, ShapeError
from chainette.typing import Shape
from chainette_functions.windows import Geometry, Sizes, geometry, per_axis

AXES = {1: "length", 2: "height, width", 3: "depth, height, width", None: "..."}


def pooling_geometry(
    function: str,
    x: Variable,
    ndim: int | None,
    ksize: Sizes,
    stride: Sizes | None,
    pad: Sizes,
    cover_all: bool = False,
) -> Geometry:
    """The windows over the axes of x behind batch and channels; ``ndim`` says how many those are (None: any number)."""
    return geometry(
        function, spatial(function, x, ndim), ksize, ksize if stride is None else stride, pad, cover_all=cover_all
    )


def unpooling_geometry(
    function: str,
    x: Variable,
    ndim: int | None,
    ksize: Sizes,
    stride: Sizes | None,
    pad: Sizes,
    outsize: Sizes | None,
    cover_all: bool,
) -> Geometry:
    """The windows that have one element of x each; ``outsize`` is what they lie on, by default the least that fits.

    Raises:
        ShapeError: pooling ``outsize`` would not give the size of x.
    """
    out = spatial(function, x, ndim)
    k = per_axis(function, "ksize", ksize, len(out), 1)
    s = k if stride is None else per_axis(function, "stride", stride, len(out), 1)
    p = per_axis(function, "pad", pad, len(out), 0)
    exact = [(o - 1) * s_i + k_i - 2 * p_i for o, k_i, s_i, p_i in zip(out, k, s, p, strict=True)]
    if outsize is None:
        size = tuple(n - (s_i - 1 if cover_all else 0) for n, s_i in zip(exact, s, strict=True))
    else:
        size = per_axis(function, "outsize", outsize, len(out), 1)
    if any(abs(n - wanted) >= s_i for n, wanted, s_i in zip(size, exact, s, strict=True)):
        ranges = ", ".join(f"{n - s_i + 1} to {n + s_i - 1}" for n, s_i in zip(exact, s, strict=True))
        raise ShapeError(f"{function}: outsize={outsize} does not fit x of shape {x.shape} (expected {ranges}).")
    if min(*out, *size) < 1:
        raise ShapeError(
            f"{function}: x of shape {x.shape} gives an output of {size} (ksize={k}, stride={s}, pad={p}). "
            "Give less padding, or outsize."
        )
    return Geometry(size, k, s, p, (1,) * len(out), out)


def spatial(function: str, x: Variable, ndim: int | None) -> Shape:
    """The sizes of the axes of x behind batch and channels.

    Raises:
        ShapeError: there are not ``ndim`` of them, or none at all.
    """
    if x.ndim < 3 or ndim not in (None, x.ndim - 2):
        raise ShapeError(f"{function}: x has shape {x.shape} (expected (batch, channels, {AXES[ndim]})).")
    return x.shape[2:]


def require_filled(function: str, g: Geometry) -> None:
    """Each window has at least one element of x.

    Raises:
        ShapeError: one lies in padding alone.
    """
    for n, k, s, p, o in zip(g.size, g.ksize, g.stride, g.pad, g.out, strict=True):
        if n == 0 or p >= k or (o - 1) * s - p >= n:
            hint = "Give less padding" if n == 0 or p >= k else "Give cover_all=False"
            raise ShapeError(
                f"{function}: a window of {g.ksize} over {g.size} would hold nothing but padding (stride={g.stride}, "
                f"pad={g.pad}, {g.out} windows). {hint}."
            )


def require_positive(function: str, name: str, value: int) -> int:
    """``value`` is an integer of at least 1.

    Raises:
        ArgumentError: it is not.
    """
    try:
        number = index(value)
    except TypeError:
        number = 0
    if number < 1:
        raise ArgumentError(f"{function}: {name}={value} (expected an integer of at least 1).")
    return number
