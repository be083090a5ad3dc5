"""Connectionist temporal classification: compared with all ways of saying the labels, one by one."""

from itertools import groupby, product

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import chainette
import chainette_functions as F
from chainette import Variable
from chainette.errors import ArgumentError
from chainette.testing import Case, FunctionTests, arrays, check_backward, fake_backend, isolated_plugins

FLOATS = ["float16", "float32", "float64"]


def ctc(*args, **options):
    return F.connectionist_temporal_classification(*args, **options)


def said(path, blank):
    """What the frames say: repetitions merged, then blanks dropped."""
    return [label for label, _ in groupby(path) if label != blank]


def losses(x, t, blank=0, input_length=None, label_length=None):
    """The loss of each example, from the sum over all paths."""
    frames, batch, classes = x.shape
    top = x.max(2, keepdims=True, initial=-1e300)
    log_p = x - top - np.log(np.exp(x - top).sum(2, keepdims=True))
    result = np.zeros(batch)
    for b in range(batch):
        n = frames if input_length is None else input_length[b]
        labels = list(t[b] if label_length is None else t[b, : label_length[b]])
        ways = [p for p in product(range(classes), repeat=n) if said(p, blank) == labels]
        result[b] = -np.logaddexp.reduce([log_p[np.arange(n), b, list(p)].sum() for p in ways] or [-np.inf])
    return result


def mean(values):
    return values.sum() / max(len(values), 1)


INPUT_LENGTH, LABEL_LENGTH = np.array([4, 3, 2], "i2"), np.array([2, 0, 1], "u1")

CASES = [
    Case(F.connectionist_temporal_classification, [arrays.normal((2, 3))] * 4 + [arrays.integers((2, 2), 1, 3)],
         lambda *xs: mean(losses(np.stack(xs[:-1]), xs[-1])), call=lambda *xs: ctc(list(xs[:-1]), xs[-1], 0)),
    Case(F.connectionist_temporal_classification, [arrays.normal((2, 3))] * 3 + [arrays.integers((2, 2), 0, 2)],
         lambda *xs: losses(np.stack(xs[:-1]), xs[-1], 2),
         call=lambda *xs: ctc(xs[:-1], xs[-1], blank_symbol=2, reduce="no"), name="ctc of each, last class blank"),
    Case(F.connectionist_temporal_classification, [arrays.normal((4, 3, 3)), arrays.integers((3, 2), 1, 3, "int64")],
         lambda x, t: losses(x, t, 0, INPUT_LENGTH, LABEL_LENGTH),
         call=lambda x, t: ctc(x, t, 0, INPUT_LENGTH, LABEL_LENGTH, "no"), name="ctc of various lengths",
         batched=False),
]  # fmt: skip


class TestCTC(FunctionTests):
    module = F
    homes = ("chainette_functions.loss.connectionist_temporal_classification",)
    cases = CASES


def gradient(x, t, **options):
    x = Variable(np.asarray(x))
    loss = ctc(x, np.asarray(t), 0, **options)
    F.sum(loss).backward()
    return loss.array, x.grad


def test_one_array_of_frames_is_the_same_as_a_list_or_a_tuple_of_them():
    x, t = np.random.default_rng(0).standard_normal((4, 2, 3)), np.array([[1, 2], [2, 2]])
    whole = ctc(x, t, 0).item()
    assert whole == ctc(Variable(x), t, 0).item() == ctc(list(x), t, 0).item()
    assert whole == ctc(tuple(map(Variable, x)), Variable(t), 0).item()


@pytest.mark.parametrize("x", [None, {}, 1.0, "frames", iter([np.zeros((1, 2))])])
def test_what_is_no_sequence_of_frames_is_a_type_error(x):
    with pytest.raises(TypeError, match="connectionist_temporal_classification: x is a"):
        ctc(x, np.array([[1]]), 0)


# Lengths


def test_a_label_length_counts_without_an_input_length():
    x, t = np.random.default_rng(0).standard_normal((3, 2, 3)), np.array([[1, 2], [2, 1]])
    expected = losses(x, t, label_length=[1, 2])
    np.testing.assert_allclose(ctc(x, t, 0, label_length=np.array([1, 2]), reduce="no").array, expected)
    expected = losses(x, t, input_length=[3, 2])
    np.testing.assert_allclose(ctc(x, t, 0, input_length=np.array([3, 2]), reduce="no").array, expected)


