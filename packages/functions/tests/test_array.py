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
