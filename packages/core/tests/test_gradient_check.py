"""The checks of the kit must be able to fail: each is shown a function with the fault that it is there to find."""

import inspect
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import chainette
from chainette import Function, Kernel, Variable, to_device
from chainette.hooks import hookimpl
from chainette.testing import (
    Case,
    FunctionTests,
    arrays,
    assert_allclose,
    check_backward,
    check_double_backward,
    fake_backend,
    isolated_plugins,
    numerical_grad,
    run_doctests,
)

pytest_plugins = ["pytester"]

X = np.array([0.5, -1.5, 2.0])


# The functions with faults


class Cube(Function):
    """x^3, as it should be."""

    def forward(self, x):
        self.retain(x=x)
        return x * x * x

    def backward(self, gy):
        x = self.retained("x")
        return 3 * x * x * gy


class WrongGradient(Cube):
    """2 x^2 in place of 3 x^2."""

    def backward(self, gy):
        x = self.retained("x")
        return 2 * x * x * gy


class WrongDoubleGradient(Cube):
    """The right gradient, taken as a constant: no gradient of it flows to x."""

    def backward(self, gy):
        x = self.retained("x").array
        return gy * (3 * x * x)


class NoGradient(Cube):
    """None where one should flow."""

    def backward(self, gy):
        return None


class WrongForward(Cube):
    """A little too much."""

    def forward(self, x):
        return super().forward(x) * x.dtype.type(1.05)


class Widens(Cube):
    """Gives float64 whatever comes."""

    def forward(self, x):
        return super().forward(x).astype("d")


class WidensGradient(Cube):
    """Runs in float64 inside, so that float32 is accurate where it should not be; and loses it on the way back."""

    def backward(self, gy):
        x = self.retained("x")
        return (3 * x * x * gy) * x.dtype.type(1 if x.dtype == "d" else 1.1)


class ChangesItsInput(Cube):
    """Works in the memory that it was given."""

    def forward(self, x):
        y = super().forward(x.copy())
        x *= 0.5
        return y


class ReadsMemoryInOrder(Cube):
    """Takes for granted that the elements lie one behind the other."""

    def forward(self, x):
        flat = np.frombuffer(x.tobytes(order="A") if x.flags.f_contiguous else x.tobytes(), x.dtype)
        return super().forward(flat.reshape(x.shape))

    def backward(self, gy):
        return gy


class NeedsRows(Cube):
    """Fails where there is nothing."""

    def forward(self, x):
        return super().forward(x) + 0 * x.max()


class Numpy(Cube):
    """NumPy by name, in place of self.xp."""

    def forward(self, x):
        self.retain(x=x)
        return x**2 * np.ones(x.shape, x.dtype)

    def backward(self, gy):
        return 2 * self.retained("x") * gy


class MixedUp(Function):
    """x0 x1, whose second gradient is wrong once the first is not needed."""

    def forward(self, x0, x1):
        self.retain(x0=x0, x1=x1)
        return x0 * x1

    def backward(self, gy):
        x0, x1 = self.retained("x0"), self.retained("x1")
        both = all(self.needs_input_grad)
        return gy * x1, gy * x0 if both else gy


class LosesZeroDimensions(Cube):
    """Always an axis."""

    def forward(self, x):
        return super().forward(np.atleast_1d(x))


def function(cls):
    """The public function of a class."""

    def apply(*xs):
        return cls().apply(*xs)

    apply.__name__ = cls.__name__
    return apply


def square(x):
    return x * x


# numerical_grad, check_backward, check_double_backward


def test_numerical_gradients_are_those_of_the_weighted_outputs():
    x, y = X.copy(), np.array([2.0, 3.0, 4.0])
    gx, gy = numerical_grad(lambda: (x * y, x + 0, y * y), (x, y), (np.array([1.0, 10, 100]), None, np.ones(3)))
    np.testing.assert_allclose(gx, y * [1, 10, 100], rtol=1e-9)
    np.testing.assert_allclose(gy, x * [1, 10, 100] + 2 * y, rtol=1e-9)
    assert x.tolist() == X.tolist()