def test_frames_and_labels_beyond_the_lengths_do_not_matter_whatever_they_hold():
    x, t = np.random.default_rng(0).standard_normal((3, 2, 3)), np.array([[1, -7], [2, 1]])
    lengths = {"input_length": np.array([2, 3]), "label_length": np.array([1, 2])}
    x[2, 0] = np.nan
    y, gx = gradient(x, t, reduce="no", **lengths)
    np.testing.assert_allclose(y, losses(np.nan_to_num(x), t, **lengths))
    assert not gx[2, 0].any()
    assert np.isfinite(gx).all()
    assert gx[2, 1].all()


def test_an_example_without_labels_says_blanks_alone():
    x = np.random.default_rng(0).standard_normal((3, 1, 4))
    blanks = -F.log_softmax(x, axis=2).array[:, 0, 0].sum()
    np.testing.assert_allclose(ctc(x, np.zeros((1, 0), "i"), 0).array, blanks)
    np.testing.assert_allclose(ctc(x, np.array([[3, 3]]), 0, label_length=np.array([0])).array, blanks)


def test_an_example_without_frames_can_say_nothing_but_nothing():
    x, t = np.zeros((2, 2, 3)), np.array([[1], [1]])
    y, gx = gradient(x, t, input_length=np.array([0, 0]), label_length=np.array([0, 1]), reduce="no")
    assert y.tolist() == [0, np.inf]
    assert not gx.any()


def test_equal_labels_need_a_blank_between_them():
    x = np.random.default_rng(0).standard_normal((3, 1, 2))
    log_p = F.log_softmax(x, axis=2).array[:, 0]
    np.testing.assert_allclose(ctc(x, np.array([[1, 1]]), 0).array, -(log_p[0, 1] + log_p[1, 0] + log_p[2, 1]))
    assert ctc(x[:2], np.array([[1, 1]]), 0).item() == np.inf


def test_lengths_are_of_any_integer_dtype_however_long_the_examples():
    t = np.tile(np.array([1, 2], "u1"), 65)[None]
    lengths = {"input_length": np.array([130], "u1"), "label_length": np.array([130], "u1")}
    np.testing.assert_allclose(ctc(np.zeros((140, 1, 3)), t, 0, **lengths).array, 130 * np.log(3))


def test_labels_that_do_not_fit_cost_infinity_and_leave_the_other_examples_their_gradient():
    x, t = np.random.default_rng(0).standard_normal((2, 2, 3)), np.array([[1, 1], [1, 2]])
    y, gx = gradient(x, t)
    assert y == np.inf
    _, alone = gradient(x[:, 1:], t[1:])
    assert not gx[:, 0].any()
    np.testing.assert_allclose(gx[:, 1:], alone / 2)


# Normalisation


def test_the_mean_is_that_over_the_examples_whatever_their_lengths():
    x, t = np.random.default_rng(0).standard_normal((4, 2, 3)), np.array([[1, 2], [2, 1]])
    lengths = {"input_length": np.array([1, 4]), "label_length": np.array([0, 2])}
    np.testing.assert_allclose(ctc(x, t, 0, **lengths).array, losses(x, t, **lengths).mean())


def test_an_empty_batch_costs_nothing():
    x = Variable(np.zeros((3, 0, 4), "f"))
    y = ctc(x, np.zeros((0, 2), "i"), 0, np.zeros(0, "i"), np.zeros(0, "i"))
    y.backward()
    assert (y.item(), y.shape, y.dtype, x.grad.shape) == (0, (), "float32", (3, 0, 4))


# Extreme values


@pytest.mark.parametrize("dtype", FLOATS)
def test_extreme_scores_cost_what_they_must_and_have_finite_gradients(dtype):
    x = np.zeros((3, 1, 3), dtype)
    x[:, 0] = [[-1000, 1000, 0], [1000, -1000, 0], [0, 1000, -1000]]
    y, gx = gradient(x, [[1, 1]])
    assert y == 0
    assert not np.signbit(y)
    assert not gx.any()
    y, gx = gradient(x, [[2, 1]])
    assert y == 1000  # the cheapest way is "2 - 1"
    assert gx[:, 0].tolist() == [[0, 1, -1], [0, 0, 0], [0, 0, 0]]
    assert y.dtype == gx.dtype == dtype


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_score_of_minus_infinity_forbids_a_class(dtype):
    x = np.zeros((2, 1, 3), dtype)
    x[0, 0, 1] = -np.inf
    y, gx = gradient(x, [[1]])
    np.testing.assert_allclose(y, np.log(6), rtol=1e-3)  # "- 1" alone, of 2 times 3 ways
    np.testing.assert_allclose(gx[:, 0], [[-1 / 2, 0, 1 / 2], [1 / 3, -2 / 3, 1 / 3]], rtol=1e-3)
    x[1, 0, 1] = -np.inf
    y, gx = gradient(x, [[1]])
    assert y == np.inf
    assert not gx.any()


