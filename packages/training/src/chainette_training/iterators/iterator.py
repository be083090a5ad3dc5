"""What an iterator is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self


class Iterator:
    """Gives one batch of a dataset after the other. One of your own has ``next`` and the attributes.

    Attributes:
        batch_size: how many examples a batch has.
        epoch: how many times all examples have been given.
        epoch_detail: the same, as a fraction.
        previous_epoch_detail: what ``epoch_detail`` was before the last batch; None before the first one.
        is_new_epoch: whether the last batch ended an epoch.

    >>> class Counter(Iterator):
    ...     batch_size, epoch, epoch_detail, previous_epoch_detail, is_new_epoch = 1, 0, 0.0, None, False
    ...     def next(self):
    ...         if self.epoch == 3:
    ...             raise StopIteration
    ...         self.epoch += 1
    ...         return [self.epoch]
    >>> list(Counter())
    [[1], [2], [3]]
    """

    batch_size: int
    epoch: int
    epoch_detail: float
    previous_epoch_detail: float | None
    is_new_epoch: bool
    repeat: bool = True

    def next(self) -> Sequence[Any]:
        """The next batch.

        Raises:
            StopIteration: there is none.
        """
        raise NotImplementedError(f"{type(self).__name__} has no next. Write next(self), which returns a batch.")

    def __next__(self) -> Sequence[Any]:
        return self.next()

    def __iter__(self) -> Self:
        return self

    def reset(self) -> None:
        """Begin anew."""
        raise NotImplementedError(f"{type(self).__name__} cannot begin anew: it has no reset.")

    def finalize(self) -> None:
        """Let go of what it holds: files, threads."""

    def serialize(self, serializer: Any) -> None:
        """Save or load where it is."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.finalize()
