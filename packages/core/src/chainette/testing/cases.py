"""One row a function, and the tests that follow from it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest

from chainette.backend import backend_of, backends, get_device, to_device
from chainette.backprop import backward
from chainette.config import using_config
from chainette.function_hooks import FunctionHook
from chainette.kernels import kernels_for
from chainette.testing import fake_backend
from chainette.testing.arrays import Recipe
from chainette.testing.gradient_check import check_backward, check_double_backward
from chainette.testing.plugins import isolated_plugins
from chainette.typing import Array
from chainette.variable import Variable

TOLERANCE: dict[str, dict[str, float]] = {
    "float16": {"atol": 4e-3, "rtol": 8e-3},
    "float32": {"atol": 2e-6, "rtol": 2e-5},
    "float64": {"atol": 1e-12, "rtol": 1e-10},
}


@dataclass
class Case:
    """One row: a function, inputs to try it on, and what it is to compute.

    Args:
        function: the function under test; its ``__name__`` names the row.
        inputs: recipes from ``chainette.testing.arrays``, one for each array argument.
        reference: the same in NumPy: takes the arrays (in float64) and returns an array or a tuple of arrays.
        call: how the function is called with the inputs; by default ``function(*inputs, **kwargs)``. Wrap here what
            is not an array argument, e.g. ``call=lambda *xs: F.concat(xs, axis=1)``.
        kwargs: keyword arguments.
        name: the row's name, where a function has several.
        gradient: False for a function without gradients.
        elementwise: it works on each element alone: it is also tried on 0-d arrays.
        batched: for each input whether its first axis is the batch; those are also tried with no rows at all. One
            bool stands for all inputs.
        random: it draws random numbers, so that two devices rightly differ.
        dtypes: floating dtypes to try.
        tolerance: ``{"float16": {"atol": ..., "rtol": ...}}``, where the usual ones do not suit the function.
    """

    function: Callable[..., Any]
    inputs: Sequence[Recipe]
    reference: Callable[..., Any]
    call: Callable[..., Any] | None = None
    kwargs: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    gradient: bool = True
    elementwise: bool = False
    batched: bool | Sequence[bool] = True
    random: bool = False
    dtypes: Sequence[str] = ("float16", "float32", "float64")
    tolerance: dict[str, dict[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.name = self.name or self.function.__name__

    def run(self, *inputs: Any) -> tuple[Variable, ...]:
        """The outputs as a tuple."""
        outputs = self.call(*inputs) if self.call else self.function(*inputs, **self.kwargs)
        return tuple(outputs) if isinstance(outputs, (tuple, list)) else (outputs,)

    def expected(self, arrays: Sequence[Array]) -> tuple[Array, ...]:
        wide = [x.astype("d") if x.dtype.kind == "f" else x for x in arrays]
        outputs = self.reference(*wide)
        return tuple(outputs) if isinstance(outputs, (tuple, list)) else (np.asarray(outputs),)

    def arrays(self, dtype: str, recipes: Sequence[Recipe] | None = None) -> list[Array]:
        """The inputs: the same ones each time."""
        generator = np.random.default_rng(list(self.name.encode()))
        return [recipe.make(generator, dtype) for recipe in recipes or self.inputs]

    def without_rows(self) -> list[Recipe]:
        """The inputs with an empty batch."""
        batched = [self.batched] * len(self.inputs) if isinstance(self.batched, bool) else list(self.batched)
        return [
            recipe.reshaped((0, *recipe.shape[1:])) if yes and recipe.shape else recipe
            for recipe, yes in zip(self.inputs, batched, strict=True)
        ]

    def gradients(self, arrays: Sequence[Array], weights: Sequence[Array] | None = None) -> list[Array | None]:
        """The gradients of the weighted sum of the outputs, by input."""
        variables = [Variable(x) for x in arrays]
        outputs = self.run(*variables)
        for y, gy in zip(outputs, weights or self.weights(outputs), strict=True):
            y.grad = to_device(gy, y.device)
        backward([y for y in outputs if y.creator is not None])
        return [x.grad for x in variables]

    def weights(self, outputs: Sequence[Any]) -> list[Array]:
        generator = np.random.default_rng(1)
        return [np.asarray(generator.standard_normal(y.shape)).astype(y.dtype) for y in outputs]


class FunctionTests:
    """Subclass it with ``cases``, and with ``module`` and ``public``: the tests below run for each row.

    ``public`` names what must have a row and a documented example; by default the module's ``__all__``, of it only the
    functions that live in modules whose names start as one of ``homes`` says, if any are given, and not as one of
    ``elsewhere``, which another table is for.
    """

    cases: ClassVar[Sequence[Case]] = ()
    module: ClassVar[ModuleType | None] = None
    public: ClassVar[Sequence[str] | None] = None
    homes: ClassVar[Sequence[str]] = ()
    elsewhere: ClassVar[Sequence[str]] = ()

    def pytest_generate_tests(self, metafunc: Any) -> None:
        names = set(metafunc.fixturenames)
        if "other_device" in names:
            accelerators = [str(each.get_device(None)) for each in backends().values() if each.is_accelerator]
            metafunc.parametrize("other_device", ["fake:1", *accelerators], indirect=True)
        pairs = [(case, dtype) for case in self.cases for dtype in case.dtypes]
        differentiable = [case for case in self.cases if case.gradient]
        if {"case", "dtype"} <= names:
            metafunc.parametrize(("case", "dtype"), pairs, ids=[f"{case.name}-{dtype}" for case, dtype in pairs])
        elif "case" in names:
            metafunc.parametrize("case", self.cases, ids=[case.name for case in self.cases])
        elif "differentiable" in names:
            metafunc.parametrize("differentiable", differentiable, ids=[case.name for case in differentiable])
        elif "elementwise" in names:
            chosen = [case for case in self.cases if case.elementwise]
            metafunc.parametrize("elementwise", chosen, ids=[case.name for case in chosen])

    def public_functions(self) -> dict[str, Callable[..., Any]]:
        names = self.public if self.public is not None else getattr(self.module, "__all__", ())
        functions = {name: getattr(self.module, name) for name in names}
        homes, elsewhere = tuple(self.homes) or ("",), tuple(self.elsewhere)
        return {
            name: function
            for name, function in functions.items()
            if function.__module__.startswith(homes) and not function.__module__.startswith(elsewhere)
        }

    def test_every_public_function_has_a_row(self) -> None:
        rows = {case.function.__name__ for case in self.cases}
        missing = sorted(name for name, function in self.public_functions().items() if function.__name__ not in rows)
        assert not missing, f"no row in cases for {', '.join(missing)}"

    def test_every_public_function_is_documented_with_an_example(self) -> None:
        functions = self.public_functions().items()
        bare = [name for name, function in functions if ">>>" not in (inspect.getdoc(function) or "")]
        assert not bare, f"no example in the docstring of {', '.join(bare)}"

    def test_forward_equals_the_reference_and_keeps_the_dtype(self, case: Case, dtype: str) -> None:
        arrays = case.arrays(dtype)
        outputs = case.run(*(Variable(x) for x in arrays))
        expected = case.expected(arrays)
        assert len(outputs) == len(expected)
        for y, wanted in zip(outputs, expected, strict=True):
            _assert_close(case, y.array, wanted, dtype)
            if np.asarray(wanted).dtype.kind == "f":
                assert y.dtype == dtype, f"{dtype} became {y.dtype}"

    def test_gradient_equals_numerics(self, differentiable: Case) -> None:
        arrays = differentiable.arrays("float64")
        weights = tuple(differentiable.weights(differentiable.run(*arrays)))
        check_backward(lambda *xs: differentiable.run(*xs), tuple(arrays), weights)

    @pytest.mark.full
    def test_double_gradient_equals_numerics(self, differentiable: Case) -> None:
        arrays = differentiable.arrays("float64")
        weights = tuple(differentiable.weights(differentiable.run(*arrays)))
        generator = np.random.default_rng(2)
        floating = [x for x in arrays if x.dtype.kind == "f"]
        second = tuple(np.asarray(generator.standard_normal(x.shape)) for x in floating)
        check_double_backward(lambda *xs: differentiable.run(*xs), tuple(arrays), weights, second)

    @pytest.mark.parametrize("dtype", ["float16", "float32"])
    def test_gradient_keeps_dtype_and_is_close_to_that_in_float64(self, differentiable: Case, dtype: str) -> None:
        if dtype not in differentiable.dtypes:
            pytest.skip(f"the row leaves out {dtype}")
        arrays = differentiable.arrays(dtype)
        wide = [x.astype("d") if x.dtype.kind == "f" else x for x in arrays]
        weights = differentiable.weights(differentiable.run(*arrays))
        found = differentiable.gradients(arrays, weights)
        wanted = differentiable.gradients(wide, [gy.astype("d") if gy.dtype.kind == "f" else gy for gy in weights])
        for gx, exact in zip(found, wanted, strict=True):
            assert (gx is None) == (exact is None)
            if gx is not None and exact is not None:
                assert gx.dtype == dtype
                _assert_close(differentiable, gx, exact, dtype, factor=4)

    def test_plain_arrays_are_taken_and_nothing_is_changed(self, case: Case) -> None:
        arrays = case.arrays("float32")
        copies = [x.copy() for x in arrays]
        outputs = case.run(*arrays)
        assert all(isinstance(y, Variable) and not y.requires_grad for y in outputs)
        if case.gradient:
            case.gradients(arrays)
        for x, copy in zip(arrays, copies, strict=True):
            np.testing.assert_array_equal(x, copy, "an input was changed")

    def test_strides_do_not_matter(self, case: Case) -> None:
        arrays = case.arrays("float64")
        expected = case.run(*arrays)
        for rearrange in (_reversed_in_memory, _every_second, lambda x: np.array(x, order="F")):
            for y, wanted in zip(case.run(*map(rearrange, arrays)), expected, strict=True):
                np.testing.assert_allclose(y.array, wanted.array, rtol=1e-10, atol=1e-12)
            if case.gradient:
                found, exact = case.gradients([rearrange(x) for x in arrays]), case.gradients(arrays)
                for gx, wanted_gx in zip(found, exact, strict=True):
                    if wanted_gx is not None:
                        np.testing.assert_allclose(np.asarray(gx), wanted_gx, rtol=1e-10, atol=1e-12)

    def test_an_empty_batch_goes_through(self, case: Case) -> None:
        if case.batched is False:
            pytest.skip("the row has no batch axis")
        arrays = case.arrays("float32", case.without_rows())
        for y, wanted in zip(case.run(*arrays), case.expected(arrays), strict=True):
            assert y.shape == np.asarray(wanted).shape
        if case.gradient:
            for x, gx in zip(arrays, case.gradients(arrays), strict=True):
                assert gx is None or (gx.shape == x.shape and not np.isnan(gx).any())

    def test_zero_dimensions(self, elementwise: Case) -> None:
        arrays = elementwise.arrays("float64", [recipe.reshaped(()) for recipe in elementwise.inputs])
        (y,), (wanted,) = elementwise.run(*arrays), elementwise.expected(arrays)
        assert y.shape == ()
        assert isinstance(y.array, np.ndarray)
        np.testing.assert_allclose(y.array, wanted, rtol=1e-10)
        if elementwise.gradient:
            assert all(gx is None or gx.shape == () for gx in elementwise.gradients(arrays))

    def test_gradients_that_are_not_needed_are_skipped(self, differentiable: Case) -> None:
        arrays = differentiable.arrays("float64")
        everything = differentiable.gradients(arrays)
        for chosen, wanted in enumerate(everything):
            if wanted is None:
                continue
            inputs: list[Any] = [Variable(x) if i == chosen else x for i, x in enumerate(arrays)]
            outputs = differentiable.run(*inputs)
            for y, gy in zip(outputs, differentiable.weights(outputs), strict=True):
                y.grad = gy
            backward([y for y in outputs if y.creator is not None])
            np.testing.assert_allclose(inputs[chosen].grad, wanted, rtol=1e-10, atol=1e-12)

    def test_leaves_share_no_gradient_memory(self, differentiable: Case) -> None:
        arrays = differentiable.arrays("float64")
        variables = [Variable(x) for x in arrays]
        outputs = differentiable.run(*variables)
        weights = differentiable.weights(outputs)
        computed = [(y, gy) for y, gy in zip(outputs, weights, strict=True) if y.creator is not None]
        for y, gy in computed:
            y.grad = gy
        backward([y for y, _ in computed])
        grads = [x.grad for x in variables if x.grad is not None]
        for i, gx in enumerate(grads):
            assert gx.flags.writeable
            for other in [*grads[:i], *arrays, *weights]:
                assert not np.shares_memory(gx, other)

    def test_debug_mode_finds_nothing(self, case: Case) -> None:
        with using_config("debug", True):
            arrays = case.arrays("float64")
            case.gradients(arrays) if case.gradient else case.run(*arrays)

    def test_every_backend_agrees(self, case: Case, other_device: str) -> None:
        arrays = case.arrays("float32")
        moved = [to_device(x, other_device) for x in arrays]
        if case.random:
            assert all(y.device == get_device(other_device) for y in case.run(*moved))
            return
        for y, wanted in zip(case.run(*moved), case.run(*arrays), strict=True):
            assert y.device == get_device(other_device)
            _assert_close(case, to_device(y.array, "cpu"), wanted.array, "float32")
        if case.gradient:
            for gx, exact in zip(case.gradients(moved), case.gradients(arrays), strict=True):
                if gx is not None and exact is not None:
                    _assert_close(case, to_device(gx, "cpu"), exact, "float32", factor=4)

    def test_every_kernel_agrees_with_the_generic_code(self, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
        arrays = case.arrays("float32")
        recorder = _Recorder()
        with recorder:
            found = [y.array for y in case.run(*arrays)] + (case.gradients(arrays) if case.gradient else [])
        if not any(kernels_for(cls.kernels.key, backend_of(arrays[0])) for cls in recorder.classes):
            return  # only generic code ran: there is nothing to compare
        with isolated_plugins():
            exact = [y.array for y in case.run(*arrays)] + (case.gradients(arrays) if case.gradient else [])
        for y, wanted in zip(found, exact, strict=True):
            if y is not None and wanted is not None:
                _assert_close(case, y, wanted, "float32", factor=4)

    @pytest.fixture
    def other_device(self, request: pytest.FixtureRequest) -> Iterator[str]:
        """Each device that is not the CPU: one of every backend that is installed, and the second one of the fake."""
        if request.param != "fake:1":
            yield request.param
            return
        with isolated_plugins(fake_backend.plugin, installed=True):
            yield request.param


class _Recorder(FunctionHook):
    """Notes which function classes were applied."""

    name = "chainette.testing.cases"

    def __init__(self) -> None:
        self.classes: set[Any] = set()

    def forward_preprocess(self, function: Any, in_data: tuple[Any, ...]) -> None:
        self.classes.add(type(function))


def _assert_close(case: Case, found: Any, wanted: Any, dtype: str, factor: float = 1.0) -> None:
    bounds = case.tolerance.get(dtype, TOLERANCE[dtype])
    np.testing.assert_allclose(
        np.asarray(found, "d"), np.asarray(wanted, "d"), atol=factor * bounds["atol"], rtol=factor * bounds["rtol"]
    )


def _reversed_in_memory(x: Array) -> Array:
    """The same values with negative strides."""
    if x.ndim == 0:
        return x.copy()
    backwards = (slice(None, None, -1),) * x.ndim
    return x[backwards].copy()[backwards]


def _every_second(x: Array) -> Array:
    """The same values with gaps between them."""
    if x.ndim == 0:
        return x.copy()
    wide = np.zeros(tuple(2 * size for size in x.shape), x.dtype)[(slice(None, None, 2),) * x.ndim]
    wide[...] = x
    return wide
