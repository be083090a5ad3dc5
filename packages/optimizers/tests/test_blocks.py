"""Pieces of arrays: together they are the whole, in any layout, and the buffers are the same ones each time."""

import threading

import numpy as np
import pytest
from hypothesis import given, strategies as st

from chainette.testing import fake_backend
from chainette_optimizers import blocks as module
from chainette_optimizers.blocks import blocks

LAYOUTS = {
    "contiguous": lambda array: array,
    "transposed": lambda array: array.T,
    "reversed": lambda array: array[::-1],
    "with gaps": lambda array: array[..., ::2] if array.ndim else array,
}


@given(
    shape=st.lists(st.integers(0, 7), max_size=4),
    layouts=st.tuples(st.sampled_from(sorted(LAYOUTS)), st.booleans()),
    limit=st.integers(4, 60),
)
def test_each_element_is_in_exactly_one_piece(shape, layouts, limit):
    name, same_layout = layouts
    if not shape and name == "reversed":
        return
    x = LAYOUTS[name](np.zeros(shape, np.float32))
    y = LAYOUTS[name](np.zeros(shape, np.float32)) if same_layout else np.zeros(x.shape, np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_BYTES", limit)
        for a, b, buffer in blocks(x, y, buffers=[np.float64]):
            assert a.shape == b.shape == buffer.shape
            assert a.size <= limit // 4
            assert np.may_share_memory(a, x) or a.size == 0
            a += 1
            b -= 1
    assert (x == 1).all()
    assert (y == -1).all()


def test_a_small_array_comes_as_it_is():
    x = np.ones((2, 3))
    ((piece,),) = blocks(x)
    assert piece is x


def test_the_piece_of_a_large_array_stays_below_the_limit_and_is_flat():
    x = np.zeros((3, 200_000), np.float16)
    sizes = [piece.shape for (piece,) in blocks(x)]
    assert sizes == [(65_536,)] * 9 + [(10_176,)]


def test_buffers_are_the_same_ones_each_time_and_grow():
    ((_, small),) = blocks(np.zeros(10), buffers=["d"])
    ((_, again, other),) = blocks(np.zeros((2, 5)), buffers=["d", "d"])
    assert np.shares_memory(small, again)
    assert not np.shares_memory(again, other)
    ((_, large),) = blocks(np.zeros(20_000), buffers=["d"])
    ((_, again),) = blocks(np.zeros(10), buffers=["d"])
    assert np.shares_memory(large, again)
    ((_, single),) = blocks(np.zeros(10), buffers=["f"])
    assert single.dtype == np.float32
    assert not np.shares_memory(single, again)


def test_each_thread_has_buffers_of_its_own():
    ((_, mine),) = blocks(np.zeros(10), buffers=["d"])
    theirs = []
    thread = threading.Thread(target=lambda: theirs.extend(blocks(np.zeros(10), buffers=["d"])))
    thread.start()
    thread.join()
    assert not np.shares_memory(mine, theirs[0][1])


def test_the_arrays_of_an_accelerator_come_in_one_piece(isolated_plugins):
    with isolated_plugins(fake_backend.plugin, installed=True):
        device = fake_backend.BACKEND.get_device(1)
        x = device.send(np.zeros((3, 100_000)))
        with device.use():
            ((piece, buffer),) = blocks(x, buffers=["f"])
        assert piece is x
        assert (buffer.shape, buffer.dtype, buffer.index) == ((3, 100_000), np.float32, 1)
