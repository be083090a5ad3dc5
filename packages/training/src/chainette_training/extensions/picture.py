"""What the extensions that draw have in common: when they draw, and how the picture gets into its file."""

from __future__ import annotations

import os
from importlib.util import find_spec
from time import perf_counter
from typing import Any

from chainette.errors import MissingPluginError
from chainette_serializers.files import replacing
from chainette_training.extension import Extension

SHARE = 50  # a drawing comes when so many times its duration has gone by: 2 % of the time
FIRST = 0.2  # seconds that the first one is thought to take


class Picture(Extension):
    """Draws seldom enough to cost 2 % of the time, and always when training ends. A subclass has ``figure``.

    Args:
        filename: the file's name in the trainer's folder. Its ending says the format.

    Raises:
        MissingPluginError: (an ImportError) matplotlib is not installed.
    """

    def __init__(self, filename: str) -> None:
        if not self.available():
            raise MissingPluginError(
                f"{type(self).__name__} draws with matplotlib: pip install 'chainette-training[plot]'"
            )
        self._filename = filename
        self._path: str | None = None  # where to draw what has not been drawn yet
        self._next = 0.0

    @staticmethod
    def available() -> bool:
        """Whether matplotlib is installed."""
        return find_spec("matplotlib") is not None

    def figure(self) -> Any:
        """The picture, as a figure of matplotlib."""
        raise NotImplementedError(f"{type(self).__name__} has no picture. Write figure(self).")

    def initialize(self, trainer: Any) -> None:
        self._next = perf_counter() + SHARE * FIRST

    def finalize(self) -> None:
        """Draw what has not been drawn yet."""
        self._draw()

    def show(self, trainer: Any) -> None:
        """Have it drawn: now, if the last time is long enough ago, else later."""
        self._path = os.path.join(trainer.out, self._filename)
        if perf_counter() >= self._next:
            self._draw()

    def _draw(self) -> None:
        path, self._path = self._path, None
        if path is None:
            return
        begin = perf_counter()
        figure = self.figure()
        kind = os.path.splitext(path)[1].removeprefix(".") or "png"
        with replacing(type(self).__name__, path, durable=False) as temporary:
            figure.savefig(temporary, format=kind)
        self._next = perf_counter() + SHARE * (perf_counter() - begin)
