"""Functions that rearrange, join and select: one row each; the tests are those of the kit."""

import numpy as np

import chainette_functions as F
from chainette.testing import Case, FunctionTests, arrays

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
    Case(F.reshape, [arrays.normal((3, 4))], lambda x: x.reshape(-1, 2), kwargs={"shape": (-1, 2)}),
    Case(F.split_axis, [arrays.normal((3, 6))], lambda x: np.split(x, 3, 1), call=lambda x: F.split_axis(x, 3, 1)),
    Case(F.split_axis, [arrays.normal((3, 6))], lambda x: np.split(x, [2, 2, 5], 1),
         call=lambda x: F.split_axis(x, [2, 2, 5], -1), name="split_axis at positions"),
    Case(F.transpose, [arrays.normal((3, 4))], lambda x: x.T),
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
    cases = CASES