def test_right_gradients_pass():
    check_backward(function(Cube), X)
    check_backward(function(Cube), X.astype("f"), np.array([1.0, 2.0, 3.0], "f"))
    check_double_backward(function(Cube), X)
    check_double_backward(function(Cube), X, np.array([1.0, 2.0, 3.0]), np.array([3.0, -1.0, 1.0]))
    check_backward(lambda x: x.sum(), np.ones((2, 2)))
    check_double_backward(lambda x: x.sum(), np.ones((2, 2)))


@pytest.mark.parametrize("fault", [WrongGradient, NoGradient])
def test_a_wrong_or_missing_gradient_is_found(fault):
    with pytest.raises(AssertionError, match="gradient of input 0"):
        check_backward(function(fault), X)


def test_a_wrong_double_gradient_is_found_though_the_gradient_is_right():
    check_backward(function(WrongDoubleGradient), X)
    with pytest.raises(AssertionError, match="gradient of input 0"):
        check_double_backward(function(WrongDoubleGradient), X)


def test_the_input_with_the_wrong_gradient_is_named():
    def faulty(x0, x1):
        return x0 * 1 + Variable(x1.array) * x1

    with pytest.raises(AssertionError, match="gradient of input 1"):
        check_backward(faulty, (X, X + 1))


def test_a_wrong_gradient_of_a_parameter_is_found():
    W = Variable(X.copy())
    check_backward(lambda x: x * W, X, params=[W])
    with pytest.raises(AssertionError, match="gradient of input 1"):
        check_backward(lambda x: x * Variable(W.array), X, params=[W])


def test_a_wrong_gradient_of_one_of_several_outputs_is_found_unless_it_is_left_out():
    def faulty(x):
        return x * 2, function(WrongGradient)(x)

    check_backward(faulty, X, (np.ones(3), None))
    with pytest.raises(AssertionError):
        check_backward(faulty, X, (np.ones(3), np.ones(3)))


def test_integer_inputs_pass_as_long_as_they_get_no_gradient():
    t = np.array([1, 0, 2])

    def take(x, t):
        return x[t.array]

    def gives_one(x, t):
        t.grad = np.zeros_like(t.array)
        return take(x, t)

    check_backward(take, (X, t))
    check_double_backward(take, (X, t))
    with pytest.raises(AssertionError, match="int64 got a gradient"):
        check_backward(gives_one, (X, t))


def test_numpy_scalars_are_checked_like_0d_arrays():
    for x in (np.array(1.5), np.float64(1.5)):
        check_backward(square, x)
        with pytest.raises(AssertionError):
            check_backward(function(WrongGradient), x)


def test_arrays_of_another_device_are_checked_there():
    with isolated_plugins(fake_backend.plugin):
        for device in ("fake:0", "fake:1"):
            check_backward(square, to_device(X, device))
            check_double_backward(square, to_device(X, device))


def test_the_user_s_arrays_stay_as_they_were():
    x = X.copy()
    check_backward(square, x)
    check_double_backward(square, x)
    assert x.tolist() == X.tolist()


def test_assert_allclose_takes_variables_and_arrays_of_any_device():
    assert_allclose(Variable(X), X + 1e-7)
    assert_allclose(1.0, np.float32(1))
    with isolated_plugins(fake_backend.plugin):
        assert_allclose(to_device(X, "fake:1"), X)
    with pytest.raises(AssertionError):
        assert_allclose(Variable(X), X + 1e-2)
    with pytest.raises(AssertionError):
        assert_allclose(X, X + 1e-3, atol=0, rtol=1e-5)


# FunctionTests


def case(cls, inputs=None, reference=lambda x: x**3, **options):
    return Case(function(cls), inputs or [arrays.away_from_zero((3, 4))], reference, elementwise=True, **options)


