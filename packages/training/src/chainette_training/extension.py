"""What a Trainer calls besides the updater."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from chainette_training.trainer import Trainer

PRIORITY_WRITER = 300
"""Of extensions that write values to the observation."""
PRIORITY_EDITOR = 200
"""Of those that change them."""
PRIORITY_READER = 100
"""Of those that only read them."""

Trigger = Any
"""``(2, "epoch")``, ``(100, "iteration")``, or a callable ``trigger(trainer) -> bool``."""

T = TypeVar("T", bound=Callable[..., Any])


class Extension:
    """Something that a Trainer does besides updating. One of your own derives from this and has ``__call__``.

    A function of the trainer will do too: see ``make_extension``.

    Attributes:
        trigger: when it is called: each iteration by default.
        priority: extensions of higher priority are called first; PRIORITY_READER by default.
        name: what the trainer calls it; None for the name of the class.
        default_name: by default the name of the class.

    >>> class Hello(Extension):
    ...     trigger = (1, "epoch")
    ...     def __call__(self, trainer):
    ...         print("epoch", trainer.updater.epoch)
    >>> Hello().default_name
    'Hello'
    """

    trigger: Trigger = (1, "iteration")
    priority: int = PRIORITY_READER
    name: str | None = None

    @property
    def default_name(self) -> str:
        return type(self).__name__

    def __call__(self, trainer: Trainer) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does nothing yet. Write __call__(self, trainer).")

    def initialize(self, trainer: Trainer) -> None:
        """Called once before training begins, and after a snapshot was loaded."""

    def finalize(self) -> None:
        """Called once when training ends, however it does."""

    def on_error(self, trainer: Trainer, exception: BaseException, traceback: Any) -> None:
        """Called when training ends by an error, or is interrupted."""

    def serialize(self, serializer: Any) -> None:
        """Save or load what it remembers."""


def make_extension(
    trigger: Trigger = (1, "iteration"),
    default_name: str | None = None,
    priority: int = PRIORITY_READER,
    finalizer: Callable[[], None] | None = None,
    initializer: Callable[[Trainer], None] | None = None,
    on_error: Callable[..., None] | None = None,
) -> Callable[[T], T]:
    """A decorator that says when, and in which order, a function is to be called as an extension.

    Args:
        trigger, default_name, priority: see Extension.
        finalizer, initializer, on_error: functions for its methods ``finalize``, ``initialize`` and ``on_error``.

    >>> @make_extension(trigger=(10, "iteration"))
    ... def say_hello(trainer):
    ...     print("hello")
    >>> say_hello.trigger
    (10, 'iteration')
    """

    def decorate(function: T) -> T:
        attributes: dict[str, Any] = {"finalize": finalizer, "initialize": initializer, "on_error": on_error}
        attributes |= {"trigger": trigger, "priority": priority}
        attributes["default_name"] = default_name or getattr(function, "__name__", type(function).__name__)
        for name, value in attributes.items():
            if value is not None:
                setattr(function, name, value)
        return function

    return decorate
