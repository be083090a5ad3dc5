"""Variable: an array, its gradient, and the function that made it. Parameter: a Variable that learns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import numpy as np

from chainette.backend import Device, backend_of, by_type, get_device, is_array, to_device
from chainette.checks import require_fitting_gradient
from chainette.errors import ArrayTypeError, ComparisonError, DtypeError, GraphError, ShapeError
from chainette.typing import SCALAR_TYPES, ArrayLike, Axis, DTypeLike, NumPyLike, Shape

if TYPE_CHECKING:
    from chainette.function import Function

Edge: TypeAlias = "tuple[Function, int] | Variable | None"
"""Where a gradient goes: to an output of a function, to a leaf, or nowhere."""

new_variable = object.__new__  # for Function.apply, which fills the slots itself


class Variable:
    """An array that remembers how it was made, so that ``backward`` can find its gradient.

    Args:
        data: an array of any backend, or a number (which becomes a 0-d array).
        name: what graphs and messages call it.
        grad: the gradient to start with: an array of the same shape, dtype and device.
        requires_grad: whether gradients flow to it. By default True for floating arrays; integer arrays never do.

    Operators follow NumPy's broadcasting and indexing, with ndarrays and numbers on either side, and give Variables.

    >>> x = Variable(np.array([1.0, 2.0]))
    >>> y = (3 * x + 1).sum()
    >>> y.backward()
    >>> y.array, x.grad
    (array(11.), array([3., 3.]))
    """

    __slots__ = ("__weakref__", "_array", "_edge", "_grad", "name", "requires_grad")

    _array: Any
    _edge: tuple[Function, int] | None  # the function that made it, and which of its outputs it is; None for a leaf
    _grad: Variable | None  # a leaf's gradient; those of other variables lie with the function that made them
    name: str | None
    requires_grad: bool

    def __init__(
        self, data: Any = None, *, name: str | None = None, grad: Any = None, requires_grad: bool | None = None
    ) -> None:
        if type(data) not in by_type:
            data = _as_array(data)
        self._array = data
        self._edge = None
        self._grad = None
        self.name = name
        if requires_grad is None:
            requires_grad = data is not None and data.dtype.kind in "fc"
        elif requires_grad and data is not None and data.dtype.kind not in "fc":
            raise DtypeError(f"Variable: a {data.dtype} array cannot have a gradient. Leave out requires_grad=True.")
        self.requires_grad = requires_grad
        if grad is not None:
            self.grad = grad

    @property
    def array(self) -> Any:
        """The array itself. Assign to replace it; the graph that was recorded keeps the one it knew."""
        return self._array

    @array.setter
    def array(self, value: Any) -> None:
        if not is_array(value):
            raise ArrayTypeError(f"Variable.array: got a {type(value).__name__} (expected an array).")
        self._array = value

    data = array

    @property
    def shape(self) -> Shape:
        shape: Shape = self._array.shape
        return shape

    @property
    def ndim(self) -> int:
        ndim: int = self._array.ndim
        return ndim

    @property
    def size(self) -> int:
        return int(self._array.size)

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = self._array.dtype
        return dtype

    @property
    def xp(self) -> Any:
        """The array module of this variable's backend: NumPy, or an accelerator's."""
        return backend_of(self._array).xp

    @property
    def device(self) -> Device:
        """Where the array lies."""
        return backend_of(self._array).device_of(self._array)

    @property
    def label(self) -> str:
        """Shape and dtype in words: ``(3, 2), float32``; the dtype alone for a 0-d array."""
        return f"{self.shape}, {self.dtype}" if self.shape else str(self.dtype)

    def item(self) -> Any:
        """The value of an array with one element, as a Python number."""
        return self._array.item()

    def to_device(self, device: str | Device) -> Variable:
        """Move array and gradient to a device, in place; returns itself."""
        target = get_device(device)
        if self._array is not None:
            self._array = to_device(self._array, target)
        gradient = self.grad_var
        if gradient is not None:
            self.grad_var = Variable(to_device(gradient._array, target), requires_grad=False)
        return self

    def to_cpu(self) -> Variable:
        """Move array and gradient to the CPU, in place; returns itself."""
        return self.to_device("cpu")

    def to_gpu(self, device: int | None = None) -> Variable:
        """Move array and gradient to an NVIDIA GPU (by default the current one), in place; returns itself."""
        from chainette import cuda

        return self.to_device(cuda.gpu(device))

    def copydata(self, variable: Variable) -> None:
        """Copy another variable's values into this array, in place, also between devices."""
        if self.shape != variable.shape:
            raise ShapeError(f"copydata: shapes differ (this one {self.shape}, given {variable.shape}).")
        with self.device.use():
            self._array[...] = to_device(variable._array, self.device)

    @property
    def grad(self) -> Any:
        """The gradient as an array, or None. Assign an array (or None) to set it."""
        gradient = self.grad_var
        return None if gradient is None else gradient._array

    @grad.setter
    def grad(self, value: Any) -> None:
        if isinstance(value, Variable):
            raise ArrayTypeError("Variable.grad: got a Variable (expected an array). Set grad_var instead.")
        self.grad_var = None if value is None else Variable(value, requires_grad=False)

    @property
    def grad_var(self) -> Variable | None:
        """The gradient as a Variable: connected to the graph after ``backward(enable_double_backprop=True)``."""
        if self._edge is None:
            return self._grad
        function, index = self._edge
        return None if function.output_grads is None else function.output_grads[index]

    @grad_var.setter
    def grad_var(self, value: Variable | None) -> None:
        if value is not None:
            require_fitting_gradient(self, value)
        if self._edge is None:
            self._grad = value
            return
        function, index = self._edge
        if function.output_grads is None:
            function.output_grads = [None] * len(function.output_types)
        function.output_grads[index] = value

    def cleargrad(self) -> None:
        """Set the gradient to None."""
        self.grad_var = None

    def zerograd(self) -> None:
        """Set the gradient to zeros. ``cleargrad`` is cheaper and does as well."""
        with self.device.use():
            self.grad = self.xp.zeros_like(self._array)

    def addgrad(self, variable: Variable) -> None:
        """Add another variable's gradient to this one's, also between devices."""
        if variable.grad is None:
            raise GraphError("addgrad: the given variable has no gradient. Call backward first.")
        with self.device.use():
            other = to_device(variable.grad, self.device)
            self.grad = self.xp.array(other) if self.grad is None else self.grad + other

    @property
    def creator(self) -> Function | None:
        """The function that made this variable; None for a leaf."""
        if self._edge is None:
            return None
        function, index = self._edge
        return None if index in function.leaves else function

    def backward(self, retain_grad: bool = False, enable_double_backprop: bool = False, release: bool = False) -> None:
        """Walk the graph back from here and add to the ``grad`` of every leaf.

        Where this variable has no gradient yet and one element, the walk starts from 1.

        Args:
            retain_grad: keep the gradients of intermediate variables too.
            enable_double_backprop: record the walk itself, so that gradients can be differentiated.
            release: free each function's data once it has been walked; the graph cannot be walked again.

        Raises:
            GraphError: there is no gradient to start from, or no graph behind this variable.
            ReleasedGraphError: the graph was released before.
        """
        backprop.backward([self], retain_grad, enable_double_backprop, release)

    def unchain(self) -> None:
        """Make this variable a leaf: nothing behind it is reached any more, also by what was computed from it."""
        if self._edge is not None:
            self._edge[0].unchain(self._edge[1])

    def unchain_backward(self) -> None:
        """Cut the graph behind this variable and free it; every variable in it becomes a leaf."""
        backprop.unchain_backward(self)

    # NumPy's stubs let an ndarray's operators take anything, hence the ignored overlaps.

    def __add__(self, other: ArrayLike) -> Variable:
        return Add().apply(self, other)

    def __radd__(self, other: NumPyLike) -> Variable:  # type: ignore[misc]
        return Add().apply(other, self)

    def __sub__(self, other: ArrayLike) -> Variable:
        return Sub().apply(self, other)

    def __rsub__(self, other: NumPyLike) -> Variable:  # type: ignore[misc]
        return Sub().apply(other, self)

    def __mul__(self, other: ArrayLike) -> Variable:
        return Mul().apply(self, other)

    def __rmul__(self, other: NumPyLike) -> Variable:  # type: ignore[misc]
        return Mul().apply(other, self)

    def __truediv__(self, other: ArrayLike) -> Variable:
        return Div().apply(self, other)

    def __rtruediv__(self, other: NumPyLike) -> Variable:  # type: ignore[misc]
        return Div().apply(other, self)

    def __floordiv__(self, other: ArrayLike) -> Variable:
        return FloorDiv().apply(self, other)

    def __rfloordiv__(self, other: NumPyLike) -> Variable:
        return FloorDiv().apply(other, self)

    def __pow__(self, other: ArrayLike) -> Variable:
        return Pow().apply(self, other)

    def __rpow__(self, other: NumPyLike) -> Variable:  # type: ignore[misc]
        return Pow().apply(other, self)

    def __matmul__(self, other: ArrayLike) -> Variable:
        return operators.matmul(self, other)

    def __rmatmul__(self, other: NumPyLike) -> Variable:
        return operators.matmul(other, self)

    def __neg__(self) -> Variable:
        return Neg().apply(self)

    def __pos__(self) -> Variable:
        return self

    def __abs__(self) -> Variable:
        return Absolute().apply(self)

    def __getitem__(self, index: Any) -> Variable:
        return operators.get_item(self, index)

    def reshape(self, *shape: int | Shape) -> Variable:
        """The same elements in another shape, in which one size may be -1."""
        return operators.reshape(self, shape[0] if len(shape) == 1 else shape)  # type: ignore[arg-type]

    def transpose(self, *axes: int | tuple[int, ...] | None) -> Variable:
        """The axes in another order; reversed without arguments."""
        return operators.transpose(self, axes[0] if len(axes) == 1 else (axes or None))  # type: ignore[arg-type]

    @property
    def T(self) -> Variable:
        return operators.transpose(self)

    def astype(self, dtype: DTypeLike) -> Variable:
        """The same values in another dtype; gradients come back in this one's."""
        return operators.cast(self, dtype)

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Variable:
        return operators.sum(self, axis, keepdims)

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Variable:
        return operators.mean(self, axis, keepdims=keepdims)

    def max(self, axis: Axis = None, keepdims: bool = False) -> Variable:
        return operators.max(self, axis, keepdims)

    def min(self, axis: Axis = None, keepdims: bool = False) -> Variable:
        return operators.min(self, axis, keepdims)

    def __len__(self) -> int:
        if not self.shape:
            raise ShapeError("len(): a 0-d Variable has no length. Use .size for the number of elements.")
        return self.shape[0]

    def __iter__(self) -> Iterator[Variable]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        head = f"variable {self.name}(" if self.name else "variable("
        if self._array is None:
            return f"{head}of open shape)"
        return head + np.array2string(to_device(self._array, "cpu"), separator=", ", prefix=head) + ")"

    def _refuse_comparison(self, other: Any) -> NoReturn:
        raise ComparisonError("Variables are not compared. Compare their arrays, e.g. x.array == y.array.")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse_comparison
    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise ComparisonError("A Variable has no truth value. Test its array, e.g. bool(x.array) or x.item() > 0.")

    def __float__(self) -> float:
        return float(self._array)

    def __int__(self) -> int:
        return int(self._array)

    def __array__(self, *args: Any, **options: Any) -> NoReturn:
        raise ArrayTypeError("A Variable is not turned into an array behind your back. Write x.array.")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Variable:
        operator = operators.BY_UFUNC.get(ufunc.__name__) if method == "__call__" and not options else None
        if operator is not None:
            return operator(*inputs)  # type: ignore[no-any-return]
        if "out" in options:
            raise ArrayTypeError("A Variable cannot be added into an array in place. Write array + x, or use x.array.")
        raise ArrayTypeError(
            f"numpy.{ufunc.__name__} does not record a graph. Use chainette.functions, or numpy on x.array."
        )

    def __dlpack__(self, **options: Any) -> Any:
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._array.__dlpack_device__()

    def __getstate__(self) -> dict[str, Any]:
        """A copied or pickled variable is a leaf: array, gradient, name, whether it requires one."""
        return {"array": self._array, "grad": self.grad, "name": self.name, "requires_grad": self.requires_grad}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Variable.__init__(self, state["array"], name=state["name"], requires_grad=state["requires_grad"])
        self.grad = state["grad"]


def _as_array(data: Any) -> Any:
    if data is None or is_array(data):
        return data
    if isinstance(data, (np.generic, *SCALAR_TYPES)):
        return np.asarray(data)
    raise ArrayTypeError(
        f"Variable: got a {type(data).__name__} (expected an array or a number). Write e.g. numpy.array(...)."
    )


def constant(array: Any) -> Variable:
    """A Variable around an array that requires no gradient, made without the checks of the constructor."""
    x = new_variable(Variable)
    x._array = array
    x._edge = x._grad = x.name = None
    x.requires_grad = False
    return x


def as_variable(x: ArrayLike) -> Variable:
    """``x`` itself if it is a Variable, else a Variable around it that requires no gradient.

    >>> as_variable(np.ones(2)).requires_grad
    False
    """
    return x if isinstance(x, Variable) else constant(x if type(x) in by_type else _as_array(x))


# Operators and the walk are built on Variable; its methods look them up when they are called.
from chainette import backprop, operators  # noqa: E402
from chainette.operators.arithmetic import Absolute, Add, Div, FloorDiv, Mul, Neg, Pow, Sub  # noqa: E402