def run(method, row, *arguments):
    class Tests(FunctionTests):
        cases = (row,)

    getattr(Tests(), method)(row, *arguments)


FAULTS = [
    ("test_forward_equals_the_reference_and_keeps_the_dtype", WrongForward, ("float32",), "Not equal"),
    ("test_forward_equals_the_reference_and_keeps_the_dtype", Widens, ("float32",), "float32 became float64"),
    ("test_gradient_equals_numerics", WrongGradient, (), "gradient of input 0"),
    ("test_gradient_equals_numerics", NoGradient, (), "gradient of input 0"),
    ("test_double_gradient_equals_numerics", WrongDoubleGradient, (), "gradient of input 0"),
    ("test_gradient_keeps_dtype_and_is_close_to_that_in_float64", WidensGradient, ("float32",), "Not equal"),
    ("test_plain_arrays_are_taken_and_nothing_is_changed", ChangesItsInput, (), "an input was changed"),
    ("test_strides_do_not_matter", ReadsMemoryInOrder, (), "Not equal"),
    ("test_zero_dimensions", LosesZeroDimensions, (), ""),
]


@pytest.mark.parametrize(
    ("method", "fault", "arguments", "says"), FAULTS, ids=[f"{m}-{f.__name__}" for m, f, *_ in FAULTS]
)
def test_each_test_finds_its_fault_and_lets_a_sound_function_pass(method, fault, arguments, says):
    run(method, case(Cube), *arguments)
    with pytest.raises(AssertionError) as caught:
        run(method, case(fault), *arguments)
    assert says in str(caught.value)


def test_a_function_that_fails_without_rows_is_found():
    run("test_an_empty_batch_goes_through", case(Cube))
    with pytest.raises(ValueError, match="zero-size"):
        run("test_an_empty_batch_goes_through", case(NeedsRows))


def test_a_function_that_uses_numpy_by_name_is_found_on_the_other_backend():
    sound, fault = case(Cube), case(Numpy, reference=lambda x: x**2)
    run("test_forward_equals_the_reference_and_keeps_the_dtype", fault, "float64")
    with isolated_plugins(fake_backend.plugin):
        run("test_every_backend_agrees", sound, "fake:1")
        with pytest.raises(TypeError, match="meets an array of the fake backend"):
            run("test_every_backend_agrees", fault, "fake:1")


def test_a_gradient_that_depends_on_which_others_are_needed_is_found():
    def row(cls, reference):
        return case(cls, [arrays.positive((3,)), arrays.positive((3,))], reference)

    class Product(MixedUp):
        def backward(self, gy):
            return gy * self.retained("x1"), gy * self.retained("x0")

    run("test_gradients_that_are_not_needed_are_skipped", row(Product, np.multiply))
    with pytest.raises(AssertionError):
        run("test_gradients_that_are_not_needed_are_skipped", row(MixedUp, np.multiply))


def test_an_aliased_gradient_is_found(monkeypatch):
    from chainette import backprop

    class Same(Function):
        def forward(self, x):
            return x.copy()

        def backward(self, gy):
            return gy

    same = case(Same, reference=lambda x: x)
    run("test_leaves_share_no_gradient_memory", same)
    # The walk takes care of it, whatever a function returns; so the fault is put into the walk.
    monkeypatch.setattr(backprop.operators, "copy", lambda x: x)
    with pytest.raises(AssertionError):
        run("test_leaves_share_no_gradient_memory", same)


def test_nan_is_found_in_debug_mode():
    class Root(Function):
        def forward(self, x):
            with np.errstate(invalid="ignore"):
                return np.sqrt(x)

    run("test_debug_mode_finds_nothing", case(Root, [arrays.positive((3,))], np.sqrt, gradient=False))
    with pytest.raises(chainette.errors.NaNError):
        run("test_debug_mode_finds_nothing", case(Root, [arrays.uniform((9,), -2, -1)], np.sqrt, gradient=False))


