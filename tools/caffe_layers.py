"""The table of Caffe's layers in docs/caffe.md, made of the code: classes, their docstrings, and the tests.

    python tools/caffe_layers.py --write

Without --write it says whether the table is up to date; exit status 1 if not.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
from pathlib import Path

from chainette_caffe_import._plugin import LAYERS, OTHER_NAMES

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "caffe.md"
TESTS = ROOT / "packages" / "caffe-import" / "tests"
BEGIN, END = "<!-- tools/caffe_layers.py writes what follows -->\n", "<!-- until here -->\n"


def places() -> dict[str, tuple[str, str]]:
    """Module and class of each type."""
    found = {
        name: (f"chainette_caffe_import.layers.{module}", name) for module in LAYERS for name in LAYERS[module].split()
    }
    found |= {name: (place.split(":")[0], place.split(":")[1]) for name, place in OTHER_NAMES.items()}
    return dict(sorted(found.items(), key=lambda each: each[0].lower()))


def cases() -> dict[str, list[str]]:
    """The nets with Caffe's own numbers, by the types of layers that are in them."""
    found: dict[str, list[str]] = {}
    for path in sorted((TESTS / "cases").glob("*.json")):
        for kind in json.loads(path.read_text(encoding="utf-8"))["types"]:
            found.setdefault(kind, []).append(path.stem)
    return found


def loops(kind: str, module: str) -> str:
    """The test file of the module if it has layers of that type in its prototxts."""
    path = TESTS / f"test_{module.rpartition('.')[2]}.py"
    is_there = path.exists() and re.search(rf"""\b{kind}\b""", path.read_text(encoding="utf-8"))
    return path.name if is_there else ""


def table() -> str:
    lines = ["| type | what it computes | Caffe's own numbers | other references |", "| --- | --- | --- | --- |"]
    with_caffe = cases()
    for kind, (module, name) in places().items():
        text = getattr(importlib.import_module(module), name).__doc__ or ""
        what = " ".join(text.partition("\n\n")[0].split()).replace("``", "`").replace("|", "\\|")
        nets = ", ".join(f"`{case}`" for case in with_caffe.get(kind, []))
        lines.append(f"| `{kind}` | {what} | {nets} | {loops(kind, module)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="bring the table up to date")
    options = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, behind = rest.partition(END)
    new = before + BEGIN + "\n" + table() + "\n" + END + behind
    if new == page:
        return 0
    if not options.write:
        print(f"{PAGE.name}: the table of layers is not up to date. Run python tools/caffe_layers.py --write")
        return 1
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
