"""BlackOut: a sampled softmax that also learns from what is wrong."""

from chainette import Variable, as_variable
from chainette.checks import require_floating, require_integers, require_one_of, require_range, require_shape
from chainette.errors import ShapeError
from chainette.operators import log, matmul, reshape, sum
from chainette.typing import ArrayLike
from chainette_functions.array.where import where
from chainette_functions.connection.embed_id import embed_id
from chainette_functions.loss.reduction import reduced, widen
from chainette_functions.math.exp import exp
from chainette_functions.math.logsumexp import logsumexp


def black_out(x: ArrayLike, t: ArrayLike, W: ArrayLike, samples: ArrayLike, reduce: str = "mean") -> Variable:
    """BlackOut loss, ``-log p_t - sum_k log(1 - p_k)``, where ``p`` is a softmax over the true and the sampled words.

    Args:
        x: features, ``(batch, dimension)``, a floating dtype.
        t: true words, ``(batch,)``, an integer dtype.
        W: a vector for each word, ``(vocabulary, dimension)``, a floating dtype. A word's score is its product with
            ``x``.
        samples: random words ``k``, ``(batch, sample size)``, an integer dtype.
        reduce: ``"mean"`` over the batch, or ``"no"`` for the loss of each true word.

    Returns:
        A 0-d Variable, or one of shape ``(batch,)``. No score overflows; float16 is computed in float32.

    Raises:
        ShapeError: the shapes do not fit.
        DtypeError: ``t`` or ``samples`` is not of integers, or ``x`` or ``W`` is not floating.
        ArgumentError: a word is out of range, or ``reduce`` is none of the above.

    Source: Ji et al., "BlackOut: Speeding up Recurrent Neural Network Language Models With Very Large Vocabularies",
    ICLR 2016.

    >>> x, W = np.zeros((1, 2)), np.ones((3, 2))
    >>> black_out(x, np.array([0]), W, np.array([[2]])).array.round(4)  # two words of the probability 1/2
    np.float64(1.3863)
    """
    name = "black_out"
    x, t, W, samples = as_variable(x), as_variable(t), as_variable(W), as_variable(samples)
    require_one_of(name, "reduce", reduce, ("mean", "no"))
    require_floating(name, x=x, W=W)
    require_integers(name, t=t, samples=samples)
    if x.ndim != 2 or W.ndim != 2 or x.shape[1] != W.shape[1]:
        raise ShapeError(f"{name}: x {x.shape} and W {W.shape} must be (batch, dimension) and (vocabulary, dimension).")
    require_shape(name, "t", t, x.shape[:1])
    if samples.ndim != 2 or len(samples) != len(x):
        raise ShapeError(f"{name}: samples has shape {samples.shape} (expected ({len(x)}, sample size)).")
    require_range(name, "t", t.array, 0, len(W))
    require_range(name, "samples", samples.array, 0, len(W))
    with x.device.use():
        words = x.xp.concatenate([t.array[:, None].astype("q"), samples.array.astype("q")], axis=1)
    scores = reshape(matmul(embed_id(words, W), reshape(widen(x), (*x.shape, 1))), words.shape)
    log_p = scores - logsumexp(scores, axis=1)[:, None]
    loss = -log_p[:, 0]
    if samples.shape[1]:
        loss = loss - sum(_log_of_the_rest(log_p)[:, 1:], axis=1)
    return reduced(loss, reduce, [x, W], len(x))


def _log_of_the_rest(log_p: Variable) -> Variable:
    """log(1 - p) of several words. Only the likeliest may have a p near 1; of it, what the others make up is summed."""
    xp = log_p.xp
    with log_p.device.use():
        likeliest = xp.arange(log_p.shape[1]) == log_p.array.argmax(1)[:, None]
    rest = logsumexp(where(likeliest, float("-inf"), log_p), axis=1)[:, None]
    return where(likeliest, rest, log(1 - exp(where(likeliest, -1.0, log_p))))
