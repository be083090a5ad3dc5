"""What the repository promises about itself. These run in a checkout; an installed copy has no repository."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCES = sorted((ROOT / "packages").glob("*/src/**/*.py"))
PYTHON_FILES = sorted(
    {
        path
        for folder in ("packages", "tests", "tools", "examples", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
    }
)
DISTRIBUTIONS = sorted((ROOT / "packages").glob("*/pyproject.toml"))

pytestmark = pytest.mark.skipif(not (ROOT / "VERSION").exists(), reason="these tests are not inside the repository")


def source_ids(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", PYTHON_FILES, ids=source_ids)
def test_a_file_has_at_most_400_lines(path):
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("path", SOURCES, ids=source_ids)
def test_no_backend_is_named_outside_its_plugin(path):
    if path.parts[-4:-1] == ("src", "chainette_gpu") or path.name == "cuda.py" or "gpu" in path.parts:
        return
    found = re.findall(r"\b(cupy|cudnn|cupyx)\b", path.read_text())
    assert not found or re.search(r'use_cudnn="', path.read_text()), f"{path.name} names {found}"


@pytest.mark.parametrize("path", DISTRIBUTIONS, ids=lambda path: path.parent.name)
def test_every_distribution_has_the_one_version_a_licence_and_type_information(path):
    text = path.read_text()
    version = (ROOT / "VERSION").read_text().strip()
    assert f'version = "{version}"' in text
    major, minor = version.split(".")[:2]
    for pin in re.findall(r'"chainette[a-z-]*(?:\[[a-z,]+\])?(>=[^"]+)"', text):
        assert pin == f">={major}.{minor},<{major}.{int(minor) + 1}"
    assert (path.parent / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert list((path.parent / "src").glob("*/py.typed"))


def test_every_hook_and_environment_switch_is_documented():
    from chainette.hooks import HOOKS

    documented = "\n".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))
    switches = {name for path in SOURCES for name in re.findall(r"\bCHAINETTE_[A-Z_]+\b", path.read_text())}
    missing = [name for name in [*HOOKS, *sorted(switches)] if name not in documented]
    assert not missing, f"docs/ does not mention {', '.join(missing)}"


def test_importing_chainette_is_cheap():
    import subprocess
    import sys

    code = "import numpy, sys; before = set(sys.modules); import chainette; print(*sorted(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"pluggy", "importlib.metadata", "asyncio", "unittest", "h5py", "scipy", "chainette.hooks"} & set(loaded)
    assert not heavy
    assert not [name for name in loaded if name.startswith("chainette_")]
