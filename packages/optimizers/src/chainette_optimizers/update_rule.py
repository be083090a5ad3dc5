"""UpdateRule: how one parameter takes a step."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any, ClassVar

import numpy as np

from chainette.backend import device_of, is_array, to_device
from chainette.kernels import KernelTable
from chainette.parameter import Parameter
from chainette.typing import Array
from chainette_optimizers.blocks import computing_blocks
from chainette_optimizers.full_precision import COPY, in_float32
from chainette_optimizers.hook_table import HookTable, UpdateHook
from chainette_optimizers.hyperparameter import Hyperparameter


class UpdateRule:
    """How one parameter is updated. ``Optimizer.setup`` gives each parameter one, ``param.update_rule``.

    A subclass writes ``update_core``, and ``init_state`` if it remembers something from step to step. What
    ``update_core`` does may be replaced by kernels, which are called like it; they are registered for ``name``.

    Args:
        parent: the Hyperparameter to inherit from, usually the optimizer's.
        values: this rule's own hyperparameters.

    Attributes:
        hyperparam: the numbers, inherited unless set here.
        state: what the rule remembers, by name; None before the first step.
        t: how many steps it has taken.
        enabled: False freezes the parameter.

    >>> class SignRule(UpdateRule):
    ...     def update_core(self, array, grad):
    ...         array -= self.hyperparam.lr * self.xp.sign(grad)
    >>> W = chainette.Parameter(np.array([1.0, 2.0]))
    >>> W.update_rule = SignRule(lr=0.5)
    >>> W.grad = np.array([3.0, -3.0])
    >>> W.update()
    >>> W.array
    array([0.5, 2.5])
    """

    name: ClassVar[str]
    kernels: ClassVar[KernelTable]
    xp: Any = np  # the array module of the parameter that is being updated
    _in_float32: bool = False
    _gradient: Any = None

    def __init__(self, parent: Hyperparameter | None = None, /, **values: Any) -> None:
        self.hyperparam = Hyperparameter(parent, **values)
        self.state: dict[str, Any] | None = None
        self.t = 0
        self.enabled = True
        self._hooks = HookTable(type(self).__name__)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" not in vars(cls):
            cls.name = cls.__name__  # not the base's, whose kernels compute something else
        cls.kernels = KernelTable(cls, "update_core")

    def add_hook(self, hook: UpdateHook, name: str | None = None, timing: str = "auto") -> None:
        """Have ``hook(rule, param)`` called at each update of this parameter. See ``Optimizer.add_hook``."""
        self._hooks.add(hook, name, timing)

    def remove_hook(self, name: str) -> None:
        """Remove a hook that ``add_hook`` installed."""
        self._hooks.remove(name)

    def use_fp32_update(self, flag: bool = True) -> None:
        """Update this parameter in float32 if it is in half precision. See ``GradientMethod.use_fp32_update``."""
        self._in_float32 = flag
        if not flag and self.state is not None:
            self.state.pop(COPY, None)

    def init_state(self, param: Parameter) -> None:
        """Fill ``self.state``, an empty dict, with what the first step needs, and nothing else of the rule.

        Its values are given to ``update_core`` in that order; arrays among them follow the parameter to its device.
        """

    def update_core(self, array: Array, grad: Array, *state: Any) -> None:
        """Take one step: change ``array`` and the state's arrays in place."""
        raise NotImplementedError(f"{type(self).__name__} has no update_core. Write update_core(self, array, grad).")

    def blocks(self, *arrays: Array, buffers: int = 1) -> Iterable[tuple[Array, ...]]:
        """What an elementwise ``update_core`` loops over: pieces of array, gradient and state that fit in the cache,
        and buffers to compute in, of the array's dtype, but float32 for half precision.

        >>> class SignRule(UpdateRule):
        ...     def update_core(self, array, grad):
        ...         xp, lr = self.xp, self.hyperparam.lr
        ...         for p, g, step in self.blocks(array, grad):
        ...             xp.sign(g, out=step)
        ...             step *= lr
        ...             p -= step
        """
        return computing_blocks(*arrays, buffers=buffers)

    def applies_to(self, param: Parameter) -> bool:
        """Whether ``update`` would do anything: the rule is enabled, and the parameter has values and a gradient."""
        return self.enabled and param.is_initialized and param.grad is not None

    def update(self, param: Parameter) -> None:
        """Take one step with the parameter's present gradient; do nothing where ``applies_to`` says no."""
        if not self.applies_to(param):
            return
        with in_float32(self, param) if self.is_widened(param) else nullcontext():
            state = self.prepare_state(param)
            self.xp = param.xp
            for hook in tuple(self._hooks.of("pre").values()):
                hook(self, param)
            self.t += 1
            values = [value for name, value in state.items() if name != COPY]
            self.kernels[type(param.array)](self, param.array, param.grad, *values)
            for hook in tuple(self._hooks.of("post").values()):
                hook(self, param)

    def is_widened(self, param: Parameter) -> bool:
        """Whether the parameter has to be changed to float32 for an update."""
        return self._in_float32 and param.dtype == np.float16

    def prepare_state(self, param: Parameter) -> dict[str, Any]:
        """The state as the next step needs it: made if there is none yet, and on the parameter's device."""
        if self.state is None:
            self.state = self._initial_state(param)
        device = param.device
        if self.is_widened(param) and COPY not in self.state:  # it was switched on after the first step
            with device.use():
                self.state[COPY] = param.array.astype(np.float32)
        for name, value in self.state.items():
            if is_array(value):
                self.state[name] = to_device(value, device)
        return self.state

    def _initial_state(self, param: Parameter) -> dict[str, Any]:
        rule = copy.copy(self)  # so that an error on the way leaves no half of a state
        rule.state, rule.xp = {}, param.xp
        with param.device.use():
            rule.init_state(param)
            if self.is_widened(param):
                rule.state[COPY] = param.array.astype(np.float32)
        return rule.state

    def zeros(self, param: Parameter) -> Array:
        """Zeros to remember something in: of the parameter's shape and dtype, but float32 for half precision, in
        which the square of an ordinary gradient is already 0."""
        return self.xp.zeros(param.shape, np.promote_types(param.dtype, np.float32))

    def widened_gradient(self, param: Parameter) -> Array:
        """A float32 array of the parameter's shape, of any content, and the same one at every step."""
        kept = self._gradient
        if kept is None or kept.shape != param.shape or device_of(kept) != param.device:
            kept = self._gradient = param.xp.empty(param.shape, np.float32)
        return kept

    def serialize(self, serializer: Any, param: Parameter) -> None:
        """Save or load ``t`` and the state.

        Serializers may ask twice, so the names must not depend on what happened so far: before its first step a rule
        saves the state it would start from; where the parameter's shape is open, Nones. A serializer that answers
        each value with that value changes nothing.
        """
        self.t = int(serializer("t", self.t))
        initial = self._initial_state(param if param.is_initialized else Parameter(np.zeros(1, param.dtype)))
        present = {**(initial if param.is_initialized else dict.fromkeys(initial)), **(self.state or {})}
        state = {
            name: _like(initial[name], serializer(name, None)) if value is None else serializer(name, value)
            for name, value in present.items()
        }
        if self.t == 0:
            self.state = None
        elif all(value is not None for value in state.values()):
            self.state = state

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("xp", "_gradient")}


def _like(expected: Any, value: Any) -> Any:
    """What a file has, in the dtype of what would be there; its shape is the file's."""
    if value is None:
        return None
    return np.array(value, dtype=expected.dtype) if is_array(expected) else type(expected)(value)
