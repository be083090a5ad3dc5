"""The usual step: a batch, the loss, its gradients, the update."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import chainette
from chainette.errors import ArgumentError
from chainette_training.convert import Converter, concat_examples
from chainette_training.iterators import Iterator
from chainette_training.updaters.updater import Updater


class StandardUpdater(Updater):
    """Takes a batch, computes the loss, and updates the parameters.

    Args:
        iterator: gives the batches; or a dict of iterators, of which ``"main"`` counts the epochs.
        optimizer: was set up for the model; or a dict of optimizers, of which ``"main"`` is used.
        converter: ``converter(batch, device)`` makes arrays of it. A tuple becomes the arguments of the loss, a dict
            its keyword arguments, anything else its one argument.
        device: where the model and the arrays shall lie; None leaves the model where it is, and sends the arrays
            there.
        loss_func: computes the loss; None means the model itself.
        loss_scale: by how much the loss is scaled while gradients are computed, see ``optimizer.loss_scaling``.
        auto_new_epoch: whether the optimizers are told of each new epoch.

    For another kind of step (several networks, several losses) derive from this and write ``update_core``.

    Raises:
        ArgumentError: there is no ``"main"``, or an optimizer has no model yet.

    >>> import chainette.links as L
    >>> from chainette import iterators, optimizers
    >>> model = L.Classifier(L.Linear(2, 3))
    >>> examples = [(np.ones(2, "f"), 0), (np.zeros(2, "f"), 1)]
    >>> updater = StandardUpdater(iterators.SerialIterator(examples, 1), optimizers.SGD().setup(model))
    >>> for _ in range(3):
    ...     updater.update()
    >>> updater.iteration, updater.epoch_detail
    (3, 1.5)
    """

    def __init__(
        self,
        iterator: Iterator | Mapping[str, Iterator],
        optimizer: Any,
        converter: Converter = concat_examples,
        device: Any = None,
        loss_func: Callable[..., Any] | None = None,
        loss_scale: float | None = None,
        auto_new_epoch: bool = True,
    ) -> None:
        self._iterators: dict[str, Any] = _by_name("iterator", iterator)
        self._optimizers: dict[str, Any] = _by_name("optimizer", optimizer)
        for name, each in self._optimizers.items():
            if each.target is None:
                raise ArgumentError(f"StandardUpdater: optimizer {name!r} has no model. Call its setup(model) before.")
        self.converter = converter
        self.loss_func = loss_func
        self.auto_new_epoch = auto_new_epoch
        self.iteration = 0
        if device is not None:
            for each in self._optimizers.values():
                each.target.to_device(device)
        self.device = None if device is None else chainette.get_device(device)
        if loss_scale is not None:
            for each in self._optimizers.values():
                each.set_loss_scale(loss_scale)

    @property
    def epoch(self) -> int:  # type: ignore[override]
        return int(self._iterators["main"].epoch)

    @property
    def epoch_detail(self) -> float:  # type: ignore[override]
        return float(self._iterators["main"].epoch_detail)

    @property
    def previous_epoch_detail(self) -> float:  # type: ignore[override]
        previous = self._iterators["main"].previous_epoch_detail
        return -1.0 if previous is None else float(previous)

    @property
    def is_new_epoch(self) -> bool:  # type: ignore[override]
        return bool(self._iterators["main"].is_new_epoch)

    @property
    def input_device(self) -> Any:
        """Where the arrays of a batch go: the device of the model, unless it has none."""
        return self.device or getattr(self._optimizers["main"].target, "device", None)

    def get_iterator(self, name: str) -> Iterator:
        """The iterator of that name."""
        iterator: Iterator = self._iterators[name]
        return iterator

    def get_all_optimizers(self) -> dict[str, Any]:
        return dict(self._optimizers)

    def connect_trainer(self, trainer: Any) -> None:
        for name, optimizer in self._optimizers.items():
            watch(trainer.reporter, name, optimizer.target)

    def update(self) -> None:
        """Do one step, and count it."""
        self.update_core()
        self.iteration += 1
        if self.auto_new_epoch and self.is_new_epoch:
            for optimizer in self._optimizers.values():
                optimizer.new_epoch()

    def update_core(self) -> None:
        """One step with the main iterator and the main optimizer."""
        optimizer = self._optimizers["main"]
        args, kwargs = arguments(self.converter(self._iterators["main"].next(), self.input_device))
        optimizer.update(self.loss_func or optimizer.target, *args, **kwargs)

    def finalize(self) -> None:
        """Let go of what the iterators hold."""
        for iterator in self._iterators.values():
            iterator.finalize()

    def serialize(self, serializer: Any) -> None:
        for name, iterator in self._iterators.items():
            iterator.serialize(serializer[f"iterator:{name}"])
        for name, optimizer in self._optimizers.items():
            optimizer.target.serialize(serializer[f"model:{name}"])
            optimizer.serialize(serializer[f"optimizer:{name}"])
        self.iteration = serializer("iteration", self.iteration)


def arguments(inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What a converter gave, as the arguments of a loss and its keyword arguments."""
    if isinstance(inputs, tuple):
        return inputs, {}
    if isinstance(inputs, dict):
        return (), inputs
    return (inputs,), {}


def watch(reporter: chainette.Reporter, name: str, model: Any) -> None:
    """Know a model, and the links in it, by name."""
    reporter.add_observer(name, model)
    if hasattr(model, "namedlinks"):
        reporter.add_observers(name, model.namedlinks(skipself=True))


def _by_name(what: str, given: Any) -> dict[str, Any]:
    found = dict(given) if isinstance(given, Mapping) else {"main": given}
    if "main" not in found:
        raise ArgumentError(f"StandardUpdater: no {what} is called 'main' (there are: {', '.join(found) or 'none'}).")
    return found
