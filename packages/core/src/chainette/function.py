"""Function: one application of a differentiable operation, and the node of the graph that remembers it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

import numpy as np

from chainette.backend import as_operand, by_type, explain_mixture, is_array
from chainette.config import override, thread
from chainette.errors import FunctionError, GraphError, HookError, ReleasedGraphError, UninitializedParameterError
from chainette.kernels import KernelTable
from chainette.typing import SCALAR_TYPES, Shape
from chainette.variable import Edge, Variable, constant, new_variable

if TYPE_CHECKING:
    from chainette.backend import Device
    from chainette.function_hooks import FunctionHook

_next_sequence = itertools.count(1).__next__


class Function:
    """The base of every differentiable operation.

    A subclass writes ``forward(self, *arrays)``, which takes arrays and returns an array or a tuple of arrays, and
    ``backward(self, *gradients)``, which takes one Variable for each output (None where no gradient arrived) and
    returns one for each input (None where none flows). ``backward`` is written with differentiable functions, so that
    gradients of gradients work. What it needs from ``forward`` goes through ``retain``.

    A gradient may come back in the shape or dtype to which broadcasting or promotion brought the input: it is summed
    and cast to the input's own. An instance is one application; its attributes are its static parameters.

    >>> import numpy as np
    >>> class Cube(Function):
    ...     def forward(self, x):
    ...         self.retain(x=x)
    ...         return x ** 3
    ...     def backward(self, gy):
    ...         x = self.retained("x")
    ...         return 3 * x * x * gy
    >>> x = Variable(np.array([2.0]))
    >>> y = Cube().apply(x)
    >>> y.backward()
    >>> y.array, x.grad
    (array([8.]), array([12.]))
    """

    name: ClassVar[str]
    kernels: ClassVar[KernelTable]

    # Class attributes are the state of a function that has recorded nothing: making one costs nothing.
    xp: Any = np
    ran_on: Device | None = None  # the accelerator on which forward ran, and backward is to run
    edges: list[Edge] | None = None  # where gradients go: (function, output index), a leaf, or None; by input
    sequence: int = 0  # the order of application; backward walks from high to low
    output_types: tuple[tuple[Shape, np.dtype[Any]], ...] = ()
    output_grads: list[Variable | None] | None = None  # what ``grad`` of the outputs reads and writes
    leaves: frozenset[int] = frozenset()  # outputs at which a walk ends, since they were unchained
    released: bool = False
    primal: Function | None = None
    local_hooks: dict[str, FunctionHook] | None = None
    made_at: str = ""  # debug mode: the line of user code that applied this function
    _retained: dict[str, Any] | None = None
    _origins: list[int] = []  # noqa: RUF012  (replaced; the ids of inputs and outputs, theirs while retained)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" not in vars(cls):
            cls.name = _snake_case(cls.__name__)
        _refuse_old_form(cls)
        cls.kernels = KernelTable(cls)

    def forward(self, *inputs: Any) -> Any:
        """Compute the outputs: arrays in, an array or a tuple of arrays out."""
        raise FunctionError(f"{type(self).__name__} has no forward. Write forward(self, x, ...) with arrays.")

    def backward(self, *grad_outputs: Any) -> Any:
        """Compute the inputs' gradients: Variables in, Variables out. By default none flows."""
        return (None,) * len(self.edges or ())

    def apply(self, *inputs: Any) -> Variable:
        """Run on Variables, arrays, numbers. Where ``forward`` gives a tuple, so does this: write ``ys: Any = ...``."""
        settings = thread.settings
        if settings._interceptor and (ys := _intercept(self, inputs)) is not NotImplemented:
            return ys  # type: ignore[no-any-return]
        arrays: list[Any] = []
        edges: list[Edge] = []
        enabled, recording = settings.enable_backprop, False
        for x in inputs:
            if isinstance(x, Variable):
                arrays.append(x._array)
                if enabled and x.requires_grad:
                    edges.append(x._edge or x)
                    recording = True
                    continue
            else:
                arrays.append(as_operand(self.name, len(arrays), x))
            edges.append(None)
        if recording:
            self.edges, self.sequence = edges, _applied_before(self) if self.sequence else _next_sequence()
        try:
            run = _run_watched if settings._watched or self.local_hooks else self.kernels[type(arrays[0])]
            outputs = run(self, *arrays)
        except Exception as error:
            raise _explained(self, arrays, error)  # noqa: B904  (as a rule it is the same error)
        if type(outputs) is tuple:
            return _several(self, recording, arrays, outputs)  # type: ignore[no-any-return]
        y = new_variable(Variable)  # filling the slots here is the cheapest way to make one
        y._array = outputs if type(outputs) in by_type else _as_output(self, outputs)
        y.requires_grad, y._edge, y._grad, y.name = False, None, None, None
        if recording:
            if self._retained is not None:
                self._origins = [*map(id, arrays), id(outputs)]
            dtype = y._array.dtype
            self.output_types = ((y._array.shape, dtype),)
            if dtype.kind in "fc":  # no gradient flows to integers
                y._edge, y.requires_grad = (self, 0), True
        return y

    def retain(self, **values: Any) -> None:
        """Keep arrays for ``backward``, each by a name: inputs, outputs, masks, anything. The only way to do so.

        Nothing is kept when no graph is recorded. One array a name, so that ``chainette.retention`` and debug mode
        see each; numbers, shapes and the like may also be plain attributes.
        """
        if self.edges is not None:
            self._retained = values if self._retained is None else {**self._retained, **values}

    def retained(self, name: str) -> Variable:
        """What ``retain`` kept: inputs and outputs as Variables connected to the graph.

        Anything else comes back as the data it was: write ``mask: Array = self.retained("mask")``.

        Raises:
            ReleasedGraphError: it was freed by ``backward(release=True)`` or ``unchain_backward``.
        """
        try:
            value: Any = self._retained[name]  # type: ignore[index]
        except (KeyError, TypeError):
            raise self._nothing_retained(name) from None
        if not thread.settings.enable_backprop and type(value) in by_type:
            return constant(value) if id(value) in self._origins else value
        return self._connected(value)  # type: ignore[no-any-return]

    def _nothing_retained(self, name: str) -> Exception:
        if self.released:
            return released_error(self)
        return FunctionError(f"{self.name}: backward asks for {name!r}, which forward did not retain.")

    @property
    def needs_input_grad(self) -> list[bool]:
        """For each input, whether its gradient is wanted; empty when no graph is recorded."""
        return [edge is not None for edge in self.edges or ()]

    def retained_inputs(self) -> tuple[Any, ...]:
        """For each input its array if it was retained as it is, else None."""
        kept = {id(value): value for value in (self._retained or {}).values()}
        return tuple(kept.get(origin) for origin in self._origins[: len(self.edges or ())])

    def _connected(self, value: Any) -> Any:
        """A retained value as a walk that is itself recorded must see it."""
        origin = id(value)
        if type(value) is _Packed:
            origin, value = value.origin, value.unpack(value.packed)
        if origin not in self._origins or not (isinstance(value, np.generic) or is_array(value)):
            return value
        value = _as_output(self, value)  # a scalar that NumPy gave for a 0-d array
        assert self.edges is not None
        position = self._origins.index(origin)
        edge: Edge = (self, position - len(self.edges)) if position >= len(self.edges) else self.edges[position]
        if edge is None or not thread.settings.enable_backprop:
            return constant(value)
        if isinstance(edge, Variable):
            # The leaf itself, unless it holds another array by now.
            return edge if edge._array is value else _SameValue(value).apply(edge)
        variable = Variable(value)
        variable._edge = edge
        return variable

    def pack_retained(self, pack: Callable[[Any], Any], unpack: Callable[[Any], Any]) -> None:
        """Keep the retained arrays in the form that ``pack`` gives them."""
        for name, value in (self._retained or {}).items():
            if is_array(value):
                self._retained[name] = _Packed(pack(value), unpack, id(value))  # type: ignore[index]

    def gradient_of(self, primal: Function) -> Self:
        """Say that this gradient belongs to ``primal``, so that its kernel finds what primal's kernel retained."""
        self.primal = primal
        return self

    def release(self) -> None:
        """Free what was kept for backward, and the edges to what lies behind."""
        self._retained = None
        self.edges = None
        self.released = True

    def unchain(self, index: int | None = None) -> None:
        """Make an output (by default all of them) a leaf, at which walks end."""
        count = len(self.output_types)
        self.leaves |= frozenset(range(count) if index is None else (index,))
        if len(self.leaves) == count:
            self.release()

    def add_hook(self, hook: FunctionHook, name: str | None = None) -> None:
        """Install a FunctionHook for this function alone."""
        key = name or hook.name
        if self.local_hooks and key in self.local_hooks:
            raise HookError(f"{self.name}: a hook named {key!r} is there already. Give another name=.")
        self.local_hooks = {**(self.local_hooks or {}), key: hook}
        hook.added(self)

    def delete_hook(self, name: str) -> None:
        """Remove a hook that ``add_hook`` installed."""
        if not self.local_hooks or name not in self.local_hooks:
            raise HookError(f"{self.name}: no hook named {name!r} (there are: {', '.join(self.local_hooks or {})}).")
        hook = self.local_hooks[name]
        self.local_hooks = {key: each for key, each in self.local_hooks.items() if key != name}
        hook.deleted(self)

    @property
    def label(self) -> str:
        """What graphs and profiles show for this function."""
        return self.name

    def __repr__(self) -> str:
        return f"<Function {self.name}{' made at ' + self.made_at if self.made_at else ''}>"


