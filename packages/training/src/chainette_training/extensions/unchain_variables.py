"""An end to graphs that would grow from step to step."""

from __future__ import annotations

from typing import Any

from chainette import Variable
from chainette_training.extension import Extension


class unchain_variables(Extension):  # noqa: N801 - Chainer's name
    """Cuts, after each step, the graphs behind what outlives it.

    This is the observation, and the Variables that are attributes of links in the optimizers' models, such as the
    state of an LSTM: the next step continues from its value, and gradients end there. Of what a model reports there
    is nothing to cut, since a Reporter notes values without their graphs.

    To let gradients flow through several steps (truncated backpropagation through time) give a longer trigger, and
    write an updater that adds up losses meanwhile.

    >>> from types import SimpleNamespace
    >>> import chainette.links as L
    >>> from chainette import optimizers
    >>> model = L.LSTM(2, 2)
    >>> y = model(np.ones((1, 2), "f"))
    >>> updater = SimpleNamespace(get_all_optimizers=lambda: {"main": optimizers.SGD().setup(model)})
    >>> unchain_variables()(SimpleNamespace(observation={}, updater=updater))
    >>> model.h is y, y.creator
    (True, None)
    """

    priority = 0  # after all that may still use the graphs

    def __call__(self, trainer: Any) -> None:
        kept = list(trainer.observation.values())
        for optimizer in trainer.updater.get_all_optimizers().values():
            for link in getattr(optimizer.target, "links", list)():
                kept += vars(link).values()
        for value in kept:
            if isinstance(value, Variable):
                value.unchain_backward()
