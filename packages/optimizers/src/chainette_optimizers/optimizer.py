"""Optimizer: what updates a model's parameters. GradientMethod: one that has an update rule for each of them."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, Self

from chainette.errors import ArgumentError
from chainette.parameter import Parameter
from chainette.variable import Variable
from chainette_optimizers.errors import NotReadyError, WrongTypeError
from chainette_optimizers.hook_table import HookTable, UpdateHook
from chainette_optimizers.update_rule import Hyperparameter, UpdateRule


class Target(Protocol):
    """What an optimizer must be able to ask of a model. Every Link can answer."""

    def params(self) -> Iterable[Parameter]: ...

    def namedparams(self) -> Iterable[tuple[str, Parameter]]: ...

    def cleargrads(self) -> None: ...


_TARGET_METHODS = ("params", "namedparams", "cleargrads")


class Serializer(Protocol):
    """What saves or loads: the objects that ``chainette.serializers`` hands to ``serialize``."""

    def __getitem__(self, key: str) -> Serializer: ...

    def __call__(self, key: str, value: Any) -> Any: ...


class ParameterList:
    """A plain list of parameters as a target, named ``/0``, ``/1``, ..."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        for i, param in enumerate(parameters):
            if not isinstance(param, Parameter):
                raise WrongTypeError(f"setup: element {i} is a {type(param).__name__} (expected a Parameter).")
        self.parameters = list(parameters)

    def params(self) -> Iterator[Parameter]:
        return iter(self.parameters)

    def namedparams(self) -> Iterator[tuple[str, Parameter]]:
        return ((f"/{i}", param) for i, param in enumerate(self.parameters))

    def cleargrads(self) -> None:
        for param in self.parameters:
            param.cleargrad()


class Optimizer:
    """What every optimizer has, whatever it does in ``update``.

    Attributes:
        target: the model, None before ``setup``.
        t: how many updates there have been.
        epoch: how many times ``new_epoch`` was called.
    """

    target: Target | None = None
    t: int = 0
    epoch: int = 0
    _hooks: HookTable

    def setup(self, link: Target | Sequence[Parameter]) -> Self:
        """Say what to optimize, and start from ``t = 0`` without hooks.

        Args:
            link: a Link, or anything with ``params``, ``namedparams`` and ``cleargrads``; or a list or tuple of
                Parameters, whose names are then ``/0``, ``/1``, ...

        Returns:
            The optimizer itself: ``optimizer = SGD().setup(model)``.

        Raises:
            WrongTypeError: (a TypeError) it is none of these.
        """
        target: Any = ParameterList(link) if isinstance(link, (list, tuple)) else link
        missing = [name for name in _TARGET_METHODS if not callable(getattr(target, name, None))]
        if missing or isinstance(link, type):
            what = f"the class {link.__name__}" if isinstance(link, type) else f"a {type(link).__name__}"
            raise WrongTypeError(f"{type(self).__name__}.setup: got {what} (expected a Link or a list of Parameters).")
        self.target = target
        self.t = 0
        self.epoch = 0
        self._hooks = HookTable(type(self).__name__)
        return self

    def update(self, lossfun: Callable[..., Variable] | None = None, *args: Any, **kwds: Any) -> None:
        """Update the parameters. Subclasses say how."""
        raise NotImplementedError(f"{type(self).__name__} has no update. Derive it from GradientMethod, or write one.")

    def namedparams(self) -> list[tuple[str, Parameter]]:
        """The target's parameters, each once: one that several links share counts under its first name."""
        once: dict[int, tuple[str, Parameter]] = {}
        for name, param in self._ready("namedparams").namedparams():
            once.setdefault(id(param), (name, param))
        return list(once.values())

    def new_epoch(self) -> None:
        """Count one more pass through the data."""
        self.epoch += 1

    def add_hook(self, hook: UpdateHook, name: str | None = None, timing: str = "auto") -> None:
        """Have a hook called at each update.

        Args:
            hook: called as ``hook(optimizer)``; or, where ``hook.call_for_each_param`` is true, as
                ``hook(param.update_rule, param)`` for each parameter.
            name: by default ``hook.name``, or a function's name.
            timing: ``"pre"``, before the parameters are updated; ``"post"``, after; ``"auto"``, what ``hook.timing``
                says, or before.

        Raises:
            NotReadyError: (a RuntimeError) there was no ``setup``.
            HookError: (a KeyError) the name is taken.
            WrongTypeError: (a TypeError) the hook is not callable.
        """
        self._ready("add_hook")
        self._hooks.add(hook, name, timing)

    def remove_hook(self, name: str) -> None:
        """Remove a hook that ``add_hook`` installed."""
        self._ready("remove_hook")
        self._hooks.remove(name)

    def call_hooks(self, timing: str = "pre") -> None:
        """Call the hooks of one timing, in the order in which they were added."""
        self._ready("call_hooks")
        for hook in tuple(self._hooks.of(timing).values()):
            if getattr(hook, "call_for_each_param", False):
                for _, param in self.namedparams():
                    hook(param.update_rule, param)
            else:
                hook(self)

    def serialize(self, serializer: Serializer) -> None:
        """Save or load ``t``, ``epoch`` and, under each parameter's name, its rule's ``t`` and state.

        The keys are Chainer's: ``t``, ``epoch``, ``l1/W/t``, ``l1/W/m``, ... Hyperparameters and hooks are not saved.

        Raises:
            NotReadyError: (a RuntimeError) there was no ``setup``.
        """
        self._ready("serialize")
        self.t = int(serializer("t", self.t))
        self.epoch = int(serializer("epoch", self.epoch))
        for name, param in self.namedparams():
            if param.update_rule is not None:
                param.update_rule.serialize(serializer[name.lstrip("/")], param)

    def _ready(self, method: str) -> Target:
        if self.target is None:
            raise NotReadyError(f"{type(self).__name__}.{method}: there is no target yet. Call setup(model) first.")
        return self.target


