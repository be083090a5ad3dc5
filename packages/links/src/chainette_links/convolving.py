"""What the links of convolutions share."""

from __future__ import annotations

from operator import index
from typing import Any

from chainette import Parameter, Variable, as_variable
from chainette.checks import require_floating
from chainette.errors import ArgumentError, ShapeError
from chainette.initializers import InitializerLike, get_initializer
from chainette.typing import ArrayLike, Shape
from chainette_functions.connection.convolution_nd import REMOVED as REMOVED_OF_FUNCTIONS
from chainette_functions.windows import Sizes, per_axis
from chainette_links.link import Link

REMOVED = {
    "wscale": "scale the initializer, initialW=chainette.initializers.LeCunNormal(scale)",
    "bias": "give initial_bias=",
    **REMOVED_OF_FUNCTIONS,
}


class Convolving(Link):
    """Weights ``W`` of windows, and biases ``b``. If ``in_channels`` is None, the first input says how many there are.

    A subclass computes in ``forward``, with ``accept``, and says in ``weight_shape`` how ``W`` is laid out.
    """

    b: Parameter | None

    def __init__(
        self,
        ndim: int,
        in_channels: int | None,
        out_channels: int | None,
        ksize: Sizes,
        stride: Sizes,
        pad: Sizes,
        nobias: bool,
        initialW: InitializerLike,
        initial_bias: InitializerLike,
        dilate: Sizes = 1,
        groups: int = 1,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        self.ndim = count(name, "ndim", ndim)
        self.in_channels = None if in_channels is None else count(name, "in_channels", in_channels)
        self.out_channels = None if out_channels is None else count(name, "out_channels", out_channels)
        self.ksize = per_axis(name, "ksize", ksize, ndim, 1)
        self.stride = per_axis(name, "stride", stride, ndim, 1)
        self.pad = per_axis(name, "pad", pad, ndim, 0)
        self.dilate = per_axis(name, "dilate", dilate, ndim, 1)
        self.groups = count(name, "groups", groups)
        self._require_groups("out_channels", self.out_channels)
        with self.init_scope():
            self.W = Parameter(get_initializer(initialW))
            self.b = (
                None if without_bias(name, nobias) else Parameter(bias_initializer(initial_bias), self.out_channels)
            )
        if self.in_channels is not None:
            self.initialize(self.in_channels)

    def weight_shape(self, in_channels: int) -> Shape:
        """The shape of ``W``: by default (out, in / groups, window sizes ...)."""
        assert self.out_channels is not None
        return self.out_channels, in_channels // self.groups, *self.ksize

    def initialize(self, in_channels: int) -> None:
        """Make the parameters whose shapes were open."""
        self._require_groups("in_channels", in_channels)
        self.in_channels = in_channels
        self.W.initialize(self.weight_shape(in_channels))

    def _require_groups(self, name: str, channels: int | None) -> None:
        if channels is not None and channels % self.groups:
            link = type(self).__name__
            raise ShapeError(f"{link}: {name}={channels} does not divide into {self.groups} groups.")

    def accept(self, x: ArrayLike) -> Variable:
        """x as a Variable; open shapes follow from it.

        Raises:
            ShapeError: they do not: it has another number of axes, or its channels do not divide into the groups.
            DtypeError: it is not floating.
        """
        x = as_variable(x)
        if not self.W.is_initialized:
            name = type(self).__name__
            if x.ndim != self.ndim + 2:
                raise ShapeError(f"{name}: x has shape {x.shape} (expected batch, channels, {self.ndim} spatial axes).")
            require_floating(name, x=x)
            self.initialize(x.shape[1])
        return x


def channels_and_window(link: str, in_channels: Any, out_channels: Any, ksize: Any) -> tuple[Any, Any, Any]:
    """The three, the first of which may be left out: ``(out_channels, ksize)`` means ``(None, out_channels, ksize)``.

    Raises:
        TypeError: another one is missing.
    """
    if ksize is None:
        in_channels, out_channels, ksize = None, in_channels, out_channels
    elif out_channels is None:
        in_channels, out_channels = None, in_channels
    if out_channels is None or ksize is None:
        raise TypeError(
            f"{link}: {'ksize' if ksize is None else 'out_channels'} is missing. Write "
            f"{link}(in_channels, out_channels, ksize), where in_channels may be None or left out."
        )
    return in_channels, out_channels, ksize


def bias_initializer(initial_bias: InitializerLike) -> Any:
    """What biases start from: zeros by default."""
    return get_initializer(0 if initial_bias is None else initial_bias)


def without_bias(link: str, nobias: Any) -> bool:
    """``nobias``, which is no number: where it stands, Chainer 1 had ``wscale``.

    Raises:
        TypeError: it is a number.
    """
    if isinstance(nobias, (int, float)) and not isinstance(nobias, bool):
        raise TypeError(f"{link}: nobias={nobias} (expected True or False). wscale, which stood here, is gone.")
    return bool(nobias)


def count(link: str, name: str, value: Any) -> int:
    """``value`` as an integer.

    Raises:
        ArgumentError: it is none, or less than 1.
    """
    try:
        number = index(value)
    except TypeError:  # 1.5, "3", a tuple
        number = 0
    if number < 1:
        raise ArgumentError(f"{link}: {name}={value} (expected an integer of at least 1).")
    return number
