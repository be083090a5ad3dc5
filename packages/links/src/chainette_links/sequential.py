"""Sequential: layers one behind the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from chainette.errors import ArgumentError
from chainette_links.link import Link

Layer = Callable[..., Any]


class Sequential(Link):
    """A list of layers, each applied to what the one before gives.

    Args:
        layers: links, and any other callables such as functions.

    The children's names are the layers' positions, so that functions count too.

    >>> import chainette.functions as F
    >>> import chainette_links as L
    >>> model = Sequential(L.Linear(4, 3), F.relu, L.Linear(3, 2))
    >>> model(np.ones((5, 4), "f")).shape
    (5, 2)
    >>> model
    Sequential  23
      0: Linear  W (3, 4), b (3,)  15
      1: relu
      2: Linear  W (2, 3), b (2,)  8
    """

    def __init__(self, *layers: Layer) -> None:
        super().__init__()
        self._layers: list[Layer] = []
        self.extend(layers)

    def forward(self, *x: Any) -> Any:
        """Apply the layers; a tuple that one returns is spread over the next one's arguments."""
        for layer in self._layers:
            y = layer(*x)
            x = y if isinstance(y, tuple) else (y,)
        return x[0] if len(x) == 1 else x

    def append(self, layer: Layer) -> None:
        """Add a layer at the end."""
        self.insert(len(self), layer)

    def extend(self, layers: Iterable[Layer]) -> None:
        """Add several layers at the end."""
        for layer in layers:
            self.append(layer)

    def insert(self, index: int, layer: Layer) -> None:
        """Insert a layer before the position ``index``."""
        self._check(layer)
        self._layers.insert(index, layer)
        self._number()

    def pop(self, index: int = -1) -> Layer:
        """Take a layer out."""
        layer = self._layers.pop(index)
        self._number()
        return layer

    def remove(self, layer: Layer) -> None:
        """Take out the first place at which this very layer stands."""
        for index, each in enumerate(self._layers):
            if each is layer:
                self.pop(index)
                return
        raise ArgumentError("Sequential.remove: the layer is not in it.")

    def clear(self) -> None:
        """Take all layers out."""
        self._layers.clear()

    def flatten(self) -> Sequential:
        """A Sequential of the same layers, in which those of Sequentials inside stand themselves."""
        flat: list[Layer] = []
        for layer in self._layers:
            flat.extend(layer.flatten()._layers if isinstance(layer, Sequential) else [layer])
        return Sequential(*flat)

    def _check(self, layer: Layer) -> None:
        if not callable(layer):
            raise ArgumentError(f"Sequential: got a {type(layer).__name__} (expected a Link or another callable).")

    def _number(self) -> None:
        for name, link in self.namedchildren():
            self._adopt(name, link)

    def __getitem__(self, index: int | slice) -> Any:
        """The layer at a position; a slice gives a Sequential of the same layers."""
        return Sequential(*self._layers[index]) if isinstance(index, slice) else self._layers[index]

    def __setitem__(self, index: int, layer: Layer) -> None:
        self._check(layer)
        self._layers[index] = layer
        self._number()

    def __delitem__(self, index: int | slice) -> None:
        del self._layers[index]
        self._number()

    def __len__(self) -> int:
        return len(self._layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self._layers)

    def __add__(self, other: Sequential) -> Sequential:
        return Sequential(*self, *other) if isinstance(other, Sequential) else NotImplemented

    def namedchildren(self) -> Iterator[tuple[str, Link]]:
        return ((str(i), layer) for i, layer in enumerate(self._layers) if isinstance(layer, Link))

    def _copy(self, mode: str, memo: dict[int, Any]) -> Any:
        if id(self) in memo:
            return memo[id(self)]
        copied = super()._copy(mode, memo)
        copied.__dict__["_layers"] = [
            layer._copy(mode, memo) if isinstance(layer, Link) else layer for layer in self._layers
        ]
        return copied

    def serialize(self, serializer: Any) -> None:
        super().serialize(serializer)
        for name, child in self.namedchildren():
            child.serialize(serializer[name])

    def _lines(self, name: str, depth: int) -> list[str]:
        lines = [super()._lines(name, depth)[0]]
        for position, layer in enumerate(self._layers):
            if isinstance(layer, Link):
                lines += layer._lines(str(position), depth + 1)
            else:
                lines.append("  " * (depth + 1) + f"{position}: {getattr(layer, '__name__', layer)}")
        return lines
