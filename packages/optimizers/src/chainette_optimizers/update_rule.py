"""UpdateRule: how one parameter takes a step. Hyperparameter: the numbers it takes it with."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

import numpy as np

from chainette.backend import device_of, is_array, to_device
from chainette.errors import ConfigError
from chainette.kernels import KernelTable
from chainette.parameter import Parameter
from chainette.typing import Array
from chainette_optimizers.hook_table import HookTable, UpdateHook


class Hyperparameter:
    """Numbers by name; what is not set here is the parent's.

    An optimizer has one, and each parameter's rule has one whose parent that is: setting the optimizer's takes effect
    everywhere, setting a rule's makes that parameter an exception, and ``del`` ends the exception.

    Args:
        parent: where to look for what is not set here.
        values: what to set.

    Raises:
        ConfigError: (an AttributeError) a name that is set neither here nor in a parent is read.

    >>> common = Hyperparameter(lr=0.1, momentum=0.9)
    >>> own = Hyperparameter(common, momentum=0.5)
    >>> common.lr = 0.01
    >>> own
    Hyperparameter(lr=0.01, momentum=0.5)
    >>> del own.momentum
    >>> own.momentum
    0.9
    """

    _parent: Hyperparameter | None

    def __init__(self, parent: Hyperparameter | None = None, /, **values: Any) -> None:
        vars(self)["_parent"] = parent
        for name, value in values.items():
            setattr(self, name, value)

    @property
    def parent(self) -> Hyperparameter | None:
        return self._parent

    def __setattr__(self, name: str, value: Any) -> None:
        # A NumPy scalar has a dtype, which would widen float32 arrays; a Python number has none.
        vars(self)[name] = value.item() if isinstance(value, np.generic) else value

    def __getattr__(self, name: str) -> Any:
        ancestor = vars(self).get("_parent")  # copy and pickle ask before it is there
        while ancestor is not None:
            if name in vars(ancestor):
                return vars(ancestor)[name]
            ancestor = ancestor._parent
        raise ConfigError(f"Hyperparameter: there is no {name!r} (there are: {', '.join(self.get_dict()) or 'none'}).")

    def get_dict(self) -> dict[str, Any]:
        """All values by name, the parents' included."""
        parent = vars(self).get("_parent")
        inherited = {} if parent is None else parent.get_dict()
        return {**inherited, **{name: value for name, value in vars(self).items() if name != "_parent"}}

    def __repr__(self) -> str:
        return f"Hyperparameter({', '.join(f'{name}={value!r}' for name, value in self.get_dict().items())})"


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
    _scratch: Any = None

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

    def init_state(self, param: Parameter) -> None:
        """Fill ``self.state``, an empty dict, with what the first step needs, and nothing else of the rule.

        Its values are given to ``update_core`` in that order; arrays among them follow the parameter to its device.
        """

    def update_core(self, array: Array, grad: Array, *state: Any) -> None:
        """Take one step: change ``array`` and the state's arrays in place."""
        raise NotImplementedError(f"{type(self).__name__} has no update_core. Write update_core(self, array, grad).")

    def applies_to(self, param: Parameter) -> bool:
        """Whether ``update`` would do anything: the rule is enabled, and the parameter has values and a gradient."""
        return self.enabled and param.is_initialized and param.grad is not None

    def update(self, param: Parameter) -> None:
        """Take one step with the parameter's present gradient; do nothing where ``applies_to`` says no."""
        if not self.applies_to(param):
            return
        if self.state is None:
            self.state = self._initial_state(param)
        device = param.device
        self.xp = device.xp
        for name, value in self.state.items():
            if is_array(value):
                self.state[name] = to_device(value, device)
        for hook in tuple(self._hooks.of("pre").values()):
            hook(self, param)
        self.t += 1
        self.kernels[type(param.array)](self, param.array, param.grad, *self.state.values())
        for hook in tuple(self._hooks.of("post").values()):
            hook(self, param)

    def _initial_state(self, param: Parameter) -> dict[str, Any]:
        rule = copy.copy(self)  # so that an error on the way leaves no half of a state
        rule.state, rule.xp = {}, param.xp
        with param.device.use():
            rule.init_state(param)
        return rule.state

    def zeros(self, param: Parameter) -> Array:
        """Zeros to remember something in: of the parameter's shape and dtype, but float32 for half precision, in
        which the square of an ordinary gradient is already 0."""
        return self.xp.zeros(param.shape, np.promote_types(param.dtype, np.float32))

    def scratch(self, array: Array) -> Array:
        """A buffer to compute in, like ``zeros`` but of any content. It is the same one at every step, so that a
        step allocates nothing; whoever calls next overwrites it."""
        dtype = np.promote_types(array.dtype, np.float32)
        buffer = self._scratch
        if (
            buffer is None
            or buffer.shape != array.shape
            or buffer.dtype != dtype
            or device_of(buffer) != device_of(array)
        ):
            with device_of(array).use():
                buffer = self._scratch = device_of(array).xp.empty(array.shape, dtype)
        return buffer

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
        return {name: value for name, value in vars(self).items() if name not in ("xp", "_scratch")}


def _like(expected: Any, value: Any) -> Any:
    """What a file has, in the dtype of what would be there; its shape is the file's."""
    if value is None:
        return None
    return np.array(value, dtype=expected.dtype) if is_array(expected) else type(expected)(value)
