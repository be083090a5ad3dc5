"""Parameter: a Variable that an optimizer updates, and whose shape may stay open until its first use."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from chainette.backend import CPU, Device, get_device, is_array
from chainette.config import get_dtype
from chainette.errors import ArgumentError, ShapeError, UninitializedParameterError
from chainette.initializers import Initializer, InitializerLike, generate_array, get_initializer
from chainette.typing import Shape
from chainette.variable import Variable


class Parameter(Variable):
    """A Variable that learns.

    Args:
        initializer: an Initializer, a number for every element, or an array to be used as it is. None fills with
            NaN, so that forgetting to set the values shows.
        shape: the shape; None leaves it open until ``initialize(shape)``. Not given with an array.
        name: what graphs, serializers and messages call it.

    ``grad`` starts as None. A parameter of open shape remembers the device it is sent to.

    >>> W = Parameter(0.5, (2, 3))
    >>> W.array.dtype, W.array.sum()
    (dtype('float32'), np.float32(3.0))
    """

    __slots__ = ("__dict__", "_device", "initializer", "update_rule")

    initializer: Initializer | None
    update_rule: Any

    def __init__(
        self, initializer: InitializerLike = None, shape: int | Shape | None = None, *, name: str | None = None
    ) -> None:
        self.update_rule = None
        self._device: Device = CPU
        if is_array(initializer):
            if shape is not None:
                raise ArgumentError("Parameter: an array has its own shape. Leave out shape=, or give an initializer.")
            super().__init__(initializer, name=name)
            self.initializer = None
            return
        super().__init__(None, name=name, requires_grad=True)
        self.initializer = get_initializer(np.nan if initializer is None else initializer)
        if shape is not None:
            self.initialize((shape,) if isinstance(shape, int) else tuple(shape))

    @property
    def is_initialized(self) -> bool:
        """Whether the shape is known and the array is there."""
        return self._array is not None

    def initialize(self, shape: Shape) -> None:
        """Make the array, of that shape, on the device this parameter was sent to."""
        if self.initializer is None:
            raise ArgumentError(f"Parameter {self.name or ''}: it has an array already.")
        if any(size < 0 for size in shape):
            raise ShapeError(f"Parameter {self.name or ''}: shape {shape} has a negative size.")
        self._array = generate_array(self.initializer, shape, device=self._device)
        if self._array.dtype.kind not in "fc":
            self.requires_grad = False

    def to_device(self, device: str | Device) -> Parameter:
        """Move array and gradient to a device, in place; an open parameter will be made there."""
        self._device = get_device(device)
        super().to_device(self._device)
        return self

    @property
    def device(self) -> Device:
        return super().device if self.is_initialized else self._device

    @property
    def xp(self) -> Any:
        return self.device.xp

    @property
    def shape(self) -> Shape:
        if self._array is None:
            raise UninitializedParameterError(
                f"Parameter {self.name or ''}: its shape is open. Call its link with data, or initialize(shape)."
            )
        shape: Shape = self._array.shape
        return shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        if self._array is not None:
            return super().dtype
        return get_dtype(getattr(self.initializer, "dtype", None))  # a plain function has none

    def cleargrad(self) -> None:
        """Set the gradient to None."""
        self._grad = None

    def zerograd(self) -> None:
        """Set the gradient to zeros; of an open parameter it stays None."""
        if self.is_initialized:
            super().zerograd()

    def copydata(self, variable: Variable) -> None:
        """Copy another parameter's values into this array; an open one takes its shape."""
        if variable._array is None:
            return
        if not self.is_initialized:
            self.initialize(variable.shape)
        super().copydata(variable)

    def addgrad(self, variable: Variable) -> None:
        """Add another parameter's gradient to this one's; an open one takes its shape."""
        if not self.is_initialized and variable.grad is not None:
            self.initialize(variable.shape)
        super().addgrad(variable)

    def update(self) -> None:
        """Let the update rule, if an optimizer set one, take one step with the present gradient."""
        if self.update_rule is not None:
            self.update_rule.update(self)

    @property
    def label(self) -> str:
        return super().label if self.is_initialized else "open shape"

    def __getstate__(self) -> dict[str, Any]:
        return {
            **super().__getstate__(),
            "initializer": self.initializer,
            "update_rule": self.update_rule,
            "device": self._device,
            "attributes": vars(self),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.initializer = state["initializer"]
        self.update_rule = state["update_rule"]
        self._device = state["device"]
        vars(self).update(state["attributes"])
