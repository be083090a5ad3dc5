"""What recurrent links remember from one call to the next."""

from __future__ import annotations

from typing import Any, Self, overload

from chainette import Parameter, Variable, as_variable, to_device
from chainette.checks import require_floating
from chainette.errors import ShapeError
from chainette.operators import copy
from chainette.typing import ArrayLike, DTypeLike
from chainette_functions import identity
from chainette_links.link import Link


class State:
    """An attribute of a Stateful link: a Variable, or None at first. It lies where the link lies, and is not saved."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, link: None, owner: type) -> Self: ...
    @overload
    def __get__(self, link: Link, owner: type) -> Variable | None: ...
    def __get__(self, link: Link | None, owner: type) -> Self | Variable | None:
        if link is None:
            return self
        state: Variable | None = link.__dict__.get(self.name)
        if state is not None and state.device != link.device:  # the link was moved: what made the state was not
            state = link.__dict__[self.name] = Variable(to_device(state.array, link.device))
        return state

    def __set__(self, link: Link, state: Variable | None) -> None:
        link.__dict__[self.name] = state


class Stateful(Link):
    """A link that remembers something from one call to the next: the attributes that its class says are a State.

    Copies remember the same, but for those initialized anew, which begin with nothing.

    >>> import chainette_links as L
    >>> layer = L.LSTM(3, 2)
    >>> layer.h is None
    True
    >>> y = layer(np.ones((1, 3), "f"))
    >>> layer.h is y
    True
    >>> layer.reset_state()
    >>> layer.h is None
    True
    """

    def reset_state(self) -> None:
        """Forget the state, as before the first call: what comes next begins new sequences."""
        for kind in type(self).__mro__:
            for name, attribute in vars(kind).items():
                if isinstance(attribute, State):
                    setattr(self, name, None)

    def _copy(self, mode: str, memo: dict[int, Any]) -> Any:
        copied = super()._copy(mode, memo)
        if mode == "init":
            copied.reset_state()
        return copied

    def _as_state(self, name: str, state: ArrayLike, size: int) -> Variable:
        """What a user gives as a state, on this device and connected to what it was computed from."""
        state = as_variable(state)
        require_floating("set_state", **{name: state})
        if state.ndim != 2 or state.shape[1] != size:
            raise ShapeError(f"set_state: {name} has shape {state.shape} (expected (batch, {size})).")
        if state.device != self.device:
            return copy(state, self.device)
        return identity(state) if isinstance(state, Parameter) else state  # it is no parameter of this link


class CellState(Stateful):
    """A Stateful link that remembers a cell ``c`` and an output ``h``, as long short-term memory does."""

    c = State()
    h = State()
    state_size: int

    def set_state(self, c: ArrayLike, h: ArrayLike) -> None:
        """Continue from a given state.

        Args:
            c: the cell, ``(batch, out_size)``.
            h: the output, of the same shape. Gradients flow back to what both were computed from, also from another
                device.
        """
        c, h = self._as_state("c", c, self.state_size), self._as_state("h", h, self.state_size)
        if len(c) != len(h):
            raise ShapeError(f"set_state: c has {len(c)} rows but h has {len(h)} (expected as many).")
        self.c, self.h = c, h


class OutputState(Stateful):
    """A Stateful link that remembers its output ``h``."""

    h = State()
    state_size: int

    def set_state(self, h: ArrayLike) -> None:
        """Continue from a given state.

        Args:
            h: the output before, ``(batch, out_size)``. Gradients flow back to what it was computed from, also from
                another device.
        """
        self.h = self._as_state("h", h, self.state_size)


def zeros(rows: int, size: int, like: Variable, dtype: DTypeLike = None) -> Variable:
    """A state of zeros, where ``like`` lies."""
    with like.device.use():
        return as_variable(like.xp.zeros((rows, size), like.dtype if dtype is None else dtype))


def require_rows(link: Link, x: Variable, state: Variable | None) -> None:
    """``x`` has a row for each row of the state.

    Raises:
        ShapeError: it has not.
    """
    if state is not None and len(x) != len(state):
        raise ShapeError(
            f"{type(link).__name__}: x has {len(x)} rows (expected {len(state)}, as the state has). Call reset_state() "
            "where new sequences begin."
        )
