"""The flag that says: this forward pass repeats an earlier one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _ThreadState(threading.local):
    recomputing = False


_state = _ThreadState()


def is_recomputing() -> bool:
    """Whether this thread is repeating a forward pass for its gradient, as ``checkpoint`` does.

    What a forward pass leaves behind (running statistics, counters, reports) is left behind by the first one only.

    >>> is_recomputing()
    False
    """
    return _state.recomputing


@contextmanager
def recomputing() -> Iterator[None]:
    """The block repeats an earlier forward pass.

    >>> with recomputing():
    ...     is_recomputing()
    True
    """
    before, _state.recomputing = _state.recomputing, True
    try:
        yield
    finally:
        _state.recomputing = before
