"""The module of which GoogLeNet with batch normalization is made."""

from __future__ import annotations

from chainette import Variable, as_variable
from chainette.checks import require_one_of
from chainette.errors import ArgumentError
from chainette.initializers import InitializerLike
from chainette.typing import ArrayLike, DTypeLike
from chainette_functions import average_pooling_2d, concat, max_pooling_2d, relu
from chainette_links.batch_normalization import BatchNormalization
from chainette_links.chain import Chain
from chainette_links.convolution_2d import Convolution2D


class InceptionBN(Chain):
    """Inception module with batch normalization behind each convolution; two with windows of 3 replace that of 5.

    Args:
        in_channels: channels of the input; None takes them from the first one.
        out1: channels of the 1 x 1 convolution; 0 leaves it out.
        proj3: channels to which the input of the 3 x 3 convolution is projected.
        out3: channels of the 3 x 3 convolution.
        proj33: channels to which the input of the two 3 x 3 convolutions is projected.
        out33: channels of the two 3 x 3 convolutions.
        pooltype: ``"max"`` or ``"avg"``.
        proj_pool: channels to which the pooled input is projected; None leaves it as it is.
        stride: the distance of two windows; other than 1 only with ``out1=0``.
        conv_init: what the weights start from; None means LeCunNormal.
        dtype: that of the parameters of the normalizations; None means ``config.dtype``.

    Children: ``proj3``, ``conv3``, ``proj33``, ``conv33a``, ``conv33b``, with ``out1`` ``conv1`` and with ``proj_pool``
    ``poolp``, each a ``Convolution2D`` without biases; and for each a ``BatchNormalization`` whose name has an ``n``
    behind it, such as ``proj3n``.

    Source: Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
    Shift", ICML 2015.

    >>> layer = InceptionBN(8, 4, 2, 4, 2, 4, "avg", 4)
    >>> layer(np.ones((2, 8, 6, 6), "f")).shape
    (2, 16, 6, 6)
    """

    def __init__(
        self,
        in_channels: int | None,
        out1: int,
        proj3: int,
        out3: int,
        proj33: int,
        out33: int,
        pooltype: str,
        proj_pool: int | None = None,
        stride: int = 1,
        conv_init: InitializerLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__()
        require_one_of("InceptionBN", "pooltype", pooltype, ("max", "avg"))
        if out1 and (stride != 1 or proj_pool is None):
            raise ArgumentError(
                f"InceptionBN: out1={out1} with stride={stride} and proj_pool={proj_pool} (expected stride=1 and a "
                "projection then). Give out1=0 to leave its convolution out."
            )
        self.pooltype = pooltype
        self.stride = stride
        convolutions = {
            "proj3": Convolution2D(in_channels, proj3, 1, nobias=True, initialW=conv_init),
            "conv3": Convolution2D(proj3, out3, 3, stride, 1, nobias=True, initialW=conv_init),
            "proj33": Convolution2D(in_channels, proj33, 1, nobias=True, initialW=conv_init),
            "conv33a": Convolution2D(proj33, out33, 3, 1, 1, nobias=True, initialW=conv_init),
            "conv33b": Convolution2D(out33, out33, 3, stride, 1, nobias=True, initialW=conv_init),
        }
        if out1:
            convolutions["conv1"] = Convolution2D(in_channels, out1, 1, nobias=True, initialW=conv_init)
        if proj_pool is not None:
            convolutions["poolp"] = Convolution2D(in_channels, proj_pool, 1, nobias=True, initialW=conv_init)
        for name, convolution in convolutions.items():
            self.add_link(name, convolution)
            self.add_link(name + "n", BatchNormalization(convolution.out_channels, dtype=dtype))

    def forward(self, x: ArrayLike) -> Variable:
        """Apply the module."""
        x = as_variable(x)
        branches = [self._convolved(x, "conv1")] if "conv1" in self._children else []
        branches += [self._convolved(x, "proj3", "conv3"), self._convolved(x, "proj33", "conv33a", "conv33b")]
        if self.pooltype == "max":
            pooled = max_pooling_2d(x, 3, self.stride, 1, cover_all=False)
        else:
            pooled = average_pooling_2d(x, 3, self.stride, 1)
        branches.append(self._convolved(pooled, "poolp") if "poolp" in self._children else pooled)
        return concat(branches, axis=1)

    def _convolved(self, x: Variable, *names: str) -> Variable:
        """The convolutions of those names, each with its normalization and relu."""
        for name in names:
            x = relu(self[name + "n"](self[name](x)))
        return x
