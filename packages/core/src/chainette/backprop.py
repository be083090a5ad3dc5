"""The walk over the graph: ``backward()`` adds to the leaves' ``grad``, ``grad()`` returns gradients.

Functions are walked from the highest sequence number to the lowest, so each one is met when all gradients of its
outputs are there. What is pending lies in a table of its own; only leaves, and intermediate variables whose gradients
are to be kept, are written to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from sys import getrefcount
from typing import Any

import numpy as np

from chainette import operators
from chainette.checks import require_fitting_gradient
from chainette.config import override, thread
from chainette.errors import ArgumentError, FunctionError, GraphError
from chainette.function import Function, released_error
from chainette.function_hooks import run_backward
from chainette.operators.broadcast import can_broadcast
from chainette.typing import Shape
from chainette.variable import Edge, Variable, as_variable


def backward(
    outputs: Sequence[Variable],
    retain_grad: bool = False,
    enable_double_backprop: bool = False,
    release: bool = False,
) -> None:
    """Walk back from several variables at once and add to the ``grad`` of every leaf.

    Each output starts from its ``grad``, or from 1 where it has none and a single element. See ``Variable.backward``.

    >>> x = Variable(np.array([1.0, 2.0]))
    >>> backward([(x * x).sum(), (3 * x).sum()])
    >>> x.grad
    array([5., 7.])
    """
    walk = _Walk(_add_to_leaf, retain_grad, release)
    for y in outputs:
        _set_first_gradient(y)
    for function in {y.creator: None for y in outputs if y.creator is not None}:
        for index, gradient in enumerate(function.output_grads or ()):
            if gradient is not None:
                walk.add((function, index), gradient)
    with override("enable_backprop", enable_double_backprop):
        walk.run()


def _set_first_gradient(y: Variable) -> None:
    if y.creator is None and not (y._edge is None and y.requires_grad):
        raise GraphError(
            "backward: there is no graph behind this variable. It was computed from nothing that requires a "
            "gradient, under no_backprop_mode, or has been unchained."
        )
    if y.grad_var is None:
        if y.size != 1:
            raise GraphError(f"backward: a variable of shape {y.shape} needs a gradient to start from. Set y.grad.")
        with y.device.use():
            y.grad = y.xp.ones_like(y.array)


def grad(
    outputs: Sequence[Variable],
    inputs: Sequence[Variable],
    grad_outputs: Sequence[Variable | None] | None = None,
    grad_inputs: Sequence[Variable | None] | None = None,
    set_grad: bool = False,
    retain_grad: bool = False,
    enable_double_backprop: bool = False,
) -> list[Variable | None]:
    """The gradients of ``outputs`` with respect to ``inputs``, leaving every other ``grad`` alone.

    Args:
        outputs: what to differentiate.
        inputs: leaves or intermediate variables.
        grad_outputs: a gradient for each output; None means ones.
        grad_inputs: what to add to each result.
        set_grad: also store the results in the inputs' ``grad``.
        retain_grad: keep the gradients of the variables in between.
        enable_double_backprop: record the walk, so that the results can be differentiated again.

    Returns:
        A Variable for each input; None for one that the outputs do not depend on.

    >>> x = Variable(np.array(3.0))
    >>> (gx,) = grad([x * x * x], [x], enable_double_backprop=True)
    >>> (ggx,) = grad([gx], [x])
    >>> gx.array, ggx.array
    (array(27.), array(18.))
    """
    if isinstance(outputs, Variable) or isinstance(inputs, Variable):
        raise ArgumentError("grad: outputs and inputs are lists of Variables. Write grad([y], [x]).")
    found: dict[Edge, Variable] = {}

    def add_to_table(leaf: Edge, gradient: Variable) -> None:
        found[leaf] = _sum(found[leaf], gradient) if leaf in found else gradient

    targets = {_slot(x) for x in inputs}
    walk = _Walk(add_to_table, retain_grad, release=False, only=_on_the_way(outputs, targets), targets=targets)
    with override("enable_backprop", enable_double_backprop):
        for y, gy in zip(outputs, grad_outputs or [None] * len(outputs), strict=True):
            gradient = as_variable(gy) if gy is not None else Variable(y.xp.ones_like(y.array), requires_grad=False)
            require_fitting_gradient(y, gradient)
            if y._edge is None:
                add_to_table(y, gradient)
            else:
                walk.add(y._edge, gradient)
        walk.run()
        results = [found.get(_slot(x)) for x in inputs]
        for i, extra in enumerate(grad_inputs or []):
            result = results[i]
            results[i] = result if extra is None else extra if result is None else operators.add(result, extra)
        if set_grad:
            for x, gx in zip(inputs, results, strict=True):
                x.grad_var = None if gx is None else operators.copy(gx)
    return results


def _slot(x: Variable) -> Edge:
    return x if x._edge is None else x._edge


def _is_cut(edge: tuple[Function, int]) -> bool:
    return edge[1] in edge[0].leaves


def _on_the_way(outputs: Sequence[Variable], targets: set[Edge]) -> set[Function]:
    """The functions between outputs and targets: the others need not be walked."""
    found: set[Function] = set()
    stack = [y._edge[0] for y in outputs if y._edge is not None]
    while stack:
        function = stack.pop()
        if function not in found:
            found.add(function)
            stack.extend(edge[0] for edge in function.edges or () if type(edge) is tuple and not _is_cut(edge))
    useful: set[Function] = set()
    for function in sorted(found, key=lambda f: f.sequence):  # makers come before users
        for edge in function.edges or ():
            if edge is not None and (edge in targets or (type(edge) is tuple and edge[0] in useful)):
                useful.add(function)
                break
    return useful


def unchain_backward(y: Variable) -> None:
    """Cut the graph behind ``y``: every function there is freed, and what they made are leaves from then on."""
    stack = [] if y._edge is None else [y._edge[0]]
    while stack:
        function = stack.pop()
        stack.extend(edge[0] for edge in function.edges or () if type(edge) is tuple)
        function.unchain()


class _Walk:
    """One walk: the functions still to be visited, and the gradients that wait for them."""

    def __init__(
        self,
        to_leaf: Callable[[Edge, Variable], None],
        retain_grad: bool,
        release: bool,
        only: set[Function] | None = None,
        targets: set[Edge] | None = None,
    ) -> None:
        self.to_leaf = to_leaf
        self.retain_grad = retain_grad
        self.release = release
        self.only = only
        self.targets = targets or set()
        self.pending: dict[Function, list[Variable | None]] = {}
        self.heap: list[tuple[int, Function]] = []
        self.starts: list[Function] = []
        self.released: dict[Function, list[Edge]] = {}

    def add(self, slot: tuple[Function, int], gradient: Variable) -> None:
        """Let a gradient wait for the function that made the output, which is visited once all have come."""
        function, index = slot
        waiting = self.pending.get(function)
        if waiting is None:
            waiting = self.pending[function] = [None] * len(function.output_types)
            heappush(self.heap, (-function.sequence, function))
        present = waiting[index]
        if present is None:
            waiting[index] = gradient
        else:
            waiting[index] = None
            waiting[index] = _sum(present, gradient)

    def run(self) -> None:
        self.starts = list(self.pending)
        watched = thread.settings._watched
        noting = self.retain_grad or self.only is not None
        heap, pending, to_leaf = self.heap, self.pending, self.to_leaf
        owned: dict[Any, Variable] = {}  # the gradients of leaves that this walk made
        while heap:
            function = heappop(heap)[1]
            gradients = pending.pop(function)
            if noting and not self.note(function, gradients):
                continue
            try:
                if watched or function.local_hooks or function.ran_on:
                    results = run_backward(function, gradients)
                else:
                    results = function.backward(*gradients)
                # One list, emptied from its end, so that a gradient is held by nothing here but its own name.
                results = list(results) if type(results) is tuple else [results]
                edges = function.edges
                if edges is None or len(results) != len(edges):
                    raise _cannot_hand_on(function, len(results))
                for edge in reversed(edges):
                    gradient = results.pop()
                    if edge is None or gradient is None:
                        continue
                    if type(gradient) is not Variable:
                        gradient = as_variable(gradient)
                    array = gradient._array
                    if type(edge) is tuple:
                        source, index = edge
                        shape, dtype = source.output_types[index]
                        if array.shape != shape or array.dtype is not dtype:
                            gradient = _fit(function, gradient, shape, dtype)
                        del array
                        if index not in source.leaves:  # what add() does, without the call
                            waiting = pending.get(source)
                            if waiting is None:
                                waiting = pending[source] = [None] * len(source.output_types)
                                heappush(heap, (-source.sequence, source))
                            present = waiting[index]
                            if present is None:
                                waiting[index] = gradient
                            else:
                                waiting[index] = None
                                waiting[index] = _sum(present, gradient)
                            continue
                    else:
                        leaf: Any = edge
                        x = leaf._array
                        if array.shape != x.shape or array.dtype is not x.dtype:
                            gradient = _fit(function, gradient, x.shape, x.dtype)
                        del array
                        mine = owned.get(leaf)
                        if mine is not None and mine is leaf._grad and not gradient.requires_grad:
                            mine._array += gradient._array  # as to_leaf does, once it knows that nobody else sees it
                            continue
                        to_leaf(leaf, gradient)
                        mine = leaf._grad
                        if to_leaf is _add_to_leaf and type(mine._array) is np.ndarray and not mine.requires_grad:
                            owned[leaf] = mine
                        continue
                    to_leaf(edge, gradient)
            except Exception as error:
                error.add_note(self.where(function))
                raise
            if self.release:
                self.released[function] = edges
                function.release()

    def note(self, function: Function, gradients: list[Variable | None]) -> bool:
        """Keep what was asked for; says whether the walk is to go on behind this function."""
        if self.retain_grad:
            function.output_grads = list(gradients)
        for index, gradient in enumerate(gradients):
            if gradient is not None and (function, index) in self.targets:
                self.to_leaf((function, index), gradient)
        return self.only is None or function in self.only

    def where(self, failed: Function) -> str:
        """Where an error happened, and which leaves the walk had reached: those behind functions applied later."""
        made = f", applied at {failed.made_at}" if failed.made_at else ""
        reached: dict[str, None] = {}
        met, stack = {failed}, list(self.starts)
        while stack:
            function = stack.pop()
            if function in met or function.sequence < failed.sequence:
                continue
            met.add(function)
            for edge in function.edges or self.released.get(function) or ():
                if isinstance(edge, Variable):
                    reached[edge.name or f"one of shape {edge.shape}"] = None
                elif edge is not None:
                    stack.append(edge[0])
        return f"in the backward of {failed.name}{made}. Leaves reached before it: {', '.join(reached) or 'none'}."


def _cannot_hand_on(function: Function, count: int) -> Exception:
    if function.edges is None:
        return released_error(function)
    wanted = len(function.edges)
    return FunctionError(f"{function.name}: backward returned {count} gradients (expected {wanted}, one an input).")


def _fit(function: Function, gradient: Variable, shape: Shape, dtype: np.dtype[Any]) -> Variable:
    """The gradient in the input's own shape and dtype, from those to which it was broadcast and promoted."""
    if gradient.shape != shape:
        if not can_broadcast(shape, gradient.shape):
            raise FunctionError(
                f"{function.name}: backward returned a gradient of shape {gradient.shape} for an input of {shape}."
            )
        gradient = operators.sum_to(gradient, shape)
    return operators.cast(gradient, dtype)


