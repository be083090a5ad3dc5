"""Linear-chain conditional random fields: the loss of label sequences, and the best of them."""

from collections.abc import Callable, Sequence

from chainette import Variable, as_variable, get_array_module
from chainette.checks import require_floating, require_integers, require_one_of, require_range, require_shape
from chainette.errors import ArgumentError, ShapeError
from chainette.operators import get_item, reshape
from chainette.typing import Array, ArrayLike
from chainette_functions.array.concat import concat
from chainette_functions.array.select_item import select_item
from chainette_functions.array.split_axis import split_axis
from chainette_functions.loss.reduction import reduced, widen
from chainette_functions.math.logsumexp import logsumexp


def crf1d(cost: ArrayLike, xs: Sequence[ArrayLike], ys: Sequence[ArrayLike], reduce: str = "mean") -> Variable:
    """Negative log-likelihood of label sequences in a linear-chain conditional random field.

    A sequence of labels ``y_0, y_1, ...`` has the score ``sum_t x_t[y_t] + sum_t cost[y_(t - 1), y_t]``, and the
    probability ``exp(score) / Z``, where ``Z`` sums over all sequences of labels.

    Args:
        cost: scores of transitions, ``(labels, labels)``: from the label of the row to that of the column.
        xs: scores of labels, for each time step ``(batch, labels)``. Sequences of several lengths stand longest first:
            a later step has the rows of those that are not over, as ``transpose_sequence`` gives it.
        ys: the true labels, for each time step ``(batch,)``, an integer dtype.
        reduce: ``"mean"`` over the sequences, or ``"no"`` for the loss of each.

    Returns:
        A 0-d Variable, or one of shape ``(batch,)``. float16 is computed in float32.

    Raises:
        ShapeError: the shapes do not fit, or the batch grows with time.
        DtypeError: ``ys`` are not of integers, or ``cost`` or ``xs`` are not floating.
        ArgumentError: there are no steps, a label is out of range, or ``reduce`` is none of the above.

    Source: Lafferty, McCallum, Pereira, "Conditional Random Fields", ICML 2001.

    >>> cost, x = np.zeros((2, 2)), np.zeros((1, 2))  # all four sequences are as likely
    >>> crf1d(cost, [x, x], [np.array([0]), np.array([1])]).array.round(4)
    np.float64(1.3863)
    """
    require_one_of("crf1d", "reduce", reduce, ("mean", "no"))
    cost, steps = _checked("crf1d", cost, xs)
    labels = _checked_labels("crf1d", ys, steps)
    wide = [widen(x) for x in steps]
    loss = _log_partition(widen(cost), wide) - _scores(widen(cost), wide, labels)
    return reduced(loss, reduce, [cost, *steps], len(loss))


def argmax_crf1d(cost: ArrayLike, xs: Sequence[ArrayLike]) -> tuple[Variable, list[Array]]:
    """The label sequences of the highest score in a linear-chain conditional random field.

    Args:
        cost: scores of transitions, ``(labels, labels)``, as for ``crf1d``.
        xs: scores of labels, for each time step ``(batch, labels)``, as for ``crf1d``.

    Returns:
        The scores, a Variable of shape ``(batch,)``, and for each time step an int32 array of labels, ``(batch,)``. The
        scores have gradients; the labels have none.

    Raises:
        ShapeError: the shapes do not fit, or the batch grows with time.
        DtypeError: ``cost`` or ``xs`` are not floating.
        ArgumentError: there are no steps.

    Source: Viterbi, "Error bounds for convolutional codes and an asymptotically optimum decoding algorithm", 1967.

    >>> cost = np.array([[0.0, 5.0], [0.0, 0.0]])  # 1 likes to follow 0
    >>> score, path = argmax_crf1d(cost, [np.array([[1.0, 2.0]]), np.array([[1.0, 0.0]])])
    >>> score.array, [labels.tolist() for labels in path]
    (array([6.]), [[0], [1]])
    """
    cost, steps = _checked("argmax_crf1d", cost, xs)
    with cost.device.use():
        path = _best_path(widen(cost).array, [widen(x).array for x in steps])
    scores = _scores(widen(cost), [widen(x) for x in steps], path)
    return reduced(scores, "no", [cost, *steps]), path


