"""Checkpointing: computing a second time what would need memory to be kept."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from chainette import (
    Function,
    Parameter,
    Variable,
    as_variable,
    config,
    force_backprop_mode,
    grad,
    interception,
    no_backprop_mode,
    using_config,
)
from chainette.backend import is_array
from chainette.config import thread
from chainette.errors import ArrayTypeError, FunctionError, GraphError
from chainette.function import _next_sequence, released_error
from chainette.typing import Array, ArrayLike, Shape
from chainette.variable import Edge
from chainette_functions.util.random_states import RandomStates
from chainette_functions.util.recomputing import is_recomputing as is_recomputing, recomputing


class Checkpoint(Function):
    """What ``function`` computed; its inputs are the variables that it was given, and those it used from elsewhere."""

    def __init__(self, first: FirstRun) -> None:
        self.first: FirstRun | None = first

    def forward(self, *inputs: Array) -> Any:
        assert self.first is not None
        outputs, self.first.outputs = self.first.outputs, None
        self.retain(**{f"x{i}": x for i, x in enumerate(inputs)})
        if config.debug:
            self.retain(**{f"y{i}": y for i, y in enumerate(_as_tuple(outputs))})
        return outputs

    def backward(self, *gys: Variable | None) -> tuple[Variable | None, ...]:
        if self.first is None:
            raise released_error(self)
        needed = self.needs_input_grad
        inputs = [self.stand_in(i) if wanted else self.retained(f"x{i}") for i, wanted in enumerate(needed)]
        pairs = [(y, gy) for y, gy in zip(self.run_again(self.first, inputs), gys, strict=True) if gy is not None]
        gxs = grad(
            [y for y, _ in pairs],
            [x for x, wanted in zip(inputs, needed, strict=True) if wanted],
            [gy for _, gy in pairs],
            enable_double_backprop=config.enable_backprop,
        )
        gxs.reverse()
        return tuple([gxs.pop() if wanted else None for wanted in needed])  # held by nothing else, so never copied

    def stand_in(self, index: int) -> Variable:
        """An input as the second run sees it: a leaf, or a place of its own where the walk is itself recorded."""
        x = self.retained(f"x{index}")
        return StandIn().apply(x) if config.enable_backprop else Variable(x.array)

    def run_again(self, first: FirstRun, inputs: list[Variable]) -> tuple[Variable, ...]:
        """The outputs, with the graph behind them, which begins at ``inputs``."""
        second = SecondRun(first, inputs)
        ys = second.run()
        second.check(ys, self.output_types)
        if config.debug:
            self.compare(ys)
        return ys

    def compare(self, ys: tuple[Variable, ...]) -> None:
        """Debug mode: refuse outputs that are not those of the first run."""
        for i, y in enumerate(ys):
            if f"y{i}" not in (self._retained or {}):  # debug mode was off then
                return
            first: Array = self.retained(f"y{i}").array
            with y.device.use():
                if y.dtype.kind in "fc" and bool((abs(y.array - first) > 0.01 * (1 + abs(first))).any()):
                    raise _differs(f"output {i} does not have the values that it had")

    def release(self) -> None:
        super().release()
        self.first = None  # it knows what lies behind


class StandIn(Function):
    """x, at a place of its own in the graph, at which a walk can end."""

    def forward(self, x: Array) -> Array:
        return x

    def backward(self, gy: Variable) -> Variable:
        return gy


class Run:
    """A run of the function that sees each application in it, as an interceptor. One may lie within another."""

    def __init__(self) -> None:
        self.outer = thread.settings._interceptor

    def __call__(self, function: Function, inputs: tuple[Any, ...]) -> Any:
        self.begin(function, inputs)
        return self.apply(function, inputs)

    def begin(self, function: Function, inputs: tuple[Any, ...]) -> None:
        """See to the random numbers, before anything else: the outermost run first, as the others start from there."""
        if isinstance(self.outer, Run):
            self.outer.begin(function, inputs)
        if not isinstance(function, Checkpoint):  # one within this one is applied in the second run only
            self.step(inputs)

    def step(self, inputs: tuple[Any, ...]) -> None:
        raise NotImplementedError

    def apply(self, function: Function, inputs: tuple[Any, ...]) -> Any:
        """Let the run or interceptor around this one apply the function."""
        if isinstance(self.outer, Run):
            return self.outer.apply(function, inputs)
        return NotImplemented if self.outer is None else self.outer(function, inputs)


class FirstRun(Run):
    """The run that records no graph. It notes the variables that are used, the settings, and the random numbers.

    Args:
        function: what is run.
        xs: what it is given.
    """

    def __init__(self, function: Callable[..., Any], xs: tuple[Variable, ...]) -> None:
        super().__init__()
        self.function = function
        self.xs = xs
        self.settings = {name: getattr(config, name) for name in dir(config) if name not in ("enable_backprop", "show")}
        self.random = RandomStates(x.array for x in xs)
        self.places: list[Edge] = []
        self.outputs: Any = None
        self._start = _next_sequence()
        self._computed: list[Variable] = []
        self._leaves: dict[weakref.ref[Variable], None] = {}  # weak: the function may make some for itself

    def run(self) -> None:
        with self.random.recorded(), interception(self), no_backprop_mode():
            outputs = checked(self.function(*self.xs))
        for y in _as_tuple(outputs):
            self.note(y)
        self.outputs = tuple([y.array for y in outputs]) if isinstance(outputs, tuple) else outputs.array

    def step(self, inputs: tuple[Any, ...]) -> None:
        self.random.note(inputs)

    def apply(self, function: Function, inputs: tuple[Any, ...]) -> Any:
        for x in inputs:
            self.note(x)
        return super().apply(function, inputs)

    def note(self, x: Any) -> None:
        """What requires a gradient, though no graph is recorded, comes from elsewhere."""
        if not isinstance(x, Variable) or not x.requires_grad:
            return
        if x._edge is None:
            self._leaves[weakref.ref(x)] = None
        elif x._edge[0].sequence < self._start:  # later ones were computed here, under force_backprop_mode
            self._computed.append(x)

    def inputs(self) -> list[Variable]:
        """What the function was given, and what it used from elsewhere."""
        leaves = [x for leaf in self._leaves if (x := leaf()) is not None]
        known = {place(x) for x in self.xs}
        others = {place(x): x for x in [*self._computed, *leaves] if place(x) not in known}
        inputs = [*self.xs, *others.values()]
        self.places = [place(x) for x in inputs]
        self.count = len(self.xs)
        self.xs, self._computed, self._leaves, self.outer = (), [], {}, None
        return inputs


class SecondRun(Run):
    """The run that records the graph. It sees ``inputs`` in the place of the variables that the first one used."""

    def __init__(self, first: FirstRun, inputs: list[Variable]) -> None:
        super().__init__()
        self.first = first
        self.inputs = inputs
        self.table = dict(reversed(list(zip(first.places, inputs, strict=True))))  # of one given twice, the first
        self.missing = {where: None for where in first.places[first.count :] if not _may_be_new(where)}

    def run(self) -> tuple[Variable, ...]:
        with ExitStack() as stack:
            for name, value in self.first.settings.items():
                if getattr(config, name) is not value:
                    stack.enter_context(using_config(name, value))
            for context in (self.first.random.repeated(), recomputing(), interception(self), force_backprop_mode()):
                stack.enter_context(context)
            outputs = checked(self.first.function(*self.inputs[: self.first.count]))
        return tuple([self.replaced(y) for y in _as_tuple(outputs)])

    def step(self, inputs: tuple[Any, ...]) -> None:
        self.first.random.repeat()

    def apply(self, function: Function, inputs: tuple[Any, ...]) -> Any:
        inputs = tuple([self.replaced(x) for x in inputs])
        ys = super().apply(function, inputs)
        return function.apply(*inputs) if ys is NotImplemented else ys

    def replaced(self, x: Any) -> Any:
        if not isinstance(x, Variable) or not x.requires_grad:
            return x
        found = self.table.get(place(x))
        if found is not None:
            self.missing.pop(place(x), None)
            return found
        if isinstance(x, Parameter):
            raise _differs(f"it used the parameter {x.name or 'without a name'}, which it had not used")
        return x

    def check(self, ys: tuple[Variable, ...], types: tuple[tuple[Shape, Any], ...]) -> None:
        """Refuse what was no repetition of the first run."""
        for where in self.missing:
            name = getattr(where, "name", None)
            raise _differs(f"it did not use the {'variable' if name is None else f'parameter {name}'} that it had used")
        found = tuple((y.shape, y.dtype) for y in ys)
        if found != types:
            raise _differs(f"it returned {_words(found)}, not the {_words(types)} that it had returned")


def checkpoint(function: Callable[..., Any], *xs: ArrayLike) -> Any:
    """``function(*xs)``, whose intermediate results are not kept for backward but computed again there.

    This costs one more forward pass of ``function``, and saves the memory of all that it computes on the way. A network
    of n layers in segments of about the square root of n layers, each one a checkpoint, keeps as many arrays.

    Args:
        function: takes and returns Variables. It is called here, with no graph recorded, and again in each backward.
            The links, parameters and variables that it uses get their gradients as ever; they must be the same then.
        xs: Variables or arrays; gradients flow to those that require them. Other arguments are bound to the function,
            e.g. with ``functools.partial``.

    Returns:
        What the function returns: a Variable or a tuple of Variables.

    Raises:
        ArrayTypeError: ``xs`` holds something else.
        FunctionError: the function returns something else.
        DeviceError: it draws random numbers on an accelerator whose generator has no state.
        GraphError: (in backward) it did something else when it was run again.

    The second run has the settings (``config.train`` ...) and the random numbers of the first, so that dropout drops
    the same elements, and the stream of random numbers does not notice it. Running statistics are updated in the first
    run only: ``is_recomputing()`` tells the two apart. A checkpoint may hold others. Debug mode compares the outputs
    of both runs.

    Source: Chen, Xu, Zhang, Guestrin, "Training Deep Nets with Sublinear Memory Cost", 2016.

    >>> x = chainette.Variable(np.array([1.0, 2.0]))
    >>> y = checkpoint(lambda h: h * h * h, x)
    >>> y.sum().backward()
    >>> x.grad
    array([ 3., 12.])
    """
    variables = tuple([_as_argument(i, x) for i, x in enumerate(xs)])
    if not config.enable_backprop:
        return checked(function(*variables))
    first = FirstRun(function, variables)
    first.run()
    inputs = first.inputs()
    if not any(x.requires_grad for x in inputs):
        ys = [as_variable(y) for y in _as_tuple(first.outputs)]
        return tuple(ys) if isinstance(first.outputs, tuple) else ys[0]
    return Checkpoint(first).apply(*inputs)


def _as_argument(position: int, x: ArrayLike) -> Variable:
    if isinstance(x, Variable) or is_array(x):
        return as_variable(x)
    raise ArrayTypeError(
        f"checkpoint: xs[{position}] is a {type(x).__name__} (expected a Variable or an array). Bind other arguments "
        "to the function, e.g. with functools.partial."
    )


def checked(outputs: Any) -> Any:
    """A Variable, or a tuple of them."""
    ys = _as_tuple(outputs)
    if not ys or not all(isinstance(y, Variable) for y in ys):
        what = ", ".join(type(y).__name__ for y in ys) or "nothing"
        raise FunctionError(f"checkpoint: the function returned {what} (expected a Variable or a tuple of Variables).")
    return tuple(ys) if isinstance(outputs, list) else outputs


def place(x: Variable) -> Edge:
    """Where the gradient of ``x`` goes."""
    return x if x._edge is None else x._edge


def _may_be_new(where: Edge) -> bool:
    """A leaf that is no parameter may be one that the function makes and keeps."""
    return isinstance(where, Variable) and not isinstance(where, Parameter)


def _as_tuple(outputs: Any) -> tuple[Any, ...]:
    return tuple(outputs) if isinstance(outputs, (tuple, list)) else (outputs,)


def _words(types: tuple[tuple[Shape, Any], ...]) -> str:
    return ", ".join(f"{dtype} {shape}" for shape, dtype in types)


def _differs(what: str) -> GraphError:
    return GraphError(
        f"checkpoint: run again for its gradient, the function did something else: {what} the first time. "
        "Give it what changes as arguments; a lambda in a loop sees the last value of the loop's variable."
    )