def released_error(function: Function) -> ReleasedGraphError:
    return ReleasedGraphError(
        f"{function.name}: what it kept for backward is gone, since the graph was walked with release=True or "
        "unchained. Run the forward pass again, or walk it the first time without release."
    )


class _Packed:
    """A retained array in the form that ``chainette.retention`` gave it."""

    def __init__(self, packed: Any, unpack: Any, origin: int) -> None:
        self.packed = packed
        self.unpack = unpack
        self.origin = origin


def _several(function: Function, recording: bool, arrays: list[Any], outputs: tuple[Any, ...]) -> Any:
    """The Variables for several outputs: what apply itself does for one."""
    ys = tuple([constant(y if type(y) in by_type else _as_output(function, y)) for y in outputs])
    if recording:
        function._origins = [*map(id, arrays), *map(id, outputs)]
        function.output_types = tuple([(y._array.shape, y._array.dtype) for y in ys])
        for index, (_, dtype) in enumerate(function.output_types):
            if dtype.kind in "fc":
                ys[index]._edge, ys[index].requires_grad = (function, index), True
    return ys


def _applied_before(function: Function) -> NoReturn:
    raise GraphError(f"{function.name}: this instance was applied before. Make a new one for each application.")


def _intercept(function: Function, inputs: tuple[Any, ...]) -> Any:
    interceptor = thread.settings._interceptor
    assert interceptor is not None
    with override("_interceptor", None):
        return interceptor(function, inputs)


