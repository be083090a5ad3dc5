"""Functions with weights: one row each; the tests are those of the kit."""

import math

import numpy as np

import chainette
import chainette_functions as F
from chainette.testing import Case, FunctionTests, arrays


def attention(query, key, value, mask=None, scale=None):
    scores = query @ key.swapaxes(-1, -2) * (scale or 1 / math.sqrt(query.shape[-1]))
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == "?" else scores + mask
    weights = np.exp(scores)
    total = weights.sum(-1, keepdims=True)
    return weights / np.where(total == 0, 1, total) @ value


def with_dropout(query, key, value):
    chainette.seed(3)
    return F.scaled_dot_product_attention(query, key, value, dropout=0.4)


def attention_with_dropout(query, key, value):
    chainette.seed(3)
    weights = attention(query, key, np.eye(key.shape[-2]))
    return F.dropout(weights, 0.4).array @ value


QUERY_KEY_VALUE = [arrays.normal((2, 3, 4)), arrays.normal((2, 5, 4)), arrays.normal((2, 5, 6))]

CASES = [
    Case(F.bilinear, [arrays.normal((3, 4)), arrays.normal((3, 2)), arrays.normal((4, 2, 5))],
         lambda e1, e2, W: np.einsum("ni,nj,ijk->nk", e1, e2, W), batched=(True, True, False)),
    Case(F.bilinear, [arrays.normal((3, 2, 2)), arrays.normal((3, 3)), arrays.normal((4, 3, 5)), arrays.normal((4, 5)),
                      arrays.normal((3, 5)), arrays.normal((5,))],
         lambda e1, e2, W, V1, V2, b: np.einsum("ni,nj,ijk->nk", e1.reshape(-1, 4), e2, W)
         + e1.reshape(-1, 4) @ V1 + e2 @ V2 + b,
         name="bilinear with linear terms", batched=(True, True, False, False, False, False)),
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
    Case(F.scaled_dot_product_attention, QUERY_KEY_VALUE, attention),
    Case(F.scaled_dot_product_attention, [*QUERY_KEY_VALUE, arrays.booleans((3, 5))], attention,
         call=lambda q, k, v, mask: F.scaled_dot_product_attention(q, k, v, mask=mask),
         name="scaled_dot_product_attention with a mask", batched=(True, True, True, False)),
    Case(F.scaled_dot_product_attention, [*QUERY_KEY_VALUE, arrays.normal((2, 1, 5))], attention,
         call=lambda q, k, v, mask: F.scaled_dot_product_attention(q, k, v, mask=mask),
         name="scaled_dot_product_attention with added numbers"),
    Case(F.scaled_dot_product_attention, QUERY_KEY_VALUE, lambda *xs: attention(*xs, mask=np.tri(3, 5, dtype="?")),
         kwargs={"causal": True}, name="scaled_dot_product_attention causal"),
    Case(F.scaled_dot_product_attention, [arrays.normal((2, 1, 3, 4)), arrays.normal((2, 5, 4)), arrays.normal((5, 6))],
         lambda *xs: attention(*xs, scale=0.3), kwargs={"scale": 0.3}, name="scaled_dot_product_attention broadcast",
         batched=False),
    Case(F.scaled_dot_product_attention, QUERY_KEY_VALUE, attention_with_dropout, call=with_dropout, random=True,
         name="scaled_dot_product_attention with dropout"),
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
