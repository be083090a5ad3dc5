"""One row a link, and the tests that follow from it."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from chainette import random
from chainette.backend import get_device, to_device
from chainette.config import using_config
from chainette.testing import fake_backend
from chainette.testing.arrays import Recipe
from chainette.testing.cases import TOLERANCE
from chainette.testing.gradient_check import check_backward
from chainette.testing.plugins import isolated_plugins
from chainette.typing import Array
from chainette.variable import Variable


@dataclass
class LinkCase:
    """One row: how a link is made, inputs to try it on, and what it is to compute.

    Args:
        make: makes the link, all of its sizes given.
        inputs: recipes from ``chainette.testing.arrays``, one for each array argument.
        reference: the same in NumPy: ``reference(values, *inputs)`` returns an array or a tuple of arrays. ``values``
            holds the parameters and the persistent arrays by path, ``/l1/W``, in float64, as they were before the call.
        open: makes the same link with its sizes left open; None for a link that always knows them.
        call: ``call(link, *inputs)``; by default ``link(*inputs)``. It may return any nesting of Variables.
        name: the row's name; by default that of the link's class.
        train: the setting ``train`` under which it runs.
        gradient: False where some input or parameter has no gradient that numerics can find.
        dtypes: floating dtypes to try.
        tolerance: ``{"float16": {"atol": ..., "rtol": ...}}``, where the usual ones do not suit the link.
        exact: False for a link that draws random numbers beyond what the seed repeats on another device.
    """

    make: Callable[[], Any]
    inputs: Sequence[Recipe]
    reference: Callable[..., Any]
    open: Callable[[], Any] | None = None
    call: Callable[..., Any] | None = None
    name: str = ""
    train: bool = True
    gradient: bool = True
    dtypes: Sequence[str] = ("float16", "float32", "float64")
    tolerance: dict[str, dict[str, float]] = field(default_factory=dict)
    exact: bool = True

    def __post_init__(self) -> None:
        self.link_name = type(self.make()).__name__
        self.name = self.name or self.link_name

    def arrays(self, dtype: str) -> list[Array]:
        """The inputs: the same ones each time."""
        generator = np.random.default_rng(list(self.name.encode()))
        return [recipe.make(generator, dtype) for recipe in self.inputs]

    def link(self, dtype: str = "float32") -> Any:
        """A link with parameters that are all away from 0 and 1, so that each one shows in the output."""
        with using_config("dtype", dtype):
            link = self.make()
        generator = np.random.default_rng(1)
        for _, parameter in link.namedparams():
            parameter.array[...] = generator.uniform(0.1, 0.8, parameter.shape) * generator.choice(
                [-1, 1], parameter.shape
            )
        return link

    def run(self, link: Any, *inputs: Any) -> list[Variable]:
        """The outputs in one list."""
        random.seed(0)
        with using_config("train", self.train):
            return list(_flat(self.call(link, *inputs) if self.call else link(*inputs)))

    def expected(self, link: Any, arrays: Sequence[Array]) -> list[Array]:
        wide = [x.astype("d") if x.dtype.kind == "f" else x for x in arrays]
        random.seed(0)
        return [np.asarray(y) for y in _flat(self.reference(values_of(link), *wide))]


def values_of(link: Any) -> dict[str, Any]:
    """Copies of all parameters and persistent arrays by path, floating ones in float64."""
    found = {path: parameter.array for path, parameter in link.namedparams()}
    for path, each in link.namedlinks():
        found.update({f"{path.rstrip('/')}/{name}": getattr(each, name) for name in each._persistent})
    return {
        path: value.astype("d" if value.dtype.kind == "f" else value.dtype) if isinstance(value, np.ndarray) else value
        for path, value in found.items()
    }


def _flat(outputs: Any) -> Iterator[Any]:
    if isinstance(outputs, (tuple, list)):
        for each in outputs:
            yield from _flat(each)
    elif outputs is not None:
        yield outputs


def _reset(link: Any) -> Any:
    """Without what a stateful link remembers of the call that closed its sizes."""
    for each in link.links():
        if hasattr(each, "reset_state"):
            each.reset_state()
    return link


class DictionarySerializer:
    """The least that a serializer does: writes into a dictionary, by path."""

    def __init__(self, entries: dict[str, Any], path: str = "") -> None:
        self.entries = entries
        self.path = path

    def __getitem__(self, key: str) -> DictionarySerializer:
        return type(self)(self.entries, f"{self.path}{key}/")

    def __call__(self, key: str, value: Any) -> Any:
        self.entries[self.path + key] = None if value is None else np.array(value)
        return value


class DictionaryDeserializer(DictionarySerializer):
    """Reads from the dictionary, into the arrays that are there."""

    def __call__(self, key: str, value: Any) -> Any:
        stored = self.entries[self.path + key]
        if isinstance(value, np.ndarray):
            value[...] = stored
            return value
        return stored if value is None or stored is None else type(value)(stored)


class LinkTests:
    """Subclass it with ``cases``, and with ``module`` and ``public``: the tests below run for each row.

    ``public`` names what must have a row and a documented example; by default the module's ``__all__``.
    """

    cases: ClassVar[Sequence[LinkCase]] = ()
    module: ClassVar[ModuleType | None] = None
    public: ClassVar[Sequence[str] | None] = None

    def pytest_generate_tests(self, metafunc: Any) -> None:
        names = set(metafunc.fixturenames)
        if {"case", "dtype"} <= names:
            pairs = [(case, dtype) for case in self.cases for dtype in case.dtypes]
            metafunc.parametrize(("case", "dtype"), pairs, ids=[f"{case.name}-{dtype}" for case, dtype in pairs])
        elif "case" in names:
            metafunc.parametrize("case", self.cases, ids=[case.name for case in self.cases])
        elif "differentiable" in names:
            chosen = [case for case in self.cases if case.gradient]
            metafunc.parametrize("differentiable", chosen, ids=[case.name for case in chosen])
        elif "open_case" in names:
            chosen = [case for case in self.cases if case.open is not None]
            metafunc.parametrize("open_case", chosen, ids=[case.name for case in chosen])

    def public_links(self) -> list[str]:
        return list(self.public if self.public is not None else getattr(self.module, "__all__", ()))

    def test_every_public_link_has_a_row(self) -> None:
        missing = sorted(set(self.public_links()) - {case.link_name for case in self.cases})
        assert not missing, f"no row in cases for {', '.join(missing)}"

    def test_every_public_link_is_documented_with_an_example(self) -> None:
        bare = [name for name in self.public_links() if ">>>" not in (inspect.getdoc(getattr(self.module, name)) or "")]
        assert not bare, f"no example in the docstring of {', '.join(bare)}"

    def test_output_equals_the_reference_and_keeps_the_dtype(self, case: LinkCase, dtype: str) -> None:
        link, arrays = case.link(dtype), case.arrays(dtype)
        expected = case.expected(link, arrays)
        with using_config("dtype", dtype):
            outputs = case.run(link, *map(Variable, arrays))
        assert len(outputs) == len(expected)
        for y, wanted in zip(outputs, expected, strict=True):
            _assert_close(case, y.array, wanted, dtype)
            if wanted.dtype.kind == "f":
                assert y.dtype == dtype, f"{dtype} became {y.dtype}"

    def test_gradients_of_inputs_and_parameters_equal_numerics(self, differentiable: LinkCase) -> None:
        link, arrays = differentiable.link("float64"), tuple(differentiable.arrays("float64"))
        persistent = _persistent(link)

        def call(*xs: Variable) -> tuple[Variable, ...]:
            _restore(persistent)
            _reset(link)
            return tuple(y for y in differentiable.run(link, *xs) if y.dtype.kind == "f")

        with using_config("dtype", "float64"):
            generator = np.random.default_rng(2)
            weights = tuple(np.asarray(generator.standard_normal(y.shape)) for y in call(*map(Variable, arrays)))
            distinct = {id(parameter): parameter for parameter in link.params()}
            check_backward(call, arrays, weights, params=list(distinct.values()))

    def test_open_sizes_are_taken_from_the_first_input(self, open_case: LinkCase) -> None:
        arrays = open_case.arrays("float32")
        assert open_case.open is not None
        opened = open_case.open()
        assert any(not parameter.is_initialized for parameter in opened.params())
        open_case.run(opened, *arrays)
        known = open_case.link()
        shapes = {path: parameter.shape for path, parameter in known.namedparams()}
        assert {path: parameter.shape for path, parameter in opened.namedparams()} == shapes
        _reset(opened).copyparams(known)
        _assert_same(open_case, opened, known)

    def test_copies_compute_the_same_and_initialized_ones_start_anew(self, case: LinkCase) -> None:
        link = case.link()
        expected = _outputs(case, copy.deepcopy(link))
        for duplicate in (copy.deepcopy, _through_pickle, lambda each: each.copy("copy"), lambda each: each.copy()):
            copied = duplicate(link)
            assert repr(copied) == repr(link)
            for y, wanted in zip(_outputs(case, _reset(copied)), expected, strict=True):
                np.testing.assert_array_equal(y, wanted)
            _restore_values(link, case)
        anew = link.copy("init")
        for (path, parameter), (_, other) in zip(anew.namedparams(), link.namedparams(), strict=True):
            assert parameter.shape == other.shape, path
            assert not np.shares_memory(parameter.array, other.array)

    def test_what_is_saved_is_loaded_into_known_and_open_sizes(self, case: LinkCase) -> None:
        link = case.link()
        entries: dict[str, Any] = {}
        link.serialize(DictionarySerializer(entries))
        assert set(entries) == {path.lstrip("/") for path in values_of(link)}
        for make in filter(None, (case.make, case.open)):
            loaded = make()
            loaded.serialize(DictionaryDeserializer(copy.deepcopy(entries)))
            _assert_same(case, loaded, copy.deepcopy(link))

    def test_its_text_shows_every_parameter(self, case: LinkCase) -> None:
        link = case.link()
        text = repr(link)
        assert case.link_name in text
        for path, parameter in link.namedparams():
            assert f"{path.rpartition('/')[2]} {parameter.shape}" in text

    def test_it_runs_on_another_device(self, case: LinkCase) -> None:
        with isolated_plugins(fake_backend.plugin, installed=True):
            link, arrays = case.link(), case.arrays("float32")
            expected = _outputs(case, copy.deepcopy(link))
            moved = link.to_device("fake:1")
            outputs = case.run(moved, *[to_device(x, "fake:1") for x in arrays])
            assert all(y.device == get_device("fake:1") for y in outputs)
            if case.exact:
                for y, wanted in zip(outputs, expected, strict=True):
                    _assert_close(case, to_device(y.array, "cpu"), wanted, "float32", factor=4)


def _through_pickle(link: Any) -> Any:
    return pickle.loads(pickle.dumps(link))


def _outputs(case: LinkCase, link: Any) -> list[Array]:
    return [y.array for y in case.run(link, *case.arrays("float32"))]


def _persistent(link: Any) -> list[tuple[Any, str, Any]]:
    return [(each, name, copy.deepcopy(getattr(each, name))) for each in link.links() for name in each._persistent]


def _restore(persistent: list[tuple[Any, str, Any]]) -> None:
    for each, name, value in persistent:
        setattr(each, name, copy.deepcopy(value))


def _restore_values(link: Any, case: LinkCase) -> None:
    """What a copy that shares its arrays has done to the running statistics is taken back."""
    fresh = _persistent(case.link())
    for (each, name, _), (_, _, value) in zip(_persistent(link), fresh, strict=True):
        setattr(each, name, value)


def _assert_same(case: LinkCase, found: Any, wanted: Any) -> None:
    for y, expected in zip(_outputs(case, found), _outputs(case, wanted), strict=True):
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


def _assert_close(case: LinkCase, found: Any, wanted: Any, dtype: str, factor: float = 1.0) -> None:
    bounds = case.tolerance.get(dtype, TOLERANCE[dtype])
    np.testing.assert_allclose(
        np.asarray(found, "d"), np.asarray(wanted, "d"), atol=factor * bounds["atol"], rtol=factor * bounds["rtol"]
    )
