"""Once."""

from __future__ import annotations

from typing import Any


class OnceTrigger:
    """True the first time that it is asked, and never again.

    Args:
        call_on_resume: whether also the first time after a snapshot was loaded.

    >>> trigger = OnceTrigger()
    >>> trigger(None), trigger(None)
    (True, False)
    """

    def __init__(self, call_on_resume: bool = False) -> None:
        self.call_on_resume = call_on_resume
        self._is_due = True

    def __call__(self, trainer: Any) -> bool:
        is_due, self._is_due = self._is_due, False
        return is_due

    def serialize(self, serializer: Any) -> None:
        is_due = bool(serializer("is_due", self._is_due))
        if not serializer.is_writer and not self.call_on_resume:
            self._is_due = is_due
