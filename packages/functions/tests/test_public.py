"""What the package shows as a whole."""

import re
from pathlib import Path

import pytest

import chainette_functions as F

TABLES = [text for path in Path(__file__).parent.glob("test_*.py") if "homes = " in (text := path.read_text())]
HOMES = tuple(home for text in TABLES for home in re.findall(r'"(chainette[a-z_]*\.[a-z0-9_.]+)"', text))


@pytest.mark.parametrize("name", F.__all__)
def test_every_public_function_belongs_to_a_file_of_rows(name):
    module = getattr(F, name).__module__
    assert module.startswith(HOMES), f"no test_*.py claims the functions of {module}"


def test_the_names_are_sorted_and_each_is_there_once():
    assert sorted(set(F.__all__)) == F.__all__
    assert not [name for name in F.__all__ if not re.fullmatch("[a-z][a-z0-9_]*", name)]
