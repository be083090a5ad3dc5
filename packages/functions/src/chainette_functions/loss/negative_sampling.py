"""Negative sampling."""

from collections.abc import Callable
from typing import Any

from chainette import Variable, as_variable, to_device
from chainette.checks import require_floating, require_integers, require_one_of, require_range, require_shape
from chainette.errors import ArgumentError, ShapeError
from chainette.operators import matmul, reshape, sum
from chainette.typing import Array, ArrayLike, Shape
from chainette_functions.activation.softplus import softplus
from chainette_functions.array.where import where
from chainette_functions.connection.embed_id import embed_id
from chainette_functions.loss.reduction import reduced, widen


def negative_sampling(
    x: ArrayLike,
    t: ArrayLike,
    W: ArrayLike,
    sampler: Callable[[Shape], Any],
    sample_size: int,
    reduce: str = "sum",
    *,
    return_samples: bool = False,
) -> Any:
    """Loss of telling a true word from random ones, ``-log sigmoid(x W_t) - sum_k log sigmoid(-x W_k)``.

    Args:
        x: features, ``(batch, dimension)``, a floating dtype.
        t: true words, ``(batch,)``, an integer dtype; -1 for "none", which costs nothing.
        W: a vector for each word, ``(vocabulary, dimension)``, a floating dtype.
        sampler: ``sampler(shape)`` gives random words, an integer array of that shape. It is asked for
            ``(batch, sample_size + 1)`` of them; the true ones take the first column.
        sample_size: how many random words each true one is told from.
        reduce: ``"sum"`` over the batch, or ``"no"`` for the loss of each true word.
        return_samples: also return the words, which a sampler ``lambda shape: samples`` would repeat.

    Returns:
        A 0-d Variable, or one of shape ``(batch,)``; with ``return_samples`` a pair of it and the array of words,
        ``(batch, sample_size + 1)``.

    Raises:
        ShapeError: the shapes do not fit, or the sampler gave another shape.
        DtypeError: ``t`` or what the sampler gave is not of integers, or ``x`` or ``W`` is not floating.
        ArgumentError: a word is out of range, or ``sample_size`` or ``reduce`` makes no sense.

    Source: Mikolov et al., "Distributed Representations of Words and Phrases and their Compositionality", NIPS 2013.

    >>> x, W = np.zeros((2, 3)), np.ones((5, 3))
    >>> round(negative_sampling(x, np.array([0, 4]), W, lambda shape: np.ones(shape, "i"), sample_size=2).item(), 4)
    4.1589
    """
    name = "negative_sampling"
    x, t, W = as_variable(x), as_variable(t), as_variable(W)
    require_one_of(name, "reduce", reduce, ("sum", "no"))
    require_floating(name, x=x, W=W)
    require_integers(name, t=t)
    if x.ndim != 2 or W.ndim != 2 or x.shape[1] != W.shape[1]:
        raise ShapeError(f"{name}: x {x.shape} and W {W.shape} must be (batch, dimension) and (vocabulary, dimension).")
    require_shape(name, "t", t, x.shape[:1])
    require_range(name, "t", t.array, 0, len(W), -1)
    if sample_size < 0 or sample_size != int(sample_size):
        raise ArgumentError(f"{name}: sample_size={sample_size} (expected a whole number, 0 or more).")
    with x.device.use():
        shape = (len(x), int(sample_size) + 1)
        samples = _with_true_words(x, t, sampler(shape), shape, len(W))
        kept = t.array != -1
        sign = x.xp.where(x.xp.arange(samples.shape[1]) == 0, -1, 1).astype(x.dtype)
        vectors = embed_id(x.xp.where(samples == -1, 0, samples), W)
    scores = reshape(matmul(vectors, reshape(widen(x), (*x.shape, 1))), samples.shape)
    loss = where(kept, sum(softplus(scores * sign), axis=1), 0.0)
    loss = reduced(loss, reduce, [x, W])
    return (loss, samples) if return_samples else loss


def _with_true_words(x: Variable, t: Variable, sampled: Any, shape: Shape, vocabulary: int) -> Array:
    """The sampled words, with the true ones in the first column."""
    words = as_variable(sampled)
    require_integers("negative_sampling", **{"what sampler gave": words})
    require_shape("negative_sampling", "what sampler gave", words, shape)
    random = to_device(words.array, x.device)[:, 1:]
    require_range("negative_sampling", "what sampler gave", random, 0, vocabulary)
    return x.xp.concatenate([t.array[:, None].astype("q"), random.astype("q")], axis=1)
