"""The hooks of an optimizer, or of one update rule: each under a name, before or after the update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from chainette.errors import ArgumentError, HookError
from chainette_optimizers.errors import WrongTypeError

UpdateHook: TypeAlias = Callable[..., Any]
"""``hook(optimizer)``; or ``hook(rule, param)`` on a rule, and where ``hook.call_for_each_param`` is true."""


class HookTable:
    """Hooks by name, in the order in which they were added. ``owner`` is what messages call their holder."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.by_timing: dict[str, dict[str, UpdateHook]] = {"pre": {}, "post": {}}

    def add(self, hook: UpdateHook, name: str | None, timing: str) -> None:
        if not callable(hook):
            raise WrongTypeError(f"{self.owner}.add_hook: hook is a {type(hook).__name__} (expected a callable).")
        if timing == "auto":
            timing = getattr(hook, "timing", "pre")
        hooks = self.of(timing, "add_hook")
        name = name or getattr(hook, "name", None) or getattr(hook, "__name__", None)
        if name is None:
            raise ArgumentError(f"{self.owner}.add_hook: this {type(hook).__name__} has no name. Give one with name=.")
        if any(name in each for each in self.by_timing.values()):
            raise HookError(f"{self.owner}.add_hook: a hook named {name!r} is there already. Give another name=.")
        hooks[name] = hook

    def remove(self, name: str) -> None:
        for hooks in self.by_timing.values():
            if name in hooks:
                del hooks[name]
                return
        names = ", ".join(name for hooks in self.by_timing.values() for name in hooks) or "none"
        raise HookError(f"{self.owner}.remove_hook: no hook named {name!r} (there are: {names}).")

    def of(self, timing: str, method: str = "call_hooks") -> dict[str, UpdateHook]:
        if timing not in self.by_timing:
            raise ArgumentError(f"{self.owner}.{method}: timing is {timing!r} (expected 'pre' or 'post').")
        return self.by_timing[timing]
