"""The module of which GoogLeNet is made."""

from __future__ import annotations

from typing import Any

from chainette import Variable
from chainette.initializers import InitializerLike
from chainette.typing import ArrayLike
from chainette_functions import concat, max_pooling_2d, relu
from chainette_links.chain import Chain
from chainette_links.convolution_2d import Convolution2D


class Inception(Chain):
    """Inception module: convolutions with windows of 1, 3 and 5 and a max pooling side by side, whose channels follow
    each other in the output. Before the large windows, and behind the pooling, are projections to fewer channels.

    Args:
        in_channels: channels of the input; None takes them from the first one.
        out1: channels of the 1 x 1 convolution.
        proj3: channels to which the input of the 3 x 3 convolution is projected.
        out3: channels of the 3 x 3 convolution.
        proj5: channels to which the input of the 5 x 5 convolution is projected.
        out5: channels of the 5 x 5 convolution.
        proj_pool: channels to which the pooled input is projected.
        conv_init: what the weights start from; None means LeCunNormal.
        bias_init: what the biases start from; None means zeros.

    Children: ``conv1``, ``proj3``, ``conv3``, ``proj5``, ``conv5`` and ``projp``, each a ``Convolution2D``.

    Source: Szegedy et al., "Going Deeper with Convolutions", CVPR 2015.

    >>> layer = Inception(8, 4, 2, 4, 2, 4, 4)
    >>> layer(np.ones((1, 8, 6, 6), "f")).shape
    (1, 16, 6, 6)
    """

    def __init__(
        self,
        in_channels: int | None,
        out1: int,
        proj3: int,
        out3: int,
        proj5: int,
        out5: int,
        proj_pool: int,
        conv_init: InitializerLike = None,
        bias_init: InitializerLike = None,
    ) -> None:
        super().__init__()
        start: dict[str, Any] = {"initialW": conv_init, "initial_bias": bias_init}
        with self.init_scope():
            self.conv1 = Convolution2D(in_channels, out1, 1, **start)
            self.proj3 = Convolution2D(in_channels, proj3, 1, **start)
            self.conv3 = Convolution2D(proj3, out3, 3, pad=1, **start)
            self.proj5 = Convolution2D(in_channels, proj5, 1, **start)
            self.conv5 = Convolution2D(proj5, out5, 5, pad=2, **start)
            self.projp = Convolution2D(in_channels, proj_pool, 1, **start)

    def forward(self, x: ArrayLike) -> Variable:
        """Apply the module; the output has the height and width of the input."""
        branches = [
            self.conv1(x),
            self.conv3(relu(self.proj3(x))),
            self.conv5(relu(self.proj5(x))),
            self.projp(max_pooling_2d(x, 3, stride=1, pad=1)),
        ]
        return relu(concat(branches, axis=1))
