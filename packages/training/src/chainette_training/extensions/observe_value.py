"""Values that nobody reports, into the observation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainette_training.extension import PRIORITY_WRITER, make_extension


def observe_value(observation_key: str, target_func: Callable[[Any], Any]) -> Callable[[Any], None]:
    """An extension that observes whatever a function of the trainer gives, by default at the end of each epoch.

    Args:
        observation_key: the name of the value.
        target_func: ``target_func(trainer)`` gives it.

    >>> from types import SimpleNamespace
    >>> trainer = SimpleNamespace(observation={}, elapsed_time=90.0)
    >>> observe_value("minutes", lambda trainer: trainer.elapsed_time / 60)(trainer)
    >>> trainer.observation
    {'minutes': 1.5}
    """

    @make_extension(trigger=(1, "epoch"), default_name=f"observe_{observation_key}", priority=PRIORITY_WRITER)
    def observe(trainer: Any) -> None:
        trainer.observation[observation_key] = target_func(trainer)

    return observe


def observe_lr(optimizer_name: str = "main", observation_key: str = "lr") -> Callable[[Any], None]:
    """An extension that observes an optimizer's learning rate, by default at the end of each epoch.

    Args:
        optimizer_name: the name that the updater knows the optimizer by.
        observation_key: the name of the value.

    Of Adam it is the rate of the latest step, which grows with each until the moments have settled; to observe
    ``alpha`` write ``observe_value("alpha", lambda trainer: trainer.updater.get_optimizer("main").alpha)``.

    >>> from types import SimpleNamespace
    >>> from chainette import optimizers
    >>> updater = SimpleNamespace(get_optimizer=lambda name: optimizers.SGD(lr=0.25))
    >>> trainer = SimpleNamespace(observation={}, updater=updater)
    >>> observe_lr()(trainer)
    >>> trainer.observation
    {'lr': 0.25}
    """
    return observe_value(observation_key, lambda trainer: trainer.updater.get_optimizer(optimizer_name).lr)
