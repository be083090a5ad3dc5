"""The tests that a row of the case table gives must be able to fail: each is shown a function with its fault."""

import inspect
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import chainette
from chainette import Function, Kernel
from chainette.hooks import KINDS, hookimpl
from chainette.testing import (
    Case,
    FunctionTests,
    arrays,
    fake_backend,
    isolated_plugins,
    run_doctests,
)

from .faulty_functions import (
    ChangesItsInput,
    Cube,
    LosesZeroDimensions,
    MixedUp,
    NeedsRows,
    NoGradient,
    Numpy,
    ReadsMemoryInOrder,
    Widens,
    WidensGradient,
    WrongDoubleGradient,
    WrongForward,
    WrongGradient,
    function,
)

pytest_plugins = ["pytester"]


X = np.array([0.5, -1.5, 2.0])


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
    facades = set(KINDS.values()) - {"chainette"}
    assert run_doctests(chainette, skip=(*facades, "chainette.__main__")) > 0
