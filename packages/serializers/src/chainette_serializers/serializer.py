"""The protocol by which objects are saved and loaded: one method, ``serialize``, for both directions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Protocol, Self


class Serializable(Protocol):
    """What can be saved and loaded: anything that names its values to a serializer."""

    def serialize(self, serializer: Any, /) -> Any: ...


class AbstractSerializer(ABC):
    """What an object's ``serialize`` method is given, to save and to load alike.

    The object calls ``serializer(name, value)`` once for each of its values and goes on with what comes back; it hands
    ``serializer[name]`` to the ``serialize`` of each child. A value is an array of any backend, a number, a str or
    None. ``is_writer`` tells saving from loading where an object must know.

    >>> from chainette_serializers import DictionarySerializer
    >>> class Counter:
    ...     def __init__(self):
    ...         self.counts, self.t = np.zeros(3), 0
    ...     def serialize(self, serializer):
    ...         serializer("counts", self.counts)        # an array is filled in place
    ...         self.t = serializer("t", self.t)         # anything else is replaced
    >>> serializer = DictionarySerializer()
    >>> serializer["first"].save(Counter())
    >>> sorted(serializer.target)
    ['first/counts', 'first/t']
    """

    is_writer: ClassVar[bool]

    @abstractmethod
    def __getitem__(self, key: str) -> Self:
        """The serializer of the child of that name."""

    @abstractmethod
    def __call__(self, key: str, value: Any) -> Any:
        """Save or load the value of that name, and return what the object goes on with."""


class Serializer(AbstractSerializer):
    """Saves: each call stores the value and returns it.

    >>> from chainette_serializers import DictionarySerializer
    >>> DictionarySerializer()("t", 3)
    3
    """

    is_writer = True

    def save(self, obj: Serializable) -> None:
        """Save ``obj``: let it name its values to this serializer."""
        obj.serialize(self)


class Deserializer(AbstractSerializer):
    """Loads: each call returns what was stored, in the form of the value that it is given.

    * an array is filled in place, on its device and in its dtype, and comes back itself;
    * a number or str comes back in its own type; None where None was stored;
    * None asks for whatever is stored: the array, in memory of the CPU, or None.

    ``serialize`` may be called twice: first for checking, when None stays None and arrays stay as they are, then for
    loading. It must name the same values both times, and take None as an answer to None: such a value is left open.

    >>> from chainette_serializers import NpzDeserializer
    >>> deserializer = NpzDeserializer({"t": np.asarray(3), "W": np.ones(2)})
    >>> deserializer("t", 0), deserializer("W", np.zeros(2, np.float32)), deserializer("W", None)
    (3, array([1., 1.], dtype=float32), array([1., 1.]))
    """

    is_writer = False

    def load(self, obj: Serializable) -> None:
        """Load ``obj``: let it name its values to this deserializer."""
        obj.serialize(self)
