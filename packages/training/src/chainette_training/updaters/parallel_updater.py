"""One step on several devices: each computes the gradients of its share of the batch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from chainette.errors import ArgumentError
from chainette_training.convert import Converter, concat_examples
from chainette_training.updaters.standard_updater import StandardUpdater, arguments, watch


class ParallelUpdater(StandardUpdater):
    """Takes a batch, gives each device its share, adds up the gradients, and updates the main model.

    Args:
        iterator, optimizer, converter, loss_scale, auto_new_epoch: see StandardUpdater. The model of the optimizer
            is the main one.
        loss_func: ``loss_func(model, *inputs)`` computes the loss with one of the models; None means the model itself.
        models: copies of the model by name, each on its device, in place of ``devices``; ``"main"`` is that of the
            optimizer.
        devices: the names of devices by name of the model, e.g. ``{"main": "cuda:0", "second": "cuda:1"}``; the
            model is copied to each of them.

    The gradient is the mean over the whole batch: each share counts by its number of examples, so the step is the one
    that a single device would make, as far as the loss is a mean over examples. What the other models report is noted
    under their names. Values that are no parameters (running means) are those of the main model's share.

    Raises:
        ArgumentError: neither or both of ``models`` and ``devices`` were given, or neither has a ``"main"``.

    >>> import chainette.links as L
    >>> from chainette import iterators, optimizers
    >>> model = L.Classifier(L.Linear(2, 3))
    >>> examples = [(np.ones(2, "f"), 0), (np.zeros(2, "f"), 1)]
    >>> iterator, optimizer = iterators.SerialIterator(examples, 2), optimizers.SGD().setup(model)
    >>> updater = ParallelUpdater(iterator, optimizer, devices={"main": "cpu", "other": "cpu"})
    >>> updater.update()
    """

    def __init__(
        self,
        iterator: Any,
        optimizer: Any,
        converter: Converter = concat_examples,
        models: Mapping[str, Any] | None = None,
        devices: Mapping[str, Any] | None = None,
        loss_func: Callable[..., Any] | None = None,
        loss_scale: float | None = None,
        auto_new_epoch: bool = True,
    ) -> None:
        if (models is None) == (devices is None):
            raise ArgumentError("ParallelUpdater: give either models or devices (got both, or neither).")
        places = models if devices is None else devices
        assert places is not None
        if "main" not in places:
            raise ArgumentError(
                f"ParallelUpdater: nothing is called 'main' (there are: {', '.join(places) or 'none'})."
            )
        main = None if devices is None else devices["main"]
        super().__init__(iterator, optimizer, converter, main, loss_func, loss_scale, auto_new_epoch)
        target = self._optimizers["main"].target
        if models is not None and models["main"] is not target:
            raise ArgumentError("ParallelUpdater: models['main'] is not the model that the optimizer was set up for.")
        others = {name: place for name, place in places.items() if name != "main"}
        if devices is not None:
            others = {name: copy.deepcopy(target).to_device(place) for name, place in others.items()}
        self._others = others

    def connect_trainer(self, trainer: Any) -> None:
        super().connect_trainer(trainer)
        for name, model in self._others.items():
            watch(trainer.reporter, name, model)

    def update_core(self) -> None:
        """One step with the main iterator and the main optimizer, on all devices."""
        optimizer = self._optimizers["main"]
        main = optimizer.target
        batch = self._iterators["main"].next()
        models = [main, *self._others.values()]
        main.cleargrads()
        for i, model in enumerate(models):
            share = batch[i :: len(models)]
            if not len(share):
                continue
            if model is not main:  # behind the main one, which takes open sizes from its first inputs
                model.copyparams(main)
                model.cleargrads()
            args, kwargs = arguments(self.converter(share, model.device))
            optimizer.accumulate(self._weighted, len(share) / len(batch), model, args, kwargs)
        for model in self._others.values():
            main.addgrads(model)
        optimizer.update()

    def _weighted(self, weight: float, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        loss = model(*args, **kwargs) if self.loss_func is None else self.loss_func(model, *args, **kwargs)
        return loss * weight
