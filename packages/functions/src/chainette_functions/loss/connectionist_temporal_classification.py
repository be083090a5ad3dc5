"""Connectionist temporal classification: the loss of a sequence of labels whose positions in time are not known."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from chainette import Variable, as_variable, is_debug, to_device
from chainette.backend import is_array
from chainette.checks import require_floating, require_integers, require_one_of, require_range, require_shape
from chainette.errors import ArgumentError, ArrayTypeError, ShapeError
from chainette.typing import Array, ArrayLike
from chainette_functions.activation.log_softmax import log_softmax
from chainette_functions.array.concat import concat
from chainette_functions.array.stack import separate, stack
from chainette_functions.array.where import where
from chainette_functions.loss.reduction import reduced, widen
from chainette_functions.math.extremes import maximum
from chainette_functions.math.logsumexp import logsumexp

NAME = "connectionist_temporal_classification"
IMPOSSIBLE = -1e30
"""Stands for log(0): far below any log-probability, but finite, so that no difference of two is NaN."""


def connectionist_temporal_classification(
    x: Sequence[ArrayLike] | ArrayLike,
    t: ArrayLike,
    blank_symbol: int,
    input_length: ArrayLike | None = None,
    label_length: ArrayLike | None = None,
    reduce: str = "mean",
) -> Variable:
    """Negative log-probability of a sequence of labels, when ``softmax(x)`` says one class a frame.

    What the frames say is read by merging repetitions, then dropping blanks: ``a a - a b b`` is ``a a b``. The
    probability of the labels is the sum over all ways of saying them.

    Args:
        x: scores: a list or tuple of frames, each ``(batch, classes)``, or one array ``(frames, batch, classes)``;
            a floating dtype. No value overflows.
        t: labels, ``(batch, labels)``, an integer dtype, none of them blank. What stands behind the last label of an
            example may be anything.
        blank_symbol: the class that says nothing.
        input_length: how many frames each example has, ``(batch,)``, an integer dtype; None for all.
        label_length: how many labels each example has, ``(batch,)``, an integer dtype; None for all.
        reduce: ``"mean"`` over the examples, whatever their lengths, or ``"no"`` for the loss of each.

    Returns:
        A 0-d Variable (0 for an empty batch), or one of shape ``(batch,)``. Labels that do not fit into the frames
        have an infinite loss, with a gradient of 0.

    Raises:
        ArrayTypeError: ``x`` is neither a list or tuple nor an array. It is a TypeError.
        ShapeError: the shapes do not fit.
        DtypeError: labels or lengths are not of integers, or ``x`` is not floating.
        ArgumentError: a label, a length, ``blank_symbol`` or ``reduce`` is none of the above.

    Source: Graves et al., "Connectionist Temporal Classification: Labelling Unsegmented Sequence Data with Recurrent
    Neural Networks", ICML 2006.

    >>> x = np.zeros((2, 1, 3))  # of 9 ways to say something, 3 say 1: "1 1", "1 -" and "- 1"
    >>> round(connectionist_temporal_classification(x, np.array([[1]]), blank_symbol=0).item(), 4)
    1.0986
    """
    require_one_of(NAME, "reduce", reduce, ("mean", "no"))
    x, t = _stacked(x), as_variable(t)
    frames, batch, classes = x.shape
    if blank_symbol not in range(classes):
        raise ArgumentError(f"{NAME}: blank_symbol={blank_symbol} (expected 0 to {classes - 1}).")
    require_integers(NAME, t=t)
    if t.ndim != 2 or len(t) != batch:
        raise ShapeError(f"{NAME}: t has shape {t.shape} (expected ({batch}, labels), since x is {x.shape}).")
    frame_count = _lengths("input_length", input_length, x, frames)
    label_count = _lengths("label_length", label_length, x, t.shape[1])
    with x.device.use():
        score = widen(x)
        if input_length is not None:
            running = x.xp.arange(frames)[:, None, None] < frame_count[:, None]
            score = where(running, score, 0.0)  # what follows an example's last frame may be NaN
        labels = _labels(t, label_count, blank_symbol, x)
        states = _states(x.xp, labels, label_count, blank_symbol, score.dtype)
        said = log_softmax(score, axis=2)[:, x.xp.arange(batch)[:, None], states.classes]
        log_p = as_variable(states.starts)
        for i, said_now in enumerate(separate(maximum(said, IMPOSSIBLE))):  # a score may be -inf
            advanced = _advanced(log_p, states.skips) + said_now
            log_p = advanced if input_length is None else where(running[i], advanced, log_p)
        log_p = logsumexp(log_p + states.ends, axis=1)
        loss = where(log_p.array > IMPOSSIBLE, 0 - log_p, float("inf"))
    return reduced(loss, reduce, [x], batch)


class States(NamedTuple):
    """What the examples say one after the other, each array ``(batch, 2 labels + 1)``."""

    classes: Array  # the labels, with a blank before and behind each
    starts: Array  # 0 where an example is before its first frame, the blank before the first label; else IMPOSSIBLE
    skips: Array  # 0 where the state before may be skipped, which is a blank between labels that differ
    ends: Array  # 0 where an example may be after its last frame: the last label and the blank behind it


def _states(xp: Any, labels: Array, label_count: Array, blank: int, dtype: Any) -> States:
    shape = (len(labels), 2 * labels.shape[1] + 1)
    classes = xp.full(shape, blank, labels.dtype)
    classes[:, 1::2] = labels
    starts = xp.full(shape, IMPOSSIBLE, dtype)
    starts[:, 0] = 0
    skips = xp.full(shape, IMPOSSIBLE, dtype)
    skips[:, 3::2] = xp.where(labels[:, 1:] == labels[:, :-1], IMPOSSIBLE, 0)
    to_come = 2 * label_count[:, None] - xp.arange(shape[1])
    ends = xp.where((to_come == 0) | (to_come == 1), 0, IMPOSSIBLE).astype(dtype)
    return States(classes, starts, skips, ends)


def _advanced(log_p: Variable, skips: Array) -> Variable:
    """The log-probability of having come to each state: from itself, from the one before, or by skipping that one."""
    outside = log_p.xp.full((len(log_p), 2), IMPOSSIBLE, log_p.dtype)
    before = concat([outside, log_p], axis=1)
    return logsumexp(stack([log_p, before[:, 1:-1], before[:, :-2] + skips]), axis=0)


def _stacked(x: Any) -> Variable:
    """The scores as one Variable, ``(frames, batch, classes)``."""
    if isinstance(x, (list, tuple)):
        if not x:
            raise ArgumentError(f"{NAME}: x is empty (expected at least one frame).")
        every = [as_variable(frame) for frame in x]
        for i, frame in enumerate(every):
            require_shape(NAME, f"x[{i}]", frame, every[0].shape)
        x = stack(every)
    if not isinstance(x, Variable) and not is_array(x):
        raise ArrayTypeError(f"{NAME}: x is a {type(x).__name__} (expected a list or tuple of frames, or an array).")
    scores = as_variable(x)
    require_floating(NAME, x=scores)
    if scores.ndim != 3 or not len(scores):
        raise ShapeError(f"{NAME}: x has shape {scores.shape} (expected (frames, batch, classes), frames above 0).")
    return scores


def _lengths(name: str, lengths: ArrayLike | None, x: Variable, longest: int) -> Array:
    """The length of each example, where ``x`` lies; ``longest`` for all where none are given."""
    if lengths is None:
        with x.device.use():
            return x.xp.full(x.shape[1], longest)
    given = as_variable(lengths)
    require_integers(NAME, **{name: given})
    require_shape(NAME, name, given, x.shape[1:2])
    require_range(NAME, name, given.array, 0, longest + 1)
    return to_device(given.array, x.device).astype("q")  # twice a length may exceed uint8


def _labels(t: Variable, label_count: Array, blank: int, x: Variable) -> Array:
    """The labels, where ``x`` lies, with blanks behind the last one of each example."""
    labels = to_device(t.array, x.device).astype("q")
    counted = x.xp.arange(t.shape[1]) < label_count[:, None]
    labels = x.xp.where(counted, labels, blank)
    require_range(NAME, "t", labels, 0, x.shape[2])
    looked_at = is_debug() or not x.device.backend.is_accelerator
    if looked_at and ((labels == blank) & counted).any():
        raise ArgumentError(f"{NAME}: t holds the blank {blank} (expected labels alone). Give label_length.")
    return labels
