"""What an optimizer optimizes: a model, known only by what it can be asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from chainette.parameter import Parameter
from chainette_optimizers.errors import WrongTypeError


class Target(Protocol):
    """What an optimizer must be able to ask of a model. Every Link can answer."""

    def params(self) -> Iterable[Parameter]: ...

    def namedparams(self) -> Iterable[tuple[str, Parameter]]: ...

    def cleargrads(self) -> None: ...


_TARGET_METHODS = ("params", "namedparams", "cleargrads")


class Serializer(Protocol):
    """What saves or loads: the objects that ``chainette.serializers`` hands to ``serialize``."""

    def __getitem__(self, key: str) -> Serializer: ...

    def __call__(self, key: str, value: Any) -> Any: ...


class ParameterList:
    """A plain list of parameters as a target, named ``/0``, ``/1``, ..."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        for i, param in enumerate(parameters):
            if not isinstance(param, Parameter):
                raise WrongTypeError(f"setup: element {i} is a {type(param).__name__} (expected a Parameter).")
        self.parameters = list(parameters)

    def params(self) -> Iterator[Parameter]:
        return iter(self.parameters)

    def namedparams(self) -> Iterator[tuple[str, Parameter]]:
        return ((f"/{i}", param) for i, param in enumerate(self.parameters))

    def cleargrads(self) -> None:
        for param in self.parameters:
            param.cleargrad()


def as_target(link: Target | Sequence[Parameter], optimizer: str) -> Target:
    """A model as it is, a list of parameters as a target; a WrongTypeError for anything else."""
    target: Any = ParameterList(link) if isinstance(link, (list, tuple)) else link
    missing = [name for name in _TARGET_METHODS if not callable(getattr(target, name, None))]
    if missing or isinstance(link, type):
        what = f"the class {link.__name__}" if isinstance(link, type) else f"a {type(link).__name__}"
        raise WrongTypeError(f"{optimizer}.setup: got {what} (expected a Link or a list of Parameters).")
    return target  # type: ignore[no-any-return]
