"""What a model gives on examples that it does not learn from."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import chainette
from chainette import Reporter, report
from chainette.errors import ArgumentError
from chainette_training.convert import Converter, concat_examples
from chainette_training.extension import PRIORITY_WRITER, Extension
from chainette_training.iterators import Iterator
from chainette_training.summary import DictSummary
from chainette_training.updaters.standard_updater import arguments, watch


class Evaluator(Extension):
    """Runs a model over a dataset, without learning, and reports the means of what the model reports.

    The names are those of training behind ``validation/``: ``validation/main/loss``. Batches count by how many
    examples they have, so the means are those of all examples.

    Args:
        iterator: goes through the dataset once (``repeat=False``, best with ``shuffle=False``); or a dict of
            iterators, of which ``"main"`` is used.
        target: the model; or a dict of models, each of which is known by its name.
        converter: ``converter(batch, device)`` makes arrays of a batch.
        device: where the arrays shall lie; None means where the model is.
        eval_hook: called as ``eval_hook(self)`` before each evaluation.
        eval_func: called with the arrays in place of the main model.

    Each evaluation is in test mode and records no graph. Called without a trainer, it returns the means.

    Raises:
        ArgumentError: nothing is called ``"main"``.

    >>> import chainette.links as L
    >>> from chainette import iterators
    >>> examples = [(np.ones(2, "f"), 0), (np.zeros(2, "f"), 1)]
    >>> model = L.Classifier(L.Linear(2, 2, initialW=0))
    >>> evaluator = Evaluator(iterators.SerialIterator(examples, 1, repeat=False, shuffle=False), model)
    >>> {name: round(mean, 3) for name, mean in evaluator().items()}
    {'main/loss': 0.693, 'main/accuracy': 0.5}
    """

    trigger = (1, "epoch")
    priority = PRIORITY_WRITER
    default_name = "validation"

    def __init__(
        self,
        iterator: Iterator | Mapping[str, Iterator],
        target: Any,
        converter: Converter = concat_examples,
        device: Any = None,
        eval_hook: Callable[[Evaluator], None] | None = None,
        eval_func: Callable[..., Any] | None = None,
    ) -> None:
        self._iterators = dict(iterator) if isinstance(iterator, Mapping) else {"main": iterator}
        self._targets = dict(target) if isinstance(target, Mapping) else {"main": target}
        for what, found in (("iterator", self._iterators), ("target", self._targets)):
            if "main" not in found:
                raise ArgumentError(f"Evaluator: no {what} is called 'main' (there are: {', '.join(found) or 'none'}).")
        self.converter = converter
        self.device = None if device is None else chainette.get_device(device)
        self.eval_hook = eval_hook
        self.eval_func = eval_func

    def get_iterator(self, name: str) -> Iterator:
        """The iterator of that name."""
        return self._iterators[name]

    def get_target(self, name: str) -> Any:
        """The model of that name."""
        return self._targets[name]

    def __call__(self, trainer: Any = None) -> dict[str, float]:
        """Evaluate.

        Returns:
            The means by name; with a trainer, they are reported too.
        """
        reporter = Reporter()
        prefix = "" if trainer is None else f"{self.name or self.default_name}/"
        for name, model in self._targets.items():
            watch(reporter, prefix + name, model)
        with reporter, chainette.test_mode(), chainette.no_backprop_mode():
            means = self.evaluate()
        report(means)
        return means

    def evaluate(self) -> dict[str, float]:
        """One pass through the main iterator with the main model; the means of what is reported.

        For another kind of evaluation derive from this class and write this method.
        """
        iterator, model = self._iterators["main"], self._targets["main"]
        function = self.eval_func or model
        device = self.device or getattr(model, "device", None)
        if self.eval_hook is not None:
            self.eval_hook(self)
        summary = DictSummary()
        for batch in self._pass_through(iterator):
            observation: dict[str, Any] = {}
            with chainette.report_scope(observation):
                args, kwargs = arguments(self.converter(batch, device))
                function(*args, **kwargs)
            size = len(batch)
            summary.add(
                {name: value if isinstance(value, tuple) else (value, size) for name, value in observation.items()}
            )
        return summary.compute_mean()

    def _pass_through(self, iterator: Iterator) -> Iterator:
        """What gives the batches of one pass."""
        if iterator.repeat:
            raise ArgumentError("Evaluator: the iterator goes round for ever (expected one made with repeat=False).")
        try:
            iterator.reset()
        except NotImplementedError:  # one that cannot begin anew stays at its start, and a copy of it moves
            return copy.copy(iterator)
        return iterator

    def finalize(self) -> None:
        """Let go of what the iterators hold."""
        for iterator in self._iterators.values():
            iterator.finalize()
