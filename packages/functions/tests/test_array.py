"""Functions that rearrange, join and select: one row each; the tests are those of the kit."""

import numpy as np

import chainette_functions as F
from chainette.testing import Case, FunctionTests, arrays


def im2col(x, k, s=(1, 1), p=(0, 0), d=(1, 1), more=0):
    """The windows one by one, cut from x with zeros around it, and ``more`` zeros behind it."""
    x = np.pad(x, [(0, 0), (0, 0), (p[0], p[0] + more), (p[1], p[1] + more)])
    reach = [(k[a] - 1) * d[a] + 1 for a in (0, 1)]
    rows, columns = (range(0, x.shape[2 + a] - reach[a] + 1, s[a]) for a in (0, 1))
    windows = [[x[:, :, i : i + reach[0] : d[0], j : j + reach[1] : d[1]] for j in columns] for i in rows]
    y = np.moveaxis(np.array(windows), (0, 1), (-2, -1))
    return y.reshape(len(x), x.shape[1] * k[0] * k[1], len(rows), len(columns))


def interpolation(positions, size):
    """The matrix that takes an axis of that size to values at the given positions, linear in between."""
    return np.stack([np.interp(positions, np.arange(size), row) for row in np.eye(size)], 1)


def hot(t, classes):
    return (t[..., None] == np.arange(classes)).astype("d")


def added(a, index, b):
    y = a.copy()
    np.add.at(y, index, b)
    return y


