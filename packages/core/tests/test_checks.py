"""The checks that functions make of their arguments: what they let through, and what they say."""

import numpy as np
import pytest

from chainette import Variable, checks, using_config
from chainette.errors import ArgumentError, DtypeError, ShapeError
from chainette.testing import fake_backend, isolated_plugins

A = np.ones((2, 3))


@pytest.mark.parametrize(("axis", "ndim", "found"), [(0, 1, 0), (-1, 1, 0), (2, 3, 2), (-3, 3, 0), (np.int64(1), 2, 1)])
def test_an_axis_is_counted_from_the_front(axis, ndim, found):
    assert checks.normalize_axis("f", axis, ndim) == found


@pytest.mark.parametrize(("axis", "ndim"), [(1, 1), (-2, 1), (0, 0)])
def test_an_axis_that_is_not_there_is_told(axis, ndim):
    with pytest.raises(ShapeError, match=f"f: axis {axis} is out of range for an array of {ndim} axes"):
        checks.normalize_axis("f", axis, ndim)


@pytest.mark.parametrize(
    ("axis", "found"), [(None, None), (1, (1,)), (-1, (2,)), ((0, -1), (0, 2)), ((), ()), ((2, 0), (2, 0))]
)
def test_axes_are_a_tuple_or_all(axis, found):
    assert checks.normalize_axes("f", axis, 3) == found


@pytest.mark.parametrize(("axis", "says"), [((0, -3), "names one axis twice"), ((0, 3), "axis 3 is out of range")])
def test_wrong_axes_are_told(axis, says):
    with pytest.raises(ShapeError, match=says):
        checks.normalize_axes("f", axis, 3)


FAILURES = [
    (lambda: checks.require_same_shape("f", x=A, t=A[:1]), ShapeError,
     r"f: x and t must have one shape \(x: \(2, 3\), t: \(1, 3\)\)"),
    (lambda: checks.require_same_shape("f", a=A, b=A, c=A.T), ShapeError, "a and b and c must"),
    (lambda: checks.require_ndim("f", "x", A, 3, "(batch, channels, ...)"), ShapeError,
     r"f: x has shape \(2, 3\) \(expected \(batch, channels, \.\.\.\)\)"),
    (lambda: checks.require_floating("f", x=A, w=np.ones(2, "i2")), DtypeError,
     r"f: w is int16 \(expected a floating dtype\)\. Write w\.astype\('f'\)"),
    (lambda: checks.require_integers("f", t=A), DtypeError, r"f: t is float64 \(expected an integer dtype"),
    (lambda: checks.require_integers("f", t=A > 0), DtypeError, "f: t is bool"),
    (lambda: checks.require_shape("f", "b", A, (3,)), ShapeError, r"f: b has shape \(2, 3\) \(expected \(3,\)\)"),
    (lambda: checks.require_one_of("f", "mode", "c", ("a", "b")), ArgumentError,
     r"f: mode='c' \(expected 'a' or 'b'\)"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "error", "says"), FAILURES)
def test_what_does_not_fit_is_told_by_function_and_argument(check, error, says):
    with pytest.raises(error, match=says):
        check()


def test_what_fits_goes_through_for_arrays_and_variables():
    for x in (A, Variable(A)):
        checks.require_same_shape("f", x=x, y=A, z=x)
        checks.require_ndim("f", "x", x, 2, "(n, m)")
        checks.require_floating("f", x=x, y=A.astype("e"), z=A.astype(complex))
        checks.require_shape("f", "x", x, (2, 3))
    checks.require_integers("f", t=np.ones(1, "uint8"), s=Variable(np.ones(1, "int64")))
    checks.require_one_of("f", "mode", "a", ("a", "b"))


INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", ">i4"]


@pytest.mark.parametrize("dtype", INTEGERS)
def test_a_range_holds_for_every_integer_dtype(dtype):
    x = np.array([[0, 4, 2], [3, 3, 1]], dtype)
    checks.require_range("f", "t", x, 0, 5)
    checks.require_range("f", "t", x[::-1, ::2], 0, 5)
    checks.require_range("f", "t", x[:0], 7, 8)
    checks.require_range("f", "t", x, 0, 4, ignore=4)
    checks.require_range("f", "t", x, 0, 1000)
    with pytest.raises(ArgumentError, match=r"f: t holds 4 \(expected 0 to 3\)"):
        checks.require_range("f", "t", x, 0, 4)
    with pytest.raises(ArgumentError, match=r"f: t holds 0 \(expected 1 to 4\)"):
        checks.require_range("f", "t", x, 1, 5)
    with pytest.raises(ArgumentError, match=r"t holds 4 \(expected 0 to 3, or -1 to ignore\)"):
        checks.require_range("f", "t", x, 0, 4, ignore=-1)


@pytest.mark.parametrize("dtype", [each for each in INTEGERS if "u" not in each])
def test_a_negative_number_is_out_of_range_unless_it_is_ignored(dtype):
    x = np.array([0, -1], dtype)
    checks.require_range("f", "t", x, 0, 5, ignore=-1)
    with pytest.raises(ArgumentError, match="t holds -1"):
        checks.require_range("f", "t", x, 0, 5)
    with pytest.raises(ArgumentError, match="t holds -1"):
        checks.require_range("f", "t", x, 0, 5, ignore=-2)


def test_a_number_whose_bytes_lie_the_other_way_round_is_read_rightly():
    with pytest.raises(ArgumentError, match="t holds 16777216"):
        checks.require_range("f", "t", np.array([2**24], ">i4"), 0, 5)


def test_on_an_accelerator_a_range_is_checked_in_debug_mode_only():
    with isolated_plugins(fake_backend.plugin):
        from chainette import to_device

        x = to_device(np.array([9]), "fake:1")
        checks.require_range("f", "t", x, 0, 5)
        with using_config("debug", True), pytest.raises(ArgumentError, match="t holds 9"):
            checks.require_range("f", "t", x, 0, 5)


def test_a_removed_argument_names_what_takes_its_place():
    @checks.removed_arguments(old="use new=", gone="leave it out")
    def function(x, new=0):
        "Documented."
        return x + new

    class Layer:
        @checks.removed_arguments(wscale="use initialW=")
        def __init__(self, size):
            self.size = size

    assert function(1, new=2) == 3
    assert (function.__name__, function.__doc__) == ("function", "Documented.")
    with pytest.raises(TypeError, match=r"function: the argument old= is gone: use new=\."):
        function(1, old=3)
    with pytest.raises(TypeError, match="unexpected keyword argument 'odl'"):
        function(1, odl=3)
    assert Layer(3).size == 3
    with pytest.raises(TypeError, match=r"Layer: the argument wscale= is gone"):
        Layer(3, wscale=1)
