"""Optimizer: what updates a model's parameters. GradientMethod: one that has an update rule for each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, Self

from chainette.config import config, mixed16
from chainette.parameter import Parameter
from chainette.variable import Variable
from chainette_optimizers.errors import NotReadyError, WrongTypeError
from chainette_optimizers.full_precision import in_float32
from chainette_optimizers.hook_table import HookTable, UpdateHook
from chainette_optimizers.hyperparameter import Hyperparameter
from chainette_optimizers.loss_scaling import LossScaling
from chainette_optimizers.target import Serializer, Target, as_target
from chainette_optimizers.update_rule import UpdateRule


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
        self.target = as_target(link, type(self).__name__)
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
                ``hook(param.update_rule, param)`` for each parameter whose rule is enabled.
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
                    if param.update_rule is not None and param.update_rule.enabled:
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

    >>> from chainette_optimizers import HyperparameterProxy
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

    _in_float32: bool = False
    _loss_scaling: LossScaling | None = None

    def __init__(self) -> None:
        self.hyperparam = Hyperparameter()

    def create_update_rule(self) -> UpdateRule:
        """A new rule, which inherits from ``self.hyperparam``."""
        raise NotImplementedError(f"{type(self).__name__} has no create_update_rule. Write one that returns a rule.")

    def setup(self, link: Target | Sequence[Parameter]) -> Self:
        super().setup(link)
        if config.dtype is mixed16:
            self._in_float32 = True
        for _, param in self.namedparams():
            param.update_rule = self.create_update_rule()
            if self._in_float32:
                param.update_rule.use_fp32_update()
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
            if self._loss_scaling is not None:
                self._loss_scaling.pending = None
            self._add_gradients("update", lossfun, args, kwds)
        params = self.namedparams()
        scaling = self._loss_scaling
        is_scaled = scaling is not None and scaling.pending is not None
        if scaling is not None and is_scaled and not scaling.is_safe([param for _, param in params]):
            self.t += 1
            return
        with ExitStack() as stack:
            for _, param in params:
                rule = param.update_rule
                if rule is not None and rule.applies_to(param) and rule.is_widened(param):
                    stack.enter_context(in_float32(rule, param))
            if scaling is not None and is_scaled:
                scaling.unscale([param for _, param in params])
            self._step(params)

    def accumulate(self, lossfun: Callable[..., Variable], *args: Any, **kwds: Any) -> None:
        """Add the gradients of ``lossfun(*args, **kwds)`` to those that are there, for one step over several batches.

        It does what ``loss.backward()`` does, but that it releases the graph and knows of loss scaling.

        >>> from chainette.optimizers import SGD
        >>> W = chainette.Parameter(np.array(1.0))
        >>> optimizer = SGD(lr=0.5).setup([W])
        >>> optimizer.target.cleargrads()
        >>> for x in (1.0, 3.0):
        ...     optimizer.accumulate(lambda: W * x / 2)  # the mean of two batches
        >>> optimizer.update()
        >>> W.array
        array(0.)
        """
        self._ready("accumulate")
        self._add_gradients("accumulate", lossfun, args, kwds)

    def use_fp32_update(self, flag: bool = True) -> None:
        """Update parameters in half precision in float32, so that small steps add up.

        Each such parameter gets a float32 copy, which is saved with the optimizer as ``fp32_param``. While ``update``
        and its hooks run, ``param.array`` is that copy and ``param.grad`` a float32 gradient; afterwards both are the
        arrays in half precision that they were, with the rounded values. Whoever writes to the parameter between two
        steps changes the copy too. Chainer's files have no copies: load them with ``strict=False``.

        Args:
            flag: False ends it.

        >>> from chainette.optimizers import SGD
        >>> W = chainette.Parameter(np.array([1.0], np.float16))
        >>> optimizer = SGD(lr=1e-4).setup([W])
        >>> optimizer.use_fp32_update()
        >>> for _ in range(10):  # each step is less than half the distance to the next float16
        ...     optimizer.update(lambda: W.sum())
        >>> W.array
        array([0.999], dtype=float16)
        """
        self._in_float32 = flag
        for _, param in self.namedparams() if self.target is not None else ():
            if param.update_rule is not None:
                param.update_rule.use_fp32_update(flag)

    def loss_scaling(self, interval: int = 1000, scale: float | None = None) -> None:
        """Compute gradients in ``update(lossfun, ...)`` and ``accumulate`` from a loss that is scaled up, so that
        half precision does not lose the small ones; the gradients that hooks and rules see are as without it.

        Where one of them overflows, the step is left out (``t`` counts it all the same) and the scale is halved.

        Args:
            interval: the scale is doubled after so many steps without an overflow; before the first overflow at
                every step. It starts from 1, and ends at 32768.
            scale: a scale that does not change; then nothing is left out.

        Raises:
            ArgumentError: (a ValueError) one of them is out of range.
            NaNError: (a RuntimeError) by ``update``: gradients are infinite or NaN however small the scale has become.

        Call ``use_fp32_update`` as well: gradients in half precision would lose again what the scale has saved.

        >>> from chainette.optimizers import SGD
        >>> W = chainette.Parameter(np.array([0.0], np.float16))
        >>> optimizer = SGD(lr=1000).setup([W])
        >>> optimizer.use_fp32_update()
        >>> optimizer.loss_scaling(scale=1024)
        >>> optimizer.update(lambda: (W * 1e-4 * 1e-4).sum())  # 1e-8 is 0 in float16
        >>> W.array
        array([-1.e-05], dtype=float16)
        """
        self._loss_scaling = LossScaling(interval, scale)

    def set_loss_scale(self, loss_scale: float) -> None:
        """Scale losses by a factor that does not change: ``loss_scaling(scale=loss_scale)``."""
        self.loss_scaling(scale=loss_scale)

    @property
    def loss_scale(self) -> float | None:
        """The factor by which the next loss is scaled; None without loss scaling."""
        return None if self._loss_scaling is None else self._loss_scaling.scale

    def _add_gradients(self, method: str, lossfun: Callable[..., Variable], args: Any, kwds: Any) -> None:
        loss = lossfun(*args, **kwds)
        if not isinstance(loss, Variable):
            raise WrongTypeError(
                f"{type(self).__name__}.{method}: lossfun returned a {type(loss).__name__} (expected a Variable)."
            )
        if self._loss_scaling is not None:
            self._loss_scaling.begin(loss)
        loss.backward(release=True)

    def _step(self, params: Sequence[tuple[str, Parameter]]) -> None:
        updated: list[str] = []
        where = "in a hook"
        try:
            self.call_hooks("pre")
            self.t += 1
            for name, param in params:
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