def _run_watched(function: Function, *arrays: Any) -> Any:
    from chainette.function_hooks import run_watched

    return run_watched(function, arrays)


def _as_output(function: Function, value: Any) -> Any:
    """An array for what ``forward`` returned: NumPy's scalars become 0-d arrays, subclasses stay."""
    if type(value) in by_type:
        return value
    if isinstance(value, (np.generic, *SCALAR_TYPES)):
        return np.asarray(value)
    try:
        by_type[type(value)]
    except TypeError:
        raise FunctionError(
            f"{function.name}: forward returned a {type(value).__name__} (expected an array or a tuple of arrays)."
        ) from None
    return value


def _explained(function: Function, arrays: list[Any], error: Exception) -> Exception:
    """A clearer error for what every function may meet; the error itself if there is nothing to add."""
    if not arrays:
        return FunctionError(f"{function.name}: apply got no inputs (expected at least one array).")
    for position, array in enumerate(arrays):
        if array is None:
            return UninitializedParameterError(
                f"{function.name}: argument {position} is a Parameter whose shape is not known yet. "
                "Call its link with data first, or give the link its sizes."
            )
    return explain_mixture(function.name, arrays) or error


_OLD_METHODS = ("forward_cpu", "forward_gpu", "backward_cpu", "backward_gpu", "check_type_forward")


def _refuse_old_form(cls: type[Function]) -> None:
    """Chainer's functions took and returned tuples; show the author of such a class today's form."""
    old = [name for name in _OLD_METHODS if name in vars(cls)]
    for method, names in (("forward", ("inputs", "in_data", "xs")), ("backward", ("inputs", "indexes", "in_data"))):
        code = getattr(vars(cls).get(method), "__code__", None)
        if code is not None and code.co_argcount > 1 and code.co_varnames[1] in names:
            old.append(f"{method}(self, {', '.join(code.co_varnames[1 : code.co_argcount])})")
    if old:
        raise FunctionError(
            f"{cls.__name__} is written in Chainer's form ({', '.join(old)}). Here arrays come one by one: write "
            "'def forward(self, x, W): ...; self.retain(x=x); return y' and "
            "'def backward(self, gy): ...; return gx, gW', with one Variable for each output."
        )


def _snake_case(name: str) -> str:
    """ReLUGrad -> relu_grad, Convolution2D -> convolution_2d, LogSoftmax -> log_softmax."""
    name = name.strip("_").replace("ReLU", "Relu").replace("ELU", "Elu").replace("LSTM", "Lstm").replace("GRU", "Gru")
    name = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[a-z])(?=[0-9]+D)", "_", name)
    return re.sub(r"(?<=[0-9])(?=[A-Z][a-z])", "_", name).lower()


class _SameValue(Function):
    """Stands for a leaf as it was, where its array has been replaced since."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def forward(self, x: Any) -> Any:
        return self.array

    def backward(self, gy: Variable) -> Variable:
        return gy
