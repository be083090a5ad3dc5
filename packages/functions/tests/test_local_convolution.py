"""Convolution with weights of its own for each window: rows, and what they cannot say."""

import numpy as np

import chainette_functions as F
from chainette.testing import Case, FunctionTests, arrays


def local_convolution(x, W, b=None, stride=(1, 1)):
    """Window by window."""
    y = np.zeros((len(x), *W.shape[:3]))
    for i, j in np.ndindex(*W.shape[1:3]):
        top, left = i * stride[0], j * stride[1]
        window = x[:, :, top : top + W.shape[4], left : left + W.shape[5]]
        y[:, :, i, j] = np.einsum("ncuv,ocuv->no", window, W[:, i, j])
    return y if b is None else y + b


CASES = [
    Case(F.local_convolution_2d, [arrays.normal((2, 3, 4, 5)), arrays.normal((4, 3, 3, 3, 2, 3)),
                                  arrays.normal((4, 3, 3))], local_convolution, batched=(True, False, False)),
    Case(F.local_convolution_2d, [arrays.normal((3, 2, 5, 7)), arrays.normal((2, 2, 2, 2, 3, 2))],
         lambda x, W: local_convolution(x, W, stride=(2, 5)), kwargs={"stride": (2, 5)}, batched=(True, False),
         name="local_convolution_2d with a stride, without bias"),
]  # fmt: skip


class TestLocalConvolution(FunctionTests):
    module = F
    homes = ("chainette_functions.connection.local_convolution_2d",)
    cases = CASES


def test_with_the_same_weights_for_each_window_it_is_a_convolution():
    generator = np.random.default_rng(0)
    x, W, b = (generator.standard_normal(shape) for shape in ((2, 3, 7, 6), (4, 3, 3, 2), (4,)))
    expected = F.convolution_2d(x, W, b, stride=(2, 1)).array
    each_W = np.broadcast_to(W[:, None, None], (4, 3, 5, 3, 3, 2))
    found = F.local_convolution_2d(x, each_W, np.broadcast_to(b[:, None, None], (4, 3, 5)), stride=(2, 1)).array
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_what_overflows_float16_on_the_way_but_fits_in_the_end_is_right():
    x, W = np.full((1, 2, 1, 1), 600, "e"), np.array([600, -600], "e").reshape(1, 1, 1, 2, 1, 1)
    assert F.local_convolution_2d(x, W, np.ones((1, 1, 1), "e")).array.item() == 1
