"""Convolution by a small network in place of a linear map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from chainette import Variable
from chainette.checks import removed_arguments
from chainette.errors import ArgumentError
from chainette.initializers import InitializerLike
from chainette.typing import ArrayLike
from chainette_functions import relu
from chainette_functions.connection.convolution_nd import KERNELS
from chainette_functions.windows import Sizes
from chainette_links.chain import ChainList
from chainette_links.convolution_2d import Convolution2D
from chainette_links.convolving import channels_and_window


class MLPConvolution2D(ChainList):
    """Convolution of images by a multilayer perceptron: a convolution, and behind it others of single pixels.

    Args:
        in_channels: channels of the input; None takes them from the first one. ``MLPConvolution2D((16, 8), 3)`` means
            ``MLPConvolution2D(None, (16, 8), 3)``.
        out_channels: channels of the output of each layer.
        ksize: the size of the first layer's windows; one number, or a pair for height and width. So are stride and pad.
        stride: the distance of two windows.
        pad: how many zeros stand on each side of the image.
        activation: the activation function between the layers; there is none behind the last.
        conv_init: what the weights start from; None means LeCunNormal.
        bias_init: what the biases start from; None means zeros.

    Children: one ``Convolution2D`` a layer, whose names are 0, 1 ...

    Source: Lin, Chen, Yan, "Network In Network", ICLR 2014.

    >>> layer = MLPConvolution2D(3, (16, 8), ksize=3)
    >>> layer(np.ones((1, 3, 8, 8), "f")).shape
    (1, 8, 6, 6)
    """

    @removed_arguments(
        wscale="scale the initializer, conv_init=chainette.initializers.LeCunNormal(scale)",
        use_cudnn=KERNELS,
    )
    def __init__(
        self,
        in_channels: int | None,
        out_channels: Sequence[int] | None = None,
        ksize: Sizes | None = None,
        stride: Sizes = 1,
        pad: Sizes = 0,
        activation: Callable[[Any], Any] = relu,
        *,
        conv_init: InitializerLike = None,
        bias_init: InitializerLike = None,
    ) -> None:
        name = "MLPConvolution2D"
        in_channels, out_channels, ksize = channels_and_window(name, in_channels, out_channels, ksize)
        if not isinstance(out_channels, Sequence) or not out_channels:
            raise ArgumentError(f"{name}: out_channels={out_channels} (expected a tuple, one number for each layer).")
        if not callable(activation):
            raise TypeError(
                f"{name}: activation={activation} (expected a function). wscale, which stood here, is gone."
            )
        start: dict[str, Any] = {"initialW": conv_init, "initial_bias": bias_init}
        super().__init__(
            Convolution2D(in_channels, out_channels[0], ksize, stride, pad, **start),
            *(Convolution2D(before, after, 1, **start) for before, after in pairwise(out_channels)),
        )
        self.activation = activation

    def forward(self, x: ArrayLike) -> Variable:
        """Apply the layers."""
        first, *others = self
        y: Variable = first(x)
        for layer in others:
            y = layer(self.activation(y))
        return y