class GradientMethod(Optimizer):
    """An optimizer that updates each parameter by a rule of its own, from that parameter's gradient.

    A subclass sets its hyperparameters and says in ``create_update_rule`` which rule it uses.

    Attributes:
        hyperparam: what the rules inherit.

    >>> class SignDescent(GradientMethod):
    ...     lr = HyperparameterProxy()
    ...     def __init__(self, lr=0.01):
    ...         super().__init__()
    ...         self.lr = lr
    ...     def create_update_rule(self):
    ...         return SignRule(self.hyperparam)
    >>> class SignRule(UpdateRule):
    ...     def update_core(self, array, grad):
    ...         array -= self.hyperparam.lr * self.xp.sign(grad)
    >>> x = chainette.Parameter(np.array(0.0))
    >>> optimizer = SignDescent(lr=0.5).setup([x])
    >>> for _ in range(6):
    ...     optimizer.update(lambda: (x - 3) ** 2)
    >>> x.array
    array(3.)
    """

    def __init__(self) -> None:
        self.hyperparam = Hyperparameter()

    def create_update_rule(self) -> UpdateRule:
        """A new rule, which inherits from ``self.hyperparam``."""
        raise NotImplementedError(f"{type(self).__name__} has no create_update_rule. Write one that returns a rule.")

    def setup(self, link: Target | Sequence[Parameter]) -> Self:
        super().setup(link)
        for _, param in self.namedparams():
            param.update_rule = self.create_update_rule()
        return self

    setup.__doc__ = Optimizer.setup.__doc__

    def update(self, lossfun: Callable[..., Variable] | None = None, *args: Any, **kwds: Any) -> None:
        """Take one step: call the "pre" hooks, count ``t``, update each parameter, call the "post" hooks.

        A parameter without a gradient, of open shape, or with a rule that is not enabled stays as it is. An error on
        the way carries a note that says which parameters had been updated.

        Args:
            lossfun: if given, ``lossfun(*args, **kwds)`` makes the loss; gradients are cleared before and computed
                from it, and its graph is released. Without it the gradients are taken as they are.

        Raises:
            NotReadyError: (a RuntimeError) there was no ``setup``.
            WrongTypeError: (a TypeError) lossfun returned something that is no Variable.
        """
        target = self._ready("update")
        if lossfun is not None:
            target.cleargrads()
            loss = lossfun(*args, **kwds)
            if not isinstance(loss, Variable):
                raise WrongTypeError(
                    f"{type(self).__name__}.update: lossfun returned a {type(loss).__name__} (expected a Variable)."
                )
            loss.backward(release=True)
            del loss  # its arrays need not live through the update
        updated: list[str] = []
        where = "in a hook"
        try:
            self.call_hooks("pre")
            self.t += 1
            for name, param in self.namedparams():
                rule = param.update_rule
                if rule is not None and rule.applies_to(param):
                    where = f"at {name}"
                    param.update()
                    updated.append(name)
            where = "in a hook"
            self.call_hooks("post")
        except Exception as error:
            before = ", ".join(updated) or "nothing"
            error.add_note(f"{type(self).__name__}.update: this arose {where}. Updated before it: {before}.")
            raise

    def __repr__(self) -> str:
        values = self.hyperparam.get_dict().items()
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in values)})"


class HyperparameterProxy:
    """An attribute of an optimizer that stands for its hyperparameter of that name.

    Args:
        least: the smallest value it may take.
        below: what its values must stay below.

    Raises:
        WrongTypeError: (a TypeError) it is set to something that is not a real number.
        ArgumentError: (a ValueError) it is set to a number out of range.
    """

    def __init__(self, least: float | None = None, below: float | None = None) -> None:
        self.least = least
        self.below = below

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, optimizer: GradientMethod | None, owner: type | None = None) -> Any:
        return self if optimizer is None else getattr(optimizer.hyperparam, self.name)

    def __set__(self, optimizer: GradientMethod, value: float) -> None:
        label = f"{type(optimizer).__name__}: {self.name}"
        if not isinstance(value, numbers.Real):
            raise WrongTypeError(
                f"{label} is a {type(value).__name__} (expected a number). A model or its parameters go to setup()."
            )
        if (self.least is not None and not value >= self.least) or (self.below is not None and not value < self.below):
            low = "" if self.least is None else f"{self.least} <= "
            high = "" if self.below is None else f" < {self.below}"
            raise ArgumentError(f"{label} is {value} (expected {low}{self.name}{high}).")
        setattr(optimizer.hyperparam, self.name, value)
