"""Ctrl-C that waits for the end of a step."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Interrupt:
    """Whether somebody pressed Ctrl-C."""

    requested = False


@contextmanager
def at_the_end_of_a_step() -> Iterator[Interrupt]:
    """Note the first Ctrl-C, so that a step, or the writing of a file, is not left half-done; a second one breaks it.

    Signals can be caught in the main thread only; in another one, and where the program has a handler of its own,
    everything stays as it is.
    """
    interrupt = Interrupt()

    def note(number: int, frame: Any) -> None:
        if interrupt.requested:
            raise KeyboardInterrupt
        interrupt.requested = True
        # Not by print: the signal may come in the middle of a write to the same stream, which Python then refuses.
        start = "\r\x1b[2K" if os.isatty(2) else ""  # in the place of a progress bar, which is drawn anew below
        os.write(2, f"{start}Interrupted: this step is finished first. Once more to stop at once.\n".encode())

    is_ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if is_ours:
        signal.signal(signal.SIGINT, note)
    try:
        yield interrupt
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
