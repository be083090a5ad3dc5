"""Fixtures for tests of chainette plugins, offered to pytest by the entry point ``chainette`` in ``pytest11``.

Loading this module imports the package ``chainette``, in which it lies, and no plugin; the kit and what the fixtures
need are imported when a test uses them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from chainette.plugins import PluginHost


@pytest.fixture
def isolated_plugins() -> Callable[..., AbstractContextManager[PluginHost]]:
    """``chainette.testing.isolated_plugins``: ``with isolated_plugins(my_plugin): ...``."""
    from chainette.testing.plugins import isolated_plugins

    return isolated_plugins


@pytest.fixture
def seeded() -> Iterator[None]:
    """The test draws the same random numbers each time; afterwards every source goes on from where it was."""
    from chainette import random

    before, generators = random._seed, dict(random._generators)
    random.seed(0)
    yield
    random.seed(before)
    random._generators.update(generators)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "full: thorough and slow; a quick slice leaves these out with -m 'not full'")