CASES = [
    Case(F.broadcast_to, [arrays.normal((3, 1, 2))], lambda x: np.broadcast_to(x, (2, 3, 4, 2)),
         kwargs={"shape": (2, 3, 4, 2)}, batched=False),
    Case(F.cast, [arrays.normal((3, 4))], lambda x: x.astype("i"), kwargs={"typ": "int32"}, gradient=False,
         name="cast to integers"),
    Case(F.cast, [arrays.normal((3, 4))], lambda x: x, call=lambda x: F.cast(F.cast(x, "float64"), x.dtype)),
    Case(F.concat, [arrays.normal((3, 2)), arrays.normal((3, 4))], lambda a, b: np.concatenate([a, b], 1),
         call=lambda *xs: F.concat(xs)),
    Case(F.concat, [arrays.normal((3, 2)), arrays.normal((1, 2))], lambda a, b: np.concatenate([a, b], 0),
         call=lambda *xs: F.concat(xs, axis=-2), name="concat rows", batched=False),
    Case(F.copy, [arrays.normal((3, 4))], lambda x: x, elementwise=True),
    Case(F.expand_dims, [arrays.normal((3, 4))], lambda x: x[:, None], kwargs={"axis": 1}),
    Case(F.expand_dims, [arrays.normal((3, 4))], lambda x: x[..., None], kwargs={"axis": -1}, name="expand_dims last"),
    Case(F.get_item, [arrays.normal((3, 4))], lambda x: x[:, 1:3], kwargs={"slices": (slice(None), slice(1, 3))}),
    Case(F.get_item, [arrays.normal((3, 4))], lambda x: x[..., None, -1], kwargs={"slices": (Ellipsis, None, -1)},
         name="get_item with new axis"),
    Case(F.get_item, [arrays.normal((3, 4))], lambda x: x[:, [2, 0, 2]], kwargs={"slices": (slice(None), [2, 0, 2])},
         name="get_item twice the same"),
    Case(F.pad_sequence, [arrays.normal((2, 2)), arrays.normal((3, 2)), arrays.normal((0, 2))],
         lambda a, b, c: np.stack([np.pad(x, ((0, 3 - len(x)), (0, 0))) for x in (a, b, c)]),
         call=lambda *xs: F.pad_sequence(xs), batched=False),
    Case(F.pad_sequence, [arrays.normal((2,)), arrays.normal((3,))],
         lambda a, b: np.stack([np.pad(x, (0, 5 - len(x)), constant_values=-1) for x in (a, b)]),
         call=lambda *xs: F.pad_sequence(xs, 5, padding=-1), name="pad_sequence to a length"),
    Case(F.reshape, [arrays.normal((3, 4))], lambda x: x.reshape(-1, 2), kwargs={"shape": (-1, 2)}),
    Case(F.split_axis, [arrays.normal((3, 6))], lambda x: np.split(x, 3, 1), call=lambda x: F.split_axis(x, 3, 1)),
    Case(F.split_axis, [arrays.normal((3, 6))], lambda x: np.split(x, [2, 2, 5], 1),
         call=lambda x: F.split_axis(x, [2, 2, 5], -1), name="split_axis at positions"),
    Case(F.transpose, [arrays.normal((3, 4))], lambda x: x.T),
    Case(F.transpose_sequence, [arrays.normal((4, 2)), arrays.normal((2, 2)), arrays.normal((2, 2))],
         lambda a, b, c: (np.stack([a[0], b[0], c[0]]), np.stack([a[1], b[1], c[1]]), a[2:3], a[3:4]),
         call=lambda *xs: F.transpose_sequence(xs), batched=False),
    Case(F.transpose_sequence, [arrays.normal((2,)), arrays.normal((1,)), arrays.normal((0,))],
         lambda a, b, c: (np.stack([a[0], b[0]]), a[1:]), call=lambda *xs: F.transpose_sequence(xs), batched=False,
         name="transpose_sequence of numbers"),
    Case(F.transpose, [arrays.normal((2, 3, 4))], lambda x: x.transpose(2, 0, 1), kwargs={"axes": (2, 0, -2)},
         name="transpose by axes"),
    Case(F.where, [arrays.booleans((3, 4)), arrays.normal((3, 4)), arrays.normal((3, 4))], np.where, elementwise=True),
    Case(F.where, [arrays.booleans((3, 1)), arrays.normal((4,)), arrays.normal((3, 4))], np.where,
         name="where broadcast", batched=(True, False, True)),
    Case(F.sum_to, [arrays.normal((3, 4))], lambda x: x.sum(0, keepdims=True), kwargs={"shape": (1, 4)}),
    Case(F.broadcast, [arrays.normal((3, 1)), arrays.normal((4,))], np.broadcast_arrays, batched=(True, False)),
    Case(F.dstack, [arrays.normal((3, 2)), arrays.normal((3, 2))], lambda a, b: np.dstack([a, b]),
         call=lambda *xs: F.dstack(xs)),
    Case(F.flatten, [arrays.normal((3, 4))], np.ravel),
    Case(F.flip, [arrays.normal((3, 4))], lambda x: x[:, ::-1], kwargs={"axis": -1}),
    Case(F.hstack, [arrays.normal((3, 2)), arrays.normal((3, 1))], lambda a, b: np.hstack([a, b]),
         call=lambda *xs: F.hstack(xs)),
    Case(F.hstack, [arrays.normal((3,)), arrays.normal((2,))], lambda a, b: np.hstack([a, b]),
         call=lambda *xs: F.hstack(xs), name="hstack of vectors"),
    Case(F.im2col, [arrays.normal((2, 3, 5, 4))], lambda x: im2col(x, (2, 3), (2, 1), (1, 0), (3, 1)),
         kwargs={"ksize": (2, 3), "stride": (2, 1), "pad": (1, 0), "dilate": (3, 1)}),
    Case(F.im2col, [arrays.normal((2, 2, 5, 3))], lambda x: im2col(x, (2, 2), (2, 2), more=1),
         kwargs={"ksize": 2, "stride": 2, "cover_all": True}, name="im2col of all"),
    Case(F.moveaxis, [arrays.normal((2, 3, 4))], lambda x: np.moveaxis(x, (0, 2), (1, 0)),
         kwargs={"source": (0, -1), "destination": (1, 0)}),
    Case(F.repeat, [arrays.normal((3, 4))], lambda x: np.repeat(x, 2, 1), kwargs={"repeats": 2, "axis": 1}),
    Case(F.repeat, [arrays.normal((3, 4))], lambda x: np.repeat(x, (2, 0, 1, 3), 1),
         kwargs={"repeats": (2, 0, 1, 3), "axis": -1}, name="repeat by numbers"),
    Case(F.repeat, [arrays.normal((3, 4))], lambda x: np.repeat(x, 2), kwargs={"repeats": 2}, name="repeat flattened"),
    Case(F.rollaxis, [arrays.normal((2, 3, 4))], lambda x: np.rollaxis(x, 2, 1), kwargs={"axis": -1, "start": 1}),
    Case(F.rollaxis, [arrays.normal((2, 3, 4))], lambda x: np.rollaxis(x, 0, 3), kwargs={"axis": 0, "start": 3},
         name="rollaxis to the end"),
    Case(F.select_item, [arrays.normal((3, 4)), arrays.integers((3,), 0, 4)],
         lambda x, t: x[np.arange(len(x)), t]),
    Case(F.separate, [arrays.normal((3, 4))], lambda x: list(x.T), kwargs={"axis": 1}),
    Case(F.squeeze, [arrays.normal((3, 1, 4, 1))], lambda x: x[:, 0, :, 0]),
    Case(F.squeeze, [arrays.normal((3, 1, 4, 1))], lambda x: x[..., 0], kwargs={"axis": -1}, name="squeeze one axis"),
    Case(F.stack, [arrays.normal((3, 4)), arrays.normal((3, 4))], lambda a, b: np.stack([a, b], -1),
         call=lambda *xs: F.stack(xs, axis=-1)),
    Case(F.swapaxes, [arrays.normal((2, 3, 4))], lambda x: x.swapaxes(0, 2), kwargs={"axis1": 0, "axis2": -1}),
    Case(F.tile, [arrays.normal((3, 4))], lambda x: np.tile(x, (2, 1, 3)), kwargs={"reps": (2, 1, 3)}),
    Case(F.tile, [arrays.normal((3, 2, 2))], lambda x: np.tile(x, 2), kwargs={"reps": 2}, name="tile last axis"),
    Case(F.vstack, [arrays.normal((2, 3)), arrays.normal((3,))], lambda a, b: np.vstack([a, b]),
         call=lambda *xs: F.vstack(xs), batched=(True, False)),
    Case(F.depth2space, [arrays.normal((2, 12, 3, 2))],
         lambda x: x.reshape(-1, 2, 2, 3, 3, 2).transpose(0, 3, 4, 1, 5, 2).reshape(-1, 3, 6, 4), kwargs={"r": 2}),
    Case(F.space2depth, [arrays.normal((2, 3, 6, 4))],
         lambda x: np.concatenate([x[:, :, i::2, j::2] for i in range(2) for j in range(2)], 1), kwargs={"r": 2}),
    Case(F.pad, [arrays.normal((3, 4))], lambda x: np.pad(x, ((0, 0), (1, 2)), constant_values=(7, 9)),
         kwargs={"pad_width": ((0, 0), (1, 2)), "mode": "constant", "constant_values": (7, 9)}),
    Case(F.pad, [arrays.normal((3, 4))], lambda x: np.pad(x, (2, 1)), kwargs={"pad_width": (2, 1), "mode": "constant"},
         name="pad with zeros"),
    *[Case(F.pad, [arrays.normal((2, 3, 4))], lambda x, mode=mode: np.pad(x, ((0, 0), (4, 1), (0, 7)), mode),
           kwargs={"pad_width": ((0, 0), (4, 1), (0, 7)), "mode": mode}, name=f"pad {mode}")
      for mode in ("edge", "reflect", "symmetric", "wrap")],
    Case(F.one_hot, [arrays.integers((3, 2), 0, 4)], lambda t: hot(t, 4), kwargs={"num_classes": 4}, gradient=False,
         dtypes=("float32",)),
    Case(F.one_hot, [arrays.integers((3, 2), -1, 4, "int8")], lambda t: np.moveaxis(hot(t, 4), -1, 1), gradient=False,
         call=lambda t: F.one_hot(t, 4, "float64", -2, ignore_label=-1), name="one_hot along an axis",
         dtypes=("float64",)),
    Case(F.scatter_add, [arrays.normal((3, 4)), arrays.normal((3, 2))], lambda a, b: added(a, np.s_[:, 1:3], b),
         call=lambda a, b: F.scatter_add(a, np.s_[:, 1:3], b)),
    Case(F.scatter_add, [arrays.normal((3, 4)), arrays.normal((3, 3))], lambda a, b: added(a, np.s_[:, [2, 0, 2]], b),
         call=lambda a, b: F.scatter_add(a, np.s_[:, [2, 0, 2]], b), name="scatter_add twice the same"),
    Case(F.scatter_add, [arrays.normal((3, 4)), arrays.normal((2,))], lambda a, b: added(a, np.s_[..., [1, 3]], b),
         call=lambda a, b: F.scatter_add(a, np.s_[..., [1, 3]], b), name="scatter_add broadcast",
         batched=(True, False)),
    Case(F.resize_images, [arrays.normal((2, 3, 4, 5))],
         lambda x: interpolation(np.linspace(0, 3, 6), 4) @ x @ interpolation(np.linspace(0, 4, 3), 5).T,
         kwargs={"output_shape": (6, 3)}),
    Case(F.resize_images, [arrays.normal((2, 3, 4, 5))],
         lambda x: interpolation((np.arange(6) + 0.5) * 4 / 6 - 0.5, 4) @ x
         @ interpolation((np.arange(3) + 0.5) * 5 / 3 - 0.5, 5).T,
         kwargs={"output_shape": (6, 3), "align_corners": False}, name="resize_images by edges"),
    Case(F.resize_images, [arrays.normal((2, 3, 4, 5))], lambda x: x[:, :, [0, 0, 1, 2, 2, 3]][..., [0, 1, 3]],
         kwargs={"output_shape": (6, 3), "mode": "nearest"}, name="resize_images nearest"),
]  # fmt: skip


class TestArray(FunctionTests):
    module = F
    homes = (
        "chainette_functions.array",
        "chainette.operators.shape",
        "chainette.operators.broadcast",
        "chainette.operators.cast",
        "chainette.operators.get_item",
    )
    elsewhere = ("chainette_functions.array.spatial_transformer",)
    cases = CASES
