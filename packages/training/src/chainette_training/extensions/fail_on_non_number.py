"""An end to training that has gone astray."""

from __future__ import annotations

from typing import Any

from chainette.errors import ChainetteError
from chainette_training.extension import Extension


class NonNumberError(ChainetteError, RuntimeError, ArithmeticError):
    """Parameters became NaN or infinite."""


class FailOnNonNumber(Extension):
    """Ends training by an error once a parameter has an element that is NaN or infinite.

    By default it looks after each step, before a snapshot is taken, which costs a pass over all parameters;
    ``trainer.extend(FailOnNonNumber(), trigger=(1, "epoch"))`` looks less often.

    Raises:
        NonNumberError: (a RuntimeError) there is such a parameter.

    >>> from types import SimpleNamespace
    >>> import chainette.links as L
    >>> from chainette import optimizers
    >>> model = L.Linear(2, 1)
    >>> updater = SimpleNamespace(iteration=7, get_all_optimizers=lambda: {"main": optimizers.SGD().setup(model)})
    >>> model.b.array[0] = np.inf
    >>> FailOnNonNumber()(SimpleNamespace(updater=updater))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    chainette_training.extensions.fail_on_non_number.NonNumberError: FailOnNonNumber: after 7 iterations parameters ...
      main/b: infinite
    Lower the learning rate, or clip gradients; CHAINETTE_DEBUG=1 finds the function that makes the first NaN.
    """

    def __call__(self, trainer: Any) -> None:
        found = [
            f"  {name}{path}: {fault}"
            for name, optimizer in trainer.updater.get_all_optimizers().items()
            for path, parameter in optimizer.namedparams()
            if parameter.is_initialized and (fault := _fault(parameter))
        ]
        if found:
            lines = "\n".join(found)
            raise NonNumberError(
                f"FailOnNonNumber: after {trainer.updater.iteration} iterations parameters are no numbers:\n{lines}\n"
                "Lower the learning rate, or clip gradients; CHAINETTE_DEBUG=1 finds the function that makes the first "
                "NaN."
            )


def _fault(parameter: Any) -> str | None:
    xp, array = parameter.xp, parameter.array
    with parameter.device.use():
        if xp.isfinite(array).all():
            return None
        return "NaN" if xp.isnan(array).any() else "infinite"