@pytest.mark.parametrize(("factor", "sound"), [(1.0, True), (1.01, False)])
def test_a_kernel_that_differs_from_the_generic_code_is_found(factor, sound, monkeypatch):
    @hookimpl
    def chainette_kernels(backend):
        forward = lambda f, x: Cube.forward(f, x) * x.dtype.type(factor)  # noqa: E731
        return [Kernel(Cube.kernels.key, "cpu", "fast", forward)] if backend == "cpu" else []

    with isolated_plugins(SimpleNamespace(chainette_api=1, chainette_kernels=chainette_kernels)):
        assert chainette.which_kernel(Cube(), np.ones(2)) == "fast"
        if sound:
            run("test_every_kernel_agrees_with_the_generic_code", case(Cube), monkeypatch)
            return
        with pytest.raises(AssertionError, match="Not equal"):
            run("test_every_kernel_agrees_with_the_generic_code", case(Cube), monkeypatch)


def documented():
    """Documented, without an example."""


def exemplary():
    """Documented.

    >>> 1 + 1
    2
    """


def module(**functions):
    found = ModuleType("of_functions")
    found.__all__ = list(functions)
    vars(found).update(functions)
    return found


def test_a_public_function_without_a_row_or_an_example_is_found():
    class Tests(FunctionTests):
        module = module(documented=documented, exemplary=exemplary)
        cases = (Case(exemplary, [], lambda: 2),)

    with pytest.raises(AssertionError, match=r"no row in cases for documented\b"):
        Tests().test_every_public_function_has_a_row()
    with pytest.raises(AssertionError, match=r"no example in the docstring of documented\b"):
        Tests().test_every_public_function_is_documented_with_an_example()
    Tests.public = ["exemplary"]
    Tests().test_every_public_function_has_a_row()
    Tests().test_every_public_function_is_documented_with_an_example()


def test_pytest_collects_a_test_for_each_row_and_dtype(pytester):
    pytester.makepyfile("""
        import numpy as np
        from chainette import operators
        from chainette.testing import Case, FunctionTests, arrays

        class TestFunctions(FunctionTests):
            module = operators
            public = ["log"]
            cases = [Case(operators.log, [arrays.positive((2, 3))], np.log, elementwise=True),
                     Case(operators.absolute, [arrays.away_from_zero((2,))], lambda x: -abs(x), dtypes=["float64"])]
    """)
    outcome = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-q")
    failed = [line for line in outcome.outlines if line.startswith("FAILED")]
    assert failed
    assert all("absolute" in line for line in failed)
    outcome.stdout.fnmatch_lines(["*test_forward_equals_the_reference*absolute-float64*"])
    assert outcome.parseoutcomes()["passed"] > 20


def test_every_method_of_the_kit_is_tried_here():
    tests = {name for name, _ in inspect.getmembers(FunctionTests, inspect.isfunction) if name.startswith("test_")}
    source = inspect.getsource(inspect.getmodule(case))
    assert sorted(name for name in tests if name not in source) == []


# Doctests


def test_doctests_are_counted_and_a_wrong_one_fails(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "examples_of_the_kit"
    package.mkdir()
    (package / "__init__.py").write_text('">>> np.arange(2)\\narray([0, 1])"')
    (package / "wrong.py").write_text('">>> 1 + 1\\n3"')
    imported = __import__("examples_of_the_kit")
    assert run_doctests(imported, skip=("examples_of_the_kit.wrong",)) == 1
    with pytest.raises(AssertionError, match=r"1 examples of examples_of_the_kit\.wrong fail"):
        run_doctests(imported)
    assert "Expected:\n    3" in capsys.readouterr().out


def test_the_examples_in_the_core_s_docstrings_hold():
    facades = ("functions", "links", "optimizers", "optimizer_hooks", "serializers")
    assert run_doctests(chainette, skip=tuple(f"chainette.{name}" for name in (*facades, "__main__"))) > 0
