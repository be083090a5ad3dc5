"""Chain and ChainList: links made of links."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, overload

from chainette.errors import ArgumentError
from chainette_links.link import Link


class Chain(Link):
    """A link made of links under names.

    Args:
        links: the children by name. More may be assigned to attributes inside ``with self.init_scope():``.

    >>> import chainette.functions as F
    >>> import chainette_links as L
    >>> class MLP(Chain):
    ...     def __init__(self):
    ...         super().__init__(l1=L.Linear(4, 3), l2=L.Linear(3, 2))
    ...     def __call__(self, x):
    ...         return self.l2(F.relu(self.l1(x)))
    >>> model = MLP()
    >>> model(np.ones((5, 4), "f")).shape
    (5, 2)
    >>> model
    MLP  23
      l1: Linear  W (3, 4), b (3,)  15
      l2: Linear  W (2, 3), b (2,)  8
    """

    def __init__(self, **links: Link) -> None:
        super().__init__()
        self._children: dict[str, None] = {}  # names in the order of registration; the values are attributes
        for name, link in links.items():
            self.add_link(name, link)

    def __setattr__(self, name: str, value: Any) -> None:
        registered = self.__dict__.get("_children", ())
        if isinstance(value, Link):
            if self.within_init_scope or name in registered:
                self._children[name] = None
                self._adopt(name, value)
            else:
                self._warn_unregistered(name, "Link")
        elif name in registered:
            del self._children[name]
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        self._children.pop(name, None)
        super().__delattr__(name)

    def __getitem__(self, name: str) -> Any:
        """The child of that name."""
        if name not in self._children:
            raise KeyError(f"{type(self).__name__} has no child {name!r} (there are: {', '.join(self._children)})")
        return getattr(self, name)

    def add_link(self, name: str, link: Link) -> None:
        """Register a child under a name.

        Raises:
            ArgumentError: there is such an attribute already, or ``link`` is no Link.
        """
        if not isinstance(link, Link):
            raise ArgumentError(f"{type(self).__name__}: {name} is a {type(link).__name__} (expected a Link).")
        self._require_free(name)
        with self.init_scope():
            setattr(self, name, link)

    def namedchildren(self) -> Iterator[tuple[str, Link]]:
        return ((name, getattr(self, name)) for name in self._children)

    def _copy(self, mode: str, memo: dict[int, Any]) -> Any:
        if id(self) in memo:
            return memo[id(self)]
        copied = super()._copy(mode, memo)
        copied.__dict__["_children"] = dict(self._children)
        for name in self._children:
            copied.__dict__[name] = getattr(self, name)._copy(mode, memo)
        return copied

    def serialize(self, serializer: Any) -> None:
        super().serialize(serializer)
        for name, child in self.namedchildren():
            child.serialize(serializer[name])


class ChainList(Link):
    """A link made of a list of links; their names are their positions.

    Args:
        links: the children.

    >>> import chainette_links as L
    >>> layers = ChainList(L.Linear(4, 3), L.Linear(3, 2))
    >>> [name for name, _ in layers.namedparams()]
    ['/0/W', '/0/b', '/1/W', '/1/b']
    """

    def __init__(self, *links: Link) -> None:
        super().__init__()
        self._list: list[Link] = []
        for link in links:
            self.add_link(link)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Link):
            if self.within_init_scope:
                raise ArgumentError(f"{type(self).__name__}: children have no names here. Use add_link, or a Chain.")
            self._warn_unregistered(name, "Link")
        super().__setattr__(name, value)

    def add_link(self, link: Link) -> None:
        """Append a child."""
        self.insert(len(self), link)

    append = add_link

    def insert(self, index: int, link: Link) -> None:
        """Insert a child before the position ``index``."""
        self._check(link)
        self._list.insert(index, link)
        self._number()

    def extend(self, links: Iterable[Link]) -> None:
        """Append several children."""
        for link in links:
            self.add_link(link)

    def _check(self, link: Link) -> None:
        if not isinstance(link, Link):
            raise ArgumentError(f"{type(self).__name__}: got a {type(link).__name__} (expected a Link).")

    def _number(self) -> None:
        for name, link in self.namedchildren():
            self._adopt(name, link)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self._list[index]

    def __setitem__(self, index: int, link: Link) -> None:
        self._check(link)
        self._list[index] = link
        self._number()

    def __delitem__(self, index: int | slice) -> None:
        del self._list[index]
        self._number()

    def __len__(self) -> int:
        return len(self._list)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._list)

    def namedchildren(self) -> Iterator[tuple[str, Link]]:
        return ((str(position), link) for position, link in enumerate(self._list))

    def _copy(self, mode: str, memo: dict[int, Any]) -> Any:
        if id(self) in memo:
            return memo[id(self)]
        copied = super()._copy(mode, memo)
        copied.__dict__["_list"] = [link._copy(mode, memo) for link in self._list]
        return copied

    def serialize(self, serializer: Any) -> None:
        super().serialize(serializer)
        for name, child in self.namedchildren():
            child.serialize(serializer[name])