def _checked(name: str, cost: ArrayLike, xs: Sequence[ArrayLike]) -> tuple[Variable, list[Variable]]:
    cost, steps = as_variable(cost), [as_variable(x) for x in xs]
    require_floating(name, cost=cost)
    if cost.ndim != 2 or cost.shape[0] != cost.shape[1] or not cost.size:
        raise ShapeError(f"{name}: cost has shape {cost.shape} (expected (labels, labels)).")
    if not steps:
        raise ArgumentError(f"{name}: xs is empty (expected at least one time step).")
    for t, x in enumerate(steps):
        require_floating(name, **{f"xs[{t}]": x})
        if x.ndim != 2 or x.shape[1] != len(cost):
            raise ShapeError(f"{name}: xs[{t}] has shape {x.shape} (expected (batch, {len(cost)}), as cost has).")
        if t and len(x) > len(steps[t - 1]):
            raise ShapeError(
                f"{name}: xs[{t}] has {len(x)} rows, after {len(steps[t - 1])} (expected no more). Sort the sequences, "
                "longest first."
            )
    return cost, steps


def _checked_labels(name: str, ys: Sequence[ArrayLike], steps: list[Variable]) -> list[Array]:
    labels = [as_variable(y) for y in ys]
    if len(labels) != len(steps):
        raise ArgumentError(f"{name}: ys has {len(labels)} time steps, and xs has {len(steps)} (expected as many).")
    for t, (y, x) in enumerate(zip(labels, steps, strict=True)):
        require_integers(name, **{f"ys[{t}]": y})
        require_shape(name, f"ys[{t}]", y, x.shape[:1])
        require_range(name, f"ys[{t}]", y.array, 0, x.shape[1])
    return [y.array for y in labels]


def _over_time(xs: list[Variable], start: Variable, step: Callable[[int, Variable], Variable]) -> Variable:
    """What ``step(t, state)`` makes of ``start`` by the end of each sequence; ``state`` has its rows at time t."""
    state, over = start, []
    for t, x in enumerate(xs[1:], 1):
        if len(x) < len(state):
            state, ended = split_axis(state, [len(x)], 0)
            over.append(ended)
        state = step(t, state)
    return concat([state, *reversed(over)], 0) if over else state


def _log_partition(cost: Variable, xs: list[Variable]) -> Variable:
    """log Z: the forward algorithm, on logarithms."""
    labels = len(cost)

    def step(t: int, alpha: Variable) -> Variable:
        return logsumexp(reshape(alpha, (-1, labels, 1)) + cost, axis=1) + xs[t]

    return logsumexp(_over_time(xs, xs[0], step), axis=1)


def _scores(cost: Variable, xs: list[Variable], ys: list[Array]) -> Variable:
    """The score of each sequence of labels."""

    def step(t: int, score: Variable) -> Variable:
        return score + select_item(xs[t], ys[t]) + get_item(cost, (ys[t - 1][: len(xs[t])], ys[t]))

    with cost.device.use():
        return _over_time(xs, select_item(xs[0], ys[0]), step)


def _best_path(cost: Array, xs: list[Array]) -> list[Array]:
    """For each time step the labels of the best sequences: the Viterbi algorithm."""
    best = xs[0].copy()  # the best score of a sequence that ends with the label, here or where it is over
    previous = []
    for x in xs[1:]:
        scores = best[: len(x), :, None] + cost
        previous.append(scores.argmax(1))
        best[: len(x)] = scores.max(1) + x
    last = best.argmax(1)
    path = [last[: len(xs[-1])]]
    xp = get_array_module(cost)
    for back, x in zip(reversed(previous), reversed(xs[:-1]), strict=True):
        before = xp.take_along_axis(back, path[0][:, None], 1)[:, 0]
        path.insert(0, xp.concatenate([before, last[len(back) : len(x)]]))
    return [labels.astype("int32") for labels in path]