# A function may return any array as a gradient: the one it was given, one it retained, one the user holds. Copying
# each time would cost a pass over every parameter, so CPython's reference counts tell when a gradient and its memory
# are held by nothing but the walk, and may be changed in place or become a leaf's own.


def _add_to_leaf(leaf: Any, gradient: Variable) -> None:
    """Add to a leaf's gradient, which shares memory with nothing else."""
    if type(leaf) is tuple:  # an output that was unchained: its gradient lies with the function that made it
        return _add_to_unchained(leaf[0], leaf[1], gradient)
    present = leaf._grad
    if present is not None:
        leaf._grad = None
        gradient = _sum(present, gradient)
    else:
        array = gradient._array
        if array.base is not None or getrefcount(gradient) > _ALONE[0] or getrefcount(array) > _ALONE[1]:
            gradient = operators.copy(gradient)
    leaf._grad = gradient


def _add_to_unchained(function: Function, index: int, gradient: Variable) -> None:
    grads = function.output_grads = function.output_grads or [None] * len(function.output_types)
    present = grads[index]
    grads[index] = operators.copy(gradient) if present is None else operators.add(present, gradient)


def _sum(present: Variable, gradient: Variable) -> Variable:
    """present + gradient, in place if nothing else can see ``present``."""
    array = present._array
    if (
        type(array) is np.ndarray
        and array.base is None
        and getrefcount(present) <= _ALONE[0]
        and getrefcount(array) <= _ALONE[1]
        and not present.requires_grad
        and not gradient.requires_grad
    ):
        array += gradient._array
        return present
    return operators.add(present, gradient)


def _count_references_to_one_alone() -> tuple[int, int]:
    """What the two functions above see of a gradient that only their caller holds, on this Python."""

    def add_to_leaf(gradient: Variable) -> tuple[int, int]:
        array = gradient._array
        return getrefcount(gradient), getrefcount(array)

    gradient = Variable(np.empty(1), requires_grad=False)
    return add_to_leaf(gradient)


_ALONE = tuple(map(min, _count_references_to_one_alone(), (3, 3)))  # 3 on CPython 3.11 to 3.13; later ones count less
