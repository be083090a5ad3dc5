"""Hyperparameter: the numbers an update rule takes its steps with. HyperparameterProxy: an optimizer's view of one."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any

import numpy as np

from chainette.errors import ArgumentError, ConfigError
from chainette_optimizers.errors import WrongTypeError

if TYPE_CHECKING:
    from chainette_optimizers.optimizer import GradientMethod


class Hyperparameter:
    """Numbers by name; what is not set here is the parent's.

    An optimizer has one, and each parameter's rule has one whose parent that is: setting the optimizer's takes effect
    everywhere, setting a rule's makes that parameter an exception, and ``del`` ends the exception.

    Args:
        parent: where to look for what is not set here.
        values: what to set.

    Raises:
        ConfigError: (an AttributeError) a name that is set neither here nor in a parent is read.

    >>> common = Hyperparameter(lr=0.1, momentum=0.9)
    >>> own = Hyperparameter(common, momentum=0.5)
    >>> common.lr = 0.01
    >>> own
    Hyperparameter(lr=0.01, momentum=0.5)
    >>> del own.momentum
    >>> own.momentum
    0.9
    """

    _parent: Hyperparameter | None

    def __init__(self, parent: Hyperparameter | None = None, /, **values: Any) -> None:
        vars(self)["_parent"] = parent
        for name, value in values.items():
            setattr(self, name, value)

    @property
    def parent(self) -> Hyperparameter | None:
        return self._parent

    def __setattr__(self, name: str, value: Any) -> None:
        # A NumPy scalar has a dtype, which would widen float32 arrays; a Python number has none.
        vars(self)[name] = value.item() if isinstance(value, np.generic) else value

    def __getattr__(self, name: str) -> Any:
        ancestor = self.__dict__.get("_parent")  # copy and pickle ask before it is there
        while ancestor is not None:
            values = ancestor.__dict__
            if name in values:
                return values[name]
            ancestor = values["_parent"]
        raise ConfigError(f"Hyperparameter: there is no {name!r} (there are: {', '.join(self.get_dict()) or 'none'}).")

    def get_dict(self) -> dict[str, Any]:
        """All values by name, the parents' included."""
        parent = vars(self).get("_parent")
        inherited = {} if parent is None else parent.get_dict()
        return {**inherited, **{name: value for name, value in vars(self).items() if name != "_parent"}}

    def __repr__(self) -> str:
        return f"Hyperparameter({', '.join(f'{name}={value!r}' for name, value in self.get_dict().items())})"


class HyperparameterProxy:
    """An attribute of an optimizer that stands for its hyperparameter of that name.

    Args:
        least: the smallest value it may take.
        below: what its values must stay below.
        above: what its values must stay above.

    Raises:
        WrongTypeError: (a TypeError) it is set to something that is not a real number.
        ArgumentError: (a ValueError) it is set to a number out of range.
    """

    def __init__(self, least: float | None = None, below: float | None = None, above: float | None = None) -> None:
        self.least = least
        self.below = below
        self.above = above

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, optimizer: GradientMethod | None, owner: type | None = None) -> Any:
        return self if optimizer is None else getattr(optimizer.hyperparam, self.name)

    def __set__(self, optimizer: GradientMethod, value: float) -> None:
        label = f"{type(optimizer).__name__}: {self.name}"
        if not isinstance(value, numbers.Real):
            raise WrongTypeError(
                f"{label} is a {type(value).__name__} (expected a number). A model or its parameters go to setup()."
            )
        fits = (
            (self.least is None or value >= self.least)
            and (self.below is None or value < self.below)
            and (self.above is None or value > self.above)
        )
        if not fits:
            low = "" if self.least is None else f"{self.least} <= "
            low = low if self.above is None else f"{self.above} < "
            high = "" if self.below is None else f" < {self.below}"
            raise ArgumentError(f"{label} is {value} (expected {low}{self.name}{high}).")
        setattr(optimizer.hyperparam, self.name, value)
