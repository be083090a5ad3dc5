"""Functions with weights: one row each; the tests are those of the kit."""

import chainette_functions as F
from chainette.testing import Case, FunctionTests, arrays

CASES = [
    Case(F.embed_id, [arrays.integers((3, 2), 0, 5), arrays.normal((5, 4))], lambda x, W: W[x], batched=(True, False)),
    Case(F.embed_id, [arrays.integers((6,), -1, 5, "int16"), arrays.normal((5, 4))],
         lambda x, W: W[x] * (x != -1)[:, None], kwargs={"ignore_label": -1}, name="embed_id with ignored label",
         batched=(True, False)),
    Case(F.linear, [arrays.normal((3, 4)), arrays.normal((2, 4)), arrays.normal((2,))], lambda x, W, b: x @ W.T + b,
         batched=(True, False, False)),
    Case(F.linear, [arrays.normal((3, 2, 2)), arrays.normal((2, 4))], lambda x, W: x.reshape(-1, 4) @ W.T,
         name="linear of images without bias", batched=(True, False)),
    Case(F.linear, [arrays.normal((3, 2, 4)), arrays.normal((5, 4)), arrays.normal((5,))],
         lambda x, W, b: x @ W.T + b, kwargs={"n_batch_axes": 2}, name="linear with two batch axes",
         batched=(True, False, False)),
]  # fmt: skip


class TestConnection(FunctionTests):
    module = F
    homes = (
        "chainette_functions.connection.bilinear",
        "chainette_functions.connection.embed_id",
        "chainette_functions.connection.linear",
        "chainette_functions.connection.scaled_dot_product_attention",
    )
    cases = CASES
