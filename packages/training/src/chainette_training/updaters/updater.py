"""What an updater is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainette_training.trainer import Trainer


class Updater:
    """Does one step of training when it is told to. One of your own has ``update`` and the attributes.

    Attributes:
        iteration: how many steps there have been.
        epoch: how many times all examples have been seen.
        epoch_detail: the same, as a fraction.
        previous_epoch_detail: what ``epoch_detail`` was before the last step.
        is_new_epoch: whether the last step ended an epoch.

    >>> class Counter(Updater):
    ...     epoch, epoch_detail, previous_epoch_detail, is_new_epoch = 0, 0.0, 0.0, False
    ...     def update(self):
    ...         self.iteration += 1
    >>> trainer = chainette.training.Trainer(Counter(), (3, "iteration"), out=folder)
    >>> trainer.run()
    >>> trainer.updater.iteration
    3
    """

    iteration: int = 0
    epoch: int
    epoch_detail: float
    previous_epoch_detail: float
    is_new_epoch: bool

    def connect_trainer(self, trainer: Trainer) -> None:
        """Called by the trainer that is to use it."""

    def update(self) -> None:
        """Do one step."""
        raise NotImplementedError(f"{type(self).__name__} has no update. Write update(self), which does one step.")

    def get_optimizer(self, name: str) -> Any:
        """The optimizer of that name."""
        return self.get_all_optimizers()[name]

    def get_all_optimizers(self) -> dict[str, Any]:
        """All optimizers by name."""
        return {}

    def finalize(self) -> None:
        """Called when training ends."""

    def serialize(self, serializer: Any) -> None:
        """Save or load where it is, with its models and optimizers."""
        raise NotImplementedError(f"{type(self).__name__} cannot be saved: it has no serialize.")