@pytest.mark.parametrize("dtype", FLOATS)
def test_gradients_of_long_examples_are_finite_and_sum_to_zero_over_the_classes(dtype):
    generator = np.random.default_rng(0)
    x = (30 * generator.standard_normal((60, 3, 5))).astype(dtype)
    _, gx = gradient(x, generator.integers(1, 5, (3, 20)))
    assert np.isfinite(gx).all()
    np.testing.assert_allclose(gx.sum(2), 0, atol=2e-3 if dtype == "float16" else 1e-6)


def test_a_loss_in_float16_is_computed_in_float32():
    x = np.zeros((2000, 1, 3), "e")
    y, _ = gradient(x, [[1, 2]])
    exact, _ = gradient(x.astype("d"), [[1, 2]])
    assert (y, y.dtype) == (np.float16(exact), "float16")


class Zeros(chainette.FunctionHook):
    """Counts the elements of the arrays of zeros into which gradients of elements are put."""

    name = "zeros"
    count = 0

    def forward_preprocess(self, function, in_data):
        self.count += np.prod(function.shape, dtype=int) if function.name == "get_item_grad" else 0


def test_the_work_grows_as_the_number_of_frames_does():
    counts = []
    for frames in (10, 20):
        x = Variable(np.zeros((frames, 2, 3)))
        with Zeros() as zeros:
            ctc(x, np.array([[1, 2], [2, 1]]), 0).backward()
        counts.append(zeros.count)
    assert 0 < counts[1] < 2.5 * counts[0]


# Labels


def test_labels_are_looked_at_on_an_accelerator_in_debug_mode_only():
    with isolated_plugins(fake_backend.plugin, installed=True):
        x = chainette.to_device(np.zeros((2, 1, 3)), "fake:1")
        for t in ([[0, 1]], [[3, 1]]):
            labels = chainette.to_device(np.array(t), "fake:1")
            with chainette.using_config("debug", True), pytest.raises(ArgumentError, match=r"t holds (the blank 0|3)"):
                ctc(x, labels, 0)
        ctc(x, chainette.to_device(np.array([[0, 1]]), "fake:1"), 0)


# All of it


@settings(deadline=None)
@given(st.data())
def test_the_loss_is_that_of_all_paths_and_its_gradient_equals_numerics(data):
    frames, batch, classes = (data.draw(st.integers(*bounds)) for bounds in ((1, 4), (1, 2), (2, 3)))
    blank = data.draw(st.integers(0, classes - 1))
    longest = data.draw(st.integers(0, 3))
    labels = st.sampled_from([label for label in range(classes) if label != blank])
    t = np.array(data.draw(st.lists(st.lists(labels, min_size=longest, max_size=longest), min_size=batch,
                                    max_size=batch)), "i").reshape(batch, longest)  # fmt: skip
    input_length, label_length = (
        data.draw(st.none() | st.lists(st.integers(0, most), min_size=batch, max_size=batch))
        for most in (frames, longest)
    )
    scale = data.draw(st.sampled_from([0, 1, 10, 1000]))
    x = scale * np.random.default_rng(data.draw(st.integers(0, 9))).standard_normal((frames, batch, classes))
    lengths = [None if given is None else np.array(given) for given in (input_length, label_length)]
    expected = losses(x, t, blank, *lengths)
    for dtype, exactness in (("float64", 1e-10), ("float32", 1e-4), ("float16", 4e-3)):
        y = ctc(x.astype(dtype), t, blank, *lengths, "no").array
        wanted = expected if dtype == "float64" else losses(x.astype(dtype).astype("d"), t, blank, *lengths)
        np.testing.assert_allclose(y, wanted, rtol=exactness, atol=exactness)
        assert y.dtype == dtype
    variable = Variable(x)
    F.sum(ctc(variable, t, blank, *lengths, "no")).backward()
    assert np.isfinite(variable.grad).all()
    if scale < 1000 and np.isfinite(expected).all():
        check_backward(lambda x: ctc(x, t, blank, *lengths, "no"), x)
