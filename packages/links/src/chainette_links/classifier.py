"""A network together with its loss and accuracy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainette import Variable, report
from chainette.errors import ArgumentError
from chainette_functions import accuracy, softmax_cross_entropy
from chainette_links.chain import Chain
from chainette_links.link import Link


class Classifier(Chain):
    """Computes the loss of a network that classifies, and remembers what came up on the way.

    It reports ``loss`` and ``accuracy``: see ``chainette.report``.

    Args:
        predictor: the network.
        lossfun: ``lossfun(y, t)``.
        accfun: ``accfun(y, t)``.
        label_key: which argument is the label: a position, by default the last, or the name of a keyword argument.

    Attributes:
        y: what the network gave last.
        loss: the last loss.
        accuracy: the last accuracy; None while ``compute_accuracy`` is False.
        compute_accuracy: whether to compute the accuracy.

    >>> import chainette_links as L
    >>> model = Classifier(L.Linear(3, 2))
    >>> loss = model(np.ones((4, 3), "f"), np.array([0, 1, 0, 1]))
    >>> model.accuracy.array
    array(0.5, dtype=float32)
    """

    compute_accuracy = True

    def __init__(
        self,
        predictor: Link,
        lossfun: Callable[..., Any] = softmax_cross_entropy,
        accfun: Callable[..., Any] = accuracy,
        label_key: int | str = -1,
    ) -> None:
        super().__init__()
        self.lossfun = lossfun
        self.accfun = accfun
        self.label_key = label_key
        self.y: Any = None
        self.loss: Variable | None = None
        self.accuracy: Variable | None = None
        with self.init_scope():
            self.predictor = predictor

    def forward(self, *args: Any, **kwargs: Any) -> Variable:
        """The loss of the network on the arguments, one of which is the label."""
        if isinstance(self.label_key, int):
            if not -len(args) <= self.label_key < len(args):
                raise ArgumentError(
                    f"Classifier: there is no argument {self.label_key} to be the label ({len(args)} came)."
                )
            inputs = list(args)
            t = inputs.pop(self.label_key)
        else:
            if self.label_key not in kwargs:
                raise ArgumentError(f"Classifier: the label {self.label_key}= is missing among the keyword arguments.")
            inputs, t = list(args), kwargs.pop(self.label_key)
        self.y = self.loss = self.accuracy = None  # frees the last graph before the next one grows
        self.y = self.predictor(*inputs, **kwargs)
        loss: Variable = self.lossfun(self.y, t)
        self.loss = loss
        report({"loss": loss}, self)
        if self.compute_accuracy:
            self.accuracy = self.accfun(self.y, t)
            report({"accuracy": self.accuracy}, self)
        return loss
