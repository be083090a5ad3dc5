"""Link: parameters and persistent values under names."""

from __future__ import annotations

import copy
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from chainette import Device, Parameter, get_device, to_device
from chainette.backend import CPU, is_array
from chainette.errors import ArgumentError, ShapeError
from chainette.initializers import InitializerLike
from chainette.typing import DTypeLike, Shape
from chainette_links.copying import COPY_MODES, copied_parameter, with_dtype
from chainette_links.link_hook import Hooked, call_watched

if TYPE_CHECKING:
    from chainette_links.sequential import Sequential


class Link(Hooked):
    """A part of a network that has parameters.

    A subclass makes its parameters inside ``with self.init_scope():`` and computes in ``forward`` (or ``__call__``).

    Args:
        params: parameters by name: a shape, or a pair of a shape and a dtype. They start as NaN.

    >>> from chainette import Parameter
    >>> class Scale(Link):
    ...     def __init__(self):
    ...         super().__init__()
    ...         with self.init_scope():
    ...             self.factor = Parameter(2.0, (1,))
    ...     def forward(self, x):
    ...         return self.factor * x
    >>> Scale()(np.ones(3, "f")).array
    array([2., 2., 2.], dtype=float32)
    """

    name: str | None = None

    def __init__(self, **params: Any) -> None:
        self._params: dict[str, None] = {}  # names in the order of registration; the values are attributes
        self._persistent: dict[str, None] = {}
        self._device: Device = CPU
        self._within_init_scope = False
        for name, spec in params.items():
            shape, dtype = spec if isinstance(spec, tuple) and spec and isinstance(spec[0], tuple) else (spec, None)
            self.add_param(name, shape, dtype)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute with the link: what ``forward`` does, with the hooks around it that are installed."""
        if self._watched:
            return call_watched(self, args, kwargs)
        return self.forward(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What a subclass computes."""
        raise TypeError(f"{type(self).__name__} computes nothing. Write a method forward(self, x) or __call__.")

    # -- registration -------------------------------------------------------------------------------------------

    @contextmanager
    def init_scope(self) -> Iterator[None]:
        """A context in which a Parameter (in a Chain also a Link) assigned to an attribute is registered."""
        before = self._within_init_scope
        self._within_init_scope = True
        try:
            yield
        finally:
            self._within_init_scope = before

    @property
    def within_init_scope(self) -> bool:
        """Whether assignments register."""
        return bool(self.__dict__.get("_within_init_scope"))

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter):
            if self.within_init_scope or name in self.__dict__.get("_params", ()):
                self._register(name, value)
            else:
                self._warn_unregistered(name, "Parameter")
        elif name in self.__dict__.get("_params", ()):
            del self._params[name]
        super().__setattr__(name, value)

    def _register(self, name: str, parameter: Parameter) -> None:
        if parameter.name is None:
            parameter.name = name
        if self._device is not CPU:
            parameter.to_device(self._device)
        self._params[name] = None

    def _adopt(self, name: str, link: Link) -> None:
        """Name a new child, and move it to where this link was sent."""
        link.name = name
        if self._device.backend.is_accelerator:
            link.to_device(self._device)

    def _warn_unregistered(self, name: str, kind: str) -> None:
        if (type(self), name) in _warned or "_params" not in self.__dict__:
            return
        _warned.add((type(self), name))
        level, frame = 2, sys._getframe(1)
        while frame.f_code.co_name == "__setattr__" and frame.f_back is not None:  # up to the user's assignment
            level, frame = level + 1, frame.f_back
        warnings.warn(
            f"{type(self).__name__}.{name}: a {kind} assigned outside init_scope is held, but not registered: it is "
            f"neither updated nor saved. Assign it inside 'with self.init_scope():' to register it, or hold it as "
            f"self.{name} = ({name},) if it only is borrowed.",
            stacklevel=level,
        )

    def __delattr__(self, name: str) -> None:
        self._params.pop(name, None)
        self._persistent.pop(name, None)
        super().__delattr__(name)

    def add_param(
        self, name: str, shape: int | Shape | None = None, dtype: DTypeLike = None, initializer: InitializerLike = None
    ) -> None:
        """Register a parameter under a name.

        Args:
            name: the attribute.
            shape: its shape; None leaves it open.
            dtype: its dtype, for an initializer that has none; None means ``config.dtype``.
            initializer: what it starts from; None means NaN.

        Raises:
            ArgumentError: there is such an attribute already.
        """
        self._require_free(name)
        parameter = Parameter(with_dtype(initializer, dtype), shape, name=name)
        with self.init_scope():
            setattr(self, name, parameter)

    def add_persistent(self, name: str, value: Any) -> None:
        """Register a value that is saved with the link, and moved with it if it is an array, but not updated."""
        self._require_free(name)
        self._persistent[name] = None
        setattr(self, name, value)

    def register_persistent(self, name: str) -> None:
        """Make an attribute that is there already a persistent value."""
        if not hasattr(self, name):
            raise ArgumentError(f"{type(self).__name__}: no attribute {name!r} to register. Set it first.")
        self._persistent[name] = None

    def _require_free(self, name: str) -> None:
        if name in self.__dict__:
            raise ArgumentError(f"{type(self).__name__}: there is an attribute {name!r} already. Choose another name.")

    # -- walking through ----------------------------------------------------------------------------------------

    def params(self, include_uninit: bool = True) -> Iterator[Parameter]:
        """Every parameter: its own, then those of its children. One that is shared comes once for each place."""
        for _, parameter in self.namedparams(include_uninit):
            yield parameter

    def namedparams(self, include_uninit: bool = True) -> Iterator[tuple[str, Parameter]]:
        """Every parameter with its path, such as ``/l1/W``."""
        for prefix, link in self.namedlinks():
            for name in link._params:
                parameter = getattr(link, name)
                if include_uninit or parameter.is_initialized:
                    yield f"{prefix.rstrip('/')}/{name}", parameter

    def links(self, skipself: bool = False) -> Iterator[Link]:
        """Itself and every link below."""
        for _, link in self.namedlinks(skipself):
            yield link

    def namedlinks(self, skipself: bool = False) -> Iterator[tuple[str, Link]]:
        """Itself, as ``/``, and every link below with its path."""
        if not skipself:
            yield "/", self
        for name, child in self.namedchildren():
            yield f"/{name}", child
            for path, link in child.namedlinks(skipself=True):
                yield f"/{name}{path}", link

    def children(self) -> Iterator[Link]:
        """The links directly below."""
        return (child for _, child in self.namedchildren())

    def namedchildren(self) -> Iterator[tuple[str, Link]]:
        """The links directly below with their names here; a link may stand in several places, under several names."""
        return iter(())

    def count_params(self) -> int:
        """The number of elements of all parameters, shared ones once; those of open shape count as nothing."""
        distinct = {id(parameter): parameter for parameter in self.params(include_uninit=False)}
        return sum(parameter.size for parameter in distinct.values())

    # -- values and gradients -----------------------------------------------------------------------------------

    def cleargrads(self) -> None:
        """Set every gradient to None."""
        for parameter in self.params():
            parameter.cleargrad()

    def zerograds(self) -> None:
        """Set every gradient to zeros. ``cleargrads`` is cheaper and does as well."""
        for parameter in self.params():
            parameter.zerograd()

    def copyparams(self, link: Link, copy_persistent: bool = True) -> None:
        """Copy the values of another link's parameters, by path, and of its persistent values.

        Raises:
            ArgumentError: a parameter or a persistent value is missing there. Nothing is changed then.
            ShapeError: a shape differs. Nothing is changed then.
        """
        source = dict(link.namedparams())
        for path, parameter in self.namedparams():
            other = self._counterpart(path, source)
            if parameter.is_initialized and other.is_initialized and parameter.shape != other.shape:
                raise ShapeError(f"copyparams: {path} has shape {other.shape} (expected {parameter.shape}).")
        persistent = list(self._persistent_pairs(link)) if copy_persistent else []
        for path, parameter in self.namedparams():
            parameter.copydata(source[path])
        for mine, name, value in persistent:
            mine._copy_persistent(name, value)

    def _persistent_pairs(self, link: Link) -> Iterator[tuple[Link, str, Any]]:
        others = dict(link.namedlinks())
        for path, mine in self.namedlinks():
            for name in mine._persistent:
                if not hasattr(others.get(path), name):
                    raise ArgumentError(f"copyparams: the other link has no value {path.rstrip('/')}/{name}.")
                yield mine, name, getattr(others[path], name)

    def addgrads(self, link: Link) -> None:
        """Add the gradients of another link's parameters, by path; those that have none are passed over."""
        source = dict(link.namedparams())
        pairs = [(parameter, self._counterpart(path, source)) for path, parameter in self.namedparams()]
        for parameter, other in {(id(mine), id(theirs)): (mine, theirs) for mine, theirs in pairs}.values():
            if other.is_initialized and other.grad is not None:
                parameter.addgrad(other)

    def _counterpart(self, path: str, source: dict[str, Parameter]) -> Parameter:
        if path not in source:
            raise ArgumentError(f"{type(self).__name__}: the other link has no parameter {path}.")
        return source[path]

    def _copy_persistent(self, name: str, value: Any) -> None:
        setattr(self, name, to_device(value.copy(), self._device) if is_array(value) else copy.deepcopy(value))

    def enable_update(self) -> None:
        """Let the optimizer update these parameters again."""
        self._set_update(True)

    def disable_update(self) -> None:
        """Keep the optimizer from updating these parameters. To be called after ``optimizer.setup``."""
        self._set_update(False)

    def _set_update(self, enabled: bool) -> None:
        for parameter in self.params():
            if parameter.update_rule is not None:
                parameter.update_rule.enabled = enabled

    @property
    def update_enabled(self) -> bool:
        """Whether the optimizer updates at least one of these parameters."""
        return any(p.update_rule is not None and p.update_rule.enabled for p in self.params())

    # -- devices ------------------------------------------------------------------------------------------------

    @property
    def device(self) -> Device:
        """Where it was sent to; the CPU at first."""
        return self._device

    @property
    def xp(self) -> Any:
        """The array module of its device."""
        return self._device.xp

    def to_device(self, device: str | Device) -> Self:
        """Move parameters, gradients and persistent arrays to a device, in place; returns itself."""
        target = get_device(device)
        for link in self.links():
            link._device = target
            for name in link._params:
                getattr(link, name).to_device(target)
            for name in link._persistent:
                value = getattr(link, name)
                if is_array(value):
                    setattr(link, name, to_device(value, target))
        return self

    def to_cpu(self) -> Self:
        """Move to the CPU, in place; returns itself."""
        return self.to_device("cpu")

    def to_gpu(self, device: int | None = None) -> Self:
        """Move to an NVIDIA GPU, by default the current one, in place; returns itself."""
        from chainette import cuda

        return self.to_device(cuda.gpu(device))

    # -- copying and saving -------------------------------------------------------------------------------------

    def copy(self, mode: str = "share") -> Self:
        """A copy of the link and of all links below.

        Args:
            mode: ``"share"``: parameters of its own that share array and gradient with these; ``"copy"``: with copies
                of them; ``"init"``: initialized anew.

        A parameter or link that is in two places here is so in the copy.
        """
        if mode not in COPY_MODES:
            raise ArgumentError(f"copy: mode={mode!r} (expected one of {', '.join(map(repr, COPY_MODES))}).")
        copied: Self = self._copy(mode, {})
        copied.__dict__["name"] = None
        return copied

    def _copy(self, mode: str, memo: dict[int, Any]) -> Any:
        """``memo`` holds what has been copied already, by id."""
        if id(self) in memo:
            return memo[id(self)]
        copied = memo[id(self)] = copy.copy(self)
        state = copied.__dict__
        state["_params"], state["_persistent"] = dict(self._params), dict(self._persistent)
        for name in self._params:
            parameter = getattr(self, name)
            if id(parameter) not in memo:
                memo[id(parameter)] = copied_parameter(parameter, mode)
            state[name] = memo[id(parameter)]
        for name in self._persistent:
            if mode != "share":
                state[name] = copy.deepcopy(getattr(self, name))
        return copied

    def repeat(self, n_repeat: int, mode: str = "init") -> Sequential:
        """A Sequential of ``n_repeat`` copies, each by ``copy(mode)``.

        >>> import chainette_links as L
        >>> len(L.Linear(4, 4).repeat(3))
        3
        """
        from chainette_links.sequential import Sequential

        return Sequential(*(self.copy(mode) for _ in range(n_repeat)))

    def serialize(self, serializer: Any) -> None:
        """Write to or read from a serializer: each parameter and persistent value under its name."""
        for name in self._params:
            parameter = getattr(self, name)
            array = serializer(name, parameter.array)
            if not parameter.is_initialized and array is not None:
                parameter.initialize(tuple(array.shape))
                with parameter.device.use():
                    parameter.array[...] = to_device(array, parameter.device)
        for name in self._persistent:
            value, stored = getattr(self, name), serializer(name, getattr(self, name))
            is_new = value is None and is_array(stored)  # it was read from a file, and lies on the CPU
            setattr(self, name, to_device(stored, self._device) if is_new else stored)

    def __repr__(self) -> str:
        return "\n".join(self._lines(self.name or "", 0))

    def _lines(self, name: str, depth: int) -> list[str]:
        """Name, class, shapes and parameter count, and the same for the links below, indented."""
        shapes = ", ".join(f"{each} {_shape_of(getattr(self, each))}" for each in self._params)
        parts = [f"{name}: {type(self).__name__}" if name else type(self).__name__, shapes, f"{self.count_params():,}"]
        line = "  " * depth + "  ".join(part for part in parts if part)
        return [line, *(more for each, child in self.namedchildren() for more in child._lines(each, depth + 1))]


_warned: set[tuple[type, str]] = set()


def _shape_of(parameter: Parameter) -> str:
    return str(parameter.shape) if parameter.is_initialized else "(open)"
