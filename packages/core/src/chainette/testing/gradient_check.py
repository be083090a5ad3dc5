"""Checks of gradients against differences of the function's own values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainette.backend import backend_of, device_of
from chainette.backprop import grad
from chainette.typing import Array
from chainette.variable import Variable, as_variable


def assert_allclose(x: Any, y: Any, atol: float = 1e-5, rtol: float = 1e-4, verbose: bool = True) -> None:
    """Arrays (or Variables) of any backend are equal within ``atol + rtol * abs(y)``.

    >>> assert_allclose(np.ones(2), np.ones(2) + 1e-7)
    """
    x, y = (_on_host(getattr(each, "array", each)) for each in (x, y))
    np.testing.assert_allclose(x, y, atol=atol, rtol=rtol, verbose=verbose)


def _on_host(array: Any) -> Any:
    return array if isinstance(array, (int, float, np.generic)) else backend_of(array).to_host(array)


def numerical_grad(
    f: Callable[[], Sequence[Array]], inputs: Sequence[Array], grad_outputs: Sequence[Array | None], eps: float = 1e-3
) -> tuple[Array, ...]:
    """The gradients of ``sum(gy * y)``, by central differences of fourth order: one element at a time.

    Args:
        f: a function without arguments that computes the outputs from ``inputs``, which are changed in place.
        inputs: floating arrays; float64 for a result worth comparing with.
        grad_outputs: a weight for each output; None leaves that output out.
        eps: the step.

    Returns:
        A gradient for each input, on the CPU.

    >>> x = np.array([1.0, 2.0])
    >>> (gx,) = numerical_grad(lambda: (x * x,), (x,), (np.ones(2),))
    >>> gx.round(6)
    array([2., 4.])
    """

    def value() -> float:
        outputs = f()
        return sum(
            float((_on_host(y).astype("d") * _on_host(gy)).sum())
            for y, gy in zip(outputs, grad_outputs, strict=True)
            if gy is not None
        )

    gradients = []
    for x in inputs:
        gx = np.zeros(x.shape, "d")
        for index in np.ndindex(x.shape):
            values = []
            with device_of(x).use():
                original = x[index].copy()
                for step in (-2, -1, 1, 2):
                    x[index] = original + step * eps
                    values.append(value())
                x[index] = original
            gx[index] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * eps)
        gradients.append(gx.astype(x.dtype))
    return tuple(gradients)


def _as_tuple(value: Any) -> tuple[Any, ...]:
    if isinstance(value, (tuple, list)):
        return tuple(value)
    return () if value is None else (value,)


def _to_float64(x: Any) -> Any:
    """A copy of an array in float64; a NumPy scalar becomes a 0-d array, integers keep their dtype."""
    x = np.asarray(x) if isinstance(x, np.generic) else x
    with device_of(x).use():
        return x.astype("d") if x.dtype.kind == "f" else x.copy()


def _ones_like(y: Variable) -> Any:
    with y.device.use():
        return y.xp.ones_like(y.array)


def check_backward(
    func: Callable[..., Any],
    x_data: Any,
    y_grad: Any = None,
    params: Sequence[Variable] = (),
    eps: float = 1e-3,
    atol: float = 1e-6,
    rtol: float = 1e-5,
) -> None:
    """The gradients that backward gives equal numerical ones. Everything is computed in float64.

    Args:
        func: takes Variables and returns one, or a tuple of them.
        x_data: an array or a tuple of arrays. Integer and boolean ones must get no gradient.
        y_grad: an array, or a tuple with one for each output; None means ones.
        params: Variables that ``func`` uses besides its arguments, to be checked too; they are changed in between.
        eps: the step of the differences.
        atol: what the two may differ by, absolutely.
        rtol: what the two may differ by, relative to the numerical one.

    Raises:
        AssertionError: a gradient differs; the message says which.

    >>> check_backward(lambda x: x * x, np.array([1.0, 2.0]))
    """
    arrays = [_to_float64(x) for x in _as_tuple(x_data)]
    for parameter in params:
        parameter.array = _to_float64(parameter.array)
        parameter.cleargrad()
    variables = [Variable(x) for x in arrays]
    outputs = _as_tuple(func(*variables))
    if y_grad is None:
        grad_outputs: list[Any] = [_ones_like(y) for y in outputs]
    else:
        grad_outputs = [None if gy is None else _to_float64(gy) for gy in _as_tuple(y_grad)]
    checked = [x for x in variables if x.requires_grad] + list(params)
    kept = [i for i, (y, gy) in enumerate(zip(outputs, grad_outputs, strict=True)) if gy is not None]
    found = grad([outputs[i] for i in kept], checked, [Variable(grad_outputs[i]) for i in kept])
    for x in variables:
        assert x.requires_grad or x.grad is None, f"an input of dtype {x.dtype} got a gradient"

    def evaluate() -> list[Array]:
        return [y.array for y in _as_tuple(func(*(Variable(x) for x in arrays)))]

    expected = numerical_grad(evaluate, [x.array for x in checked], grad_outputs, eps)
    for i, (gx, wanted) in enumerate(zip(found, expected, strict=True)):
        got = np.zeros_like(wanted) if gx is None else _on_host(gx.array)
        np.testing.assert_allclose(got, wanted, atol=atol, rtol=rtol, err_msg=f"gradient of input {i}")


def check_double_backward(
    func: Callable[..., Any],
    x_data: Any,
    y_grad: Any = None,
    x_grad_grad: Any = None,
    params: Sequence[Variable] = (),
    eps: float = 1e-3,
    atol: float = 1e-5,
    rtol: float = 1e-4,
) -> None:
    """The gradients of the gradients equal numerical ones: those by the inputs, by ``y_grad`` and by ``params``.

    Args are those of ``check_backward``; ``x_grad_grad`` weighs the gradients of the floating inputs (None: ones).

    >>> check_double_backward(lambda x: x * x * x, np.array([1.0, 2.0]))
    """
    inputs = _as_tuple(x_data)
    if y_grad is None:
        y_grad = tuple(_ones_like(y) for y in _as_tuple(func(*(as_variable(_to_float64(x)) for x in inputs))))
    weights = tuple(gy for gy in _as_tuple(y_grad))
    floating = [i for i, x in enumerate(inputs) if x.dtype.kind == "f"]

    def gradients(*arguments: Variable) -> tuple[Variable, ...]:
        xs, gys = list(arguments[: len(inputs)]), arguments[len(inputs) :]
        # Where a gradient depends on nothing, as that of a linear function, zeros keep it in the graph.
        xs = [x + 0.0 if i in floating else x for i, x in enumerate(xs)]
        outputs = list(_as_tuple(func(*xs)))
        found = grad(outputs, [xs[i] for i in floating], list(gys), enable_double_backprop=True)
        return tuple(xs[i] * 0.0 if gx is None else gx + xs[i] * 0.0 for i, gx in zip(floating, found, strict=True))

    check_backward(gradients, (*inputs, *weights), x_grad_grad, params, eps, atol, rtol)
