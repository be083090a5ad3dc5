"""Function hooks: code that runs around each application and each step of backward."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TextIO

from chainette import debug
from chainette.backend import device_of
from chainette.config import thread
from chainette.errors import HookError
from chainette.typing import SCALAR_TYPES

if TYPE_CHECKING:
    from chainette.function import Function
    from chainette.variable import Variable


class FunctionHook:
    """The base of function hooks. ``with hook:`` installs one for every function that this thread applies;
    ``function.add_hook(hook)`` for one function.

    Override what is needed. ``in_data`` is the tuple of input arrays; in backward it holds None for those that the
    function did not retain. ``out_grad`` is the tuple of output gradients, with None where there is none.

    >>> import chainette, numpy as np
    >>> class Names(FunctionHook):
    ...     name = "names"
    ...     def forward_postprocess(self, function, in_data):
    ...         print(function.name)
    >>> with Names():
    ...     y = chainette.Variable(np.ones(2)).sum() * 2
    sum
    mul
    """

    name = "FunctionHook"

    def __enter__(self) -> FunctionHook:
        installed = get_function_hooks()
        if self.name in installed:
            raise HookError(f"a function hook named {self.name!r} is installed already. Give this one another name.")
        thread.settings._function_hooks = {**installed, self.name: self}
        self.added(None)
        return self

    def __exit__(self, *exception: object) -> None:
        rest = {name: hook for name, hook in get_function_hooks().items() if hook is not self}
        if rest:
            thread.settings._function_hooks = rest
        else:
            del thread.settings._function_hooks
        self.deleted(None)

    def added(self, function: Function | None) -> None:
        """Called when the hook is installed: for that function, or for all (None)."""

    def deleted(self, function: Function | None) -> None:
        """Called when the hook is removed."""

    def forward_preprocess(self, function: Function, in_data: tuple[Any, ...]) -> None:
        """Called before ``forward``."""

    def forward_postprocess(self, function: Function, in_data: tuple[Any, ...]) -> None:
        """Called after ``forward``."""

    def backward_preprocess(self, function: Function, in_data: tuple[Any, ...], out_grad: tuple[Any, ...]) -> None:
        """Called before ``backward``."""

    def backward_postprocess(self, function: Function, in_data: tuple[Any, ...], out_grad: tuple[Any, ...]) -> None:
        """Called after ``backward``."""


def get_function_hooks() -> dict[str, FunctionHook]:
    """The hooks that are installed for this thread, by name."""
    return dict(thread.settings._function_hooks or {})


class TimerHook(FunctionHook):
    """Measures the seconds that each function takes; an accelerator is waited for.

    >>> import chainette, numpy as np
    >>> hook = TimerHook()
    >>> with hook:
    ...     y = chainette.Variable(np.ones(2)) * 2
    >>> [name for name, seconds in hook.call_history]
    ['mul']
    """

    name = "TimerHook"

    def __init__(self) -> None:
        self.call_history: list[tuple[str, float]] = []
        self._started: list[float] = []  # a stack: a function may apply others

    def total_time(self) -> float:
        """The seconds of all calls together."""
        return sum(seconds for _, seconds in self.call_history)

    def summary(self) -> dict[str, dict[str, float]]:
        """``total_time`` and ``occurrence`` by function name."""
        table: dict[str, dict[str, float]] = defaultdict(lambda: {"total_time": 0.0, "occurrence": 0})
        for name, seconds in self.call_history:
            table[name]["total_time"] += seconds
            table[name]["occurrence"] += 1
        return dict(table)

    def print_report(self, file: TextIO | None = None) -> None:
        """Print the summary, the most expensive function first."""
        out = file or sys.stdout
        print(f"{'function':<32}{'seconds':>12}{'calls':>10}", file=out)
        for name, row in sorted(self.summary().items(), key=lambda item: -item[1]["total_time"]):
            print(f"{name:<32}{row['total_time']:>12.6f}{row['occurrence']:>10.0f}", file=out)

    def _start(self, arrays: tuple[Any, ...]) -> None:
        _wait_for(arrays)
        self._started.append(time.perf_counter())

    def _stop(self, name: str, arrays: tuple[Any, ...]) -> None:
        _wait_for(arrays)
        self.call_history.append((name, time.perf_counter() - self._started.pop()))

    def forward_preprocess(self, function: Function, in_data: tuple[Any, ...]) -> None:
        self._start(in_data)

    def forward_postprocess(self, function: Function, in_data: tuple[Any, ...]) -> None:
        self._stop(function.name, in_data)

    def backward_preprocess(self, function: Function, in_data: tuple[Any, ...], out_grad: tuple[Any, ...]) -> None:
        self._start(out_grad)

    def backward_postprocess(self, function: Function, in_data: tuple[Any, ...], out_grad: tuple[Any, ...]) -> None:
        self._stop(f"{function.name} backward", out_grad)


class PrintHook(FunctionHook):
    """Prints each function with the shapes and means of its inputs and of the gradients it is given.

    >>> import chainette, numpy as np
    >>> with PrintHook():
    ...     y = chainette.Variable(np.ones(2)) + 1
    function  add  (2,) float64 mean=1, 1
    """

    name = "PrintHook"

    def __init__(self, file: TextIO | None = None) -> None:
        self.file = file

    def forward_preprocess(self, function: Function, in_data: tuple[Any, ...]) -> None:
        print(f"function  {function.name}  {_words(in_data)}", file=self.file or sys.stdout)

    def backward_preprocess(self, function: Function, in_data: tuple[Any, ...], out_grad: tuple[Any, ...]) -> None:
        print(f"backward  {function.name}  gy: {_words(out_grad)}", file=self.file or sys.stdout)


def _words(arrays: tuple[Any, ...]) -> str:
    return ", ".join(
        str(x) if x is None or type(x) in SCALAR_TYPES else f"{tuple(x.shape)} {x.dtype} mean={float(x.mean()):.6g}"
        for x in arrays
    )


def _wait_for(arrays: tuple[Any, ...]) -> None:
    for x in arrays:
        if x is not None and type(x) not in SCALAR_TYPES:
            device_of(x).synchronize()


def _active(function: Function) -> list[FunctionHook]:
    return [*get_function_hooks().values(), *(function.local_hooks or {}).values()]


def run_watched(function: Function, in_data: tuple[Any, ...]) -> Any:
    """Run the function's kernel with the hooks around it, in debug mode with its checks, and pack what it retains."""
    hooks, settings = _active(function), thread.settings
    for hook in hooks:
        hook.forward_preprocess(function, in_data)
    outputs = function.kernels[type(in_data[0])](function, *in_data)
    with function.ran_on.use() if function.ran_on else nullcontext():
        if settings.debug:
            debug.check_forward(function, outputs)
        if settings._retention is not None or settings.debug:
            function.pack_retained(*(settings._retention or debug.GUARD))
    for hook in reversed(hooks):
        hook.forward_postprocess(function, in_data)
    return outputs


def run_backward(function: Function, gradients: list[Variable | None]) -> Any:
    """Run the function's backward on its device, with the hooks around it, and in debug mode with its checks."""
    hooks, in_data = _active(function), function.retained_inputs()
    out_grad = tuple(None if gradient is None else gradient.array for gradient in gradients)
    for hook in hooks:
        hook.backward_preprocess(function, in_data, out_grad)
    with function.ran_on.use() if function.ran_on else nullcontext():
        results = function.backward(*gradients)
        if thread.settings.debug:
            debug.check_backward(function, results)
    for hook in reversed(hooks):
        hook.backward_postprocess(function, in_data, out_grad)
    return results
