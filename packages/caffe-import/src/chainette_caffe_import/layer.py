"""What a layer is, and where layers are found by Caffe's name of their type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from chainette import Parameter
from chainette._facade import names, resolve
from chainette.errors import ArgumentError
from chainette_caffe_import.definition import LayerDefinition
from chainette_caffe_import.errors import CaffeNetError
from chainette_caffe_import.fillers import Filler
from chainette_caffe_import.message import Message
from chainette_links import Link

T = TypeVar("T", bound=type)


class Layer(Link):
    """A layer of a Caffe net as a link. One of your own derives from this, and has ``forward``.

    ``__init__`` reads what the file says of the layer, and makes the parameters; what it does not read, and does not
    ignore, is refused when the net is built, so that no parameter is passed over in silence. ``forward`` is given the
    bottoms as Variables, and returns the top, or a tuple of the tops.

    Args:
        definition: what the file says.

    >>> @register_layer("Double")
    ... class Double(Layer):
    ...     def forward(self, x):
    ...         return 2 * x
    >>> Double(LayerDefinition("twice", "Double", ["x"], ["y"]))(chainette.Variable(np.ones(2, "f"))).array
    array([2., 2.], dtype=float32)
    """

    bottoms: tuple[int, int | None] = (1, 1)
    """How many blobs it reads: the fewest and the most, None for any number."""
    tops: tuple[int, int | None] = (1, 1)
    """How many it writes."""
    W: Parameter
    b: Parameter

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__()
        for what, found, (least, most) in (
            ("bottoms", len(definition.bottoms), self.bottoms),
            ("tops", len(definition.tops), self.tops),
        ):
            if found < least or (most is not None and found > most):
                expected = f"{least}" if least == most else f"{least} or more" if most is None else f"{least} to {most}"
                raise CaffeNetError(f"it has {found} {what} (expected {expected})")
        self._taken = 0

    def add_blob(
        self, definition: LayerDefinition, name: str, shape: tuple[int | None, ...], filler: Message | None = None
    ) -> None:
        """Make a parameter of the layer's next blob.

        Args:
            definition: as in ``__init__``.
            name: the attribute.
            shape: the shape that it must have; None where any size will do.
            filler: what it starts from where the model has no such layer; None and an empty one mean zeros.

        Raises:
            CaffeNetError: the blob has another shape, or there is none though the layer has others.
        """
        value = self.take_blob(definition, name, shape)
        if value is not None:
            parameter = Parameter(value, name=name)
        else:
            initializer = Filler(filler or Message("FillerParameter"))
            parameter = Parameter(initializer, None if None in shape else shape, name=name)  # type: ignore[arg-type]
        with self.init_scope():
            setattr(self, name, parameter)

    def take_blob(self, definition: LayerDefinition, name: str, shape: tuple[int | None, ...]) -> Any:
        """The layer's next blob as an array of that shape; None where the model has no such layer."""
        index = self._taken
        self._taken += 1
        if definition.blobs is None:
            return None
        if index >= len(definition.blobs):
            raise CaffeNetError(f"the model has {len(definition.blobs)} blobs (expected one more, for {name})")
        blob = definition.blobs[index]
        found = blob.shape
        if blob.is_old:  # aligned to the right, with ones before
            extra = len(found) - len(shape)
            if extra >= 0 and all(length == 1 for length in found[:extra]):
                found = found[extra:]
            else:
                found = (1,) * -extra + found
        fits = len(found) == len(shape) and all(b is None or a == b for a, b in zip(found, shape, strict=True))
        if not fits:
            expected = ", ".join("any" if length is None else str(length) for length in shape)
            raise CaffeNetError(f"blob {index}, {name}, has shape {blob.shape} (expected ({expected}))")
        return blob.array().reshape(found)

    def require_all_taken(self, definition: LayerDefinition) -> None:
        """Refuse blobs of the model that the layer has no use for."""
        if definition.blobs is not None and len(definition.blobs) > self._taken:
            raise CaffeNetError(f"the model has {len(definition.blobs)} blobs (expected {self._taken})")

    def multiply_adds(self, bottoms: list[Any], tops: list[Any]) -> int:
        """How many products are added up to compute these tops, which ``summary`` shows; 0 where there are few."""
        return 0

    def complete(self, name: str, shape: tuple[int, ...]) -> Parameter:
        """The parameter of that name; one that was left open by the model takes that shape now."""
        parameter: Parameter = getattr(self, name)
        if not parameter.is_initialized:
            parameter.initialize(shape)
        return parameter


_registered: dict[str, type] = {}


def register_layer(type: str) -> Callable[[T], T]:
    """A decorator that makes a class the one for layers of that type, before any that is known already.

    Args:
        type: what a prototxt calls it: ``"Python"``, or the name of a layer of a fork.

    The class is called with a LayerDefinition, as Layer is. A plugin brings layers by its hook instead:
    ``chainette_names`` returns ``{"caffe_layers": {"MyType": "my_plugin.layers:MyLayer"}}``.

    >>> @register_layer("Negate")
    ... class Negate(Layer):
    ...     def forward(self, x):
    ...         return -x
    >>> "Negate" in known_layers()
    True
    """

    def register(layer: T) -> T:
        if not issubclass(layer, Layer):
            raise ArgumentError(f"register_layer: {layer.__name__} is no Layer. Derive it from {__name__}.Layer.")
        _registered[type] = layer
        return layer

    return register


def known_layers() -> list[str]:
    """The types that can be read.

    >>> known_layers()[:4]
    ['AbsVal', 'Accuracy', 'ArgMax', 'BNLL']
    """
    return sorted({*_registered, *names("caffe_layers")})


def find_layer(type: str) -> type[Layer] | None:
    """The class for layers of that type."""
    if type in _registered:
        return _registered[type]
    return resolve("caffe_layers", type) if type in names("caffe_layers") else None
