"""Install these of our distributions, and no others, into this environment from their wheels; then check that it is so.

    python tools/subset.py WHEELS core functions

WHEELS is the folder with the wheels. What they depend on comes from the package index, they themselves never do.
tox runs it in each of its environments.
"""

import importlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

PACKAGES = Path(__file__).resolve().parent.parent / "packages"
FACADES = {name: name for name in ("functions", "links", "optimizers", "serializers", "training")}
FACADES |= {"links.caffe": "caffe-import", "links.caffe_layers": "caffe-import"}
"""Facades, and the part that fills each."""

IMPORT_ALL = """
import importlib, pkgutil, sys
sys.modules["pytest"] = sys.modules["hypothesis"] = None  # they are in this environment, and only the kit may want them
from chainette.errors import MissingPluginError
for package in sys.argv[1:]:
    path = importlib.import_module(package).__path__
    for module in pkgutil.walk_packages(path, package + ".", onerror=lambda name: None):
        if not module.name.startswith("chainette.testing") and not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except MissingPluginError:  # a facade, which check() looks at
                if package != "chainette":
                    raise
            except ModuleNotFoundError as error:
                if error.name != "sklearn":  # of which chainette_training.estimators is made; it is an extra
                    raise
"""


def package(part: str) -> str:
    """The import package of the distribution in packages/PART, which is also how its wheel's name starts."""
    return "chainette" if part == "core" else f"chainette_{part.replace('-', '_')}"


def install(wheels: Path, parts: list[str]) -> None:
    """Put exactly these wheels here, also over ones of the same version, and then what they depend on."""
    files = [str(path) for part in parts for path in wheels.glob(f"{package(part)}-*.whl")]
    if len(files) != len(parts):
        sys.exit(f"{wheels} should hold one wheel for each of {', '.join(parts)}, and has {files}. Run tox -e wheels.")
    pip("install", "--force-reinstall", "--no-deps", "--no-index", *files)
    pip("install", *files)  # the wheels are there already: this is for their dependencies
    pip("check")


def pip(*arguments: str) -> None:
    quiet = [] if arguments == ("check",) else ["--quiet"]
    subprocess.run([sys.executable, "-m", "pip", *arguments, *quiet], check=True)


def check(parts: list[str]) -> None:
    """These import from this environment and work without the test tools; nothing else of ours is there."""
    for path in sorted(PACKAGES.glob("*/")):
        found = importlib.util.find_spec(package(path.name))
        origin = found.origin if found else None
        if path.name not in parts:
            expect(found is None, f"{package(path.name)} should not be importable, and is, from {origin}")
        else:
            ours = origin is not None and Path(origin).is_relative_to(sys.prefix)
            expect(ours, f"{package(path.name)} should come from {sys.prefix}, and comes from {origin}")
    for facade, part in FACADES.items():
        parent = facade.partition(".")[0]
        if parent != facade and parent not in parts:
            continue
        advice = missing(f"chainette.{facade}")
        if part in parts:
            expect(advice is None, f"chainette.{facade} should import, and says: {advice}")
        else:
            said = f"pip install chainette-{part}" in (advice or "")
            expect(said, f"chainette.{facade} should say what to install, and says: {advice}")
    subprocess.run([sys.executable, "-W", "error", "-c", IMPORT_ALL, *map(package, parts)], check=True)
    command = [sys.executable, "-m", "chainette", "plugins", "--check", "--json"]
    report = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    expect(report.returncode == 0, f"{' '.join(command[1:])} exits with {report.returncode} and says {report.stdout}")
    plugins = {plugin["name"] for plugin in json.loads(report.stdout)["plugins"]}
    expect(plugins == set(parts[1:]), f"the plugins found are {plugins}")


def missing(module: str) -> str | None:
    """What the import of a facade says where its distribution is not installed; None where it imports."""
    try:
        importlib.import_module(module)
    except ImportError as error:
        return str(error)
    return None


def expect(condition: bool, otherwise: str) -> None:
    if not condition:
        sys.exit(f"wrong subset: {otherwise}")


if __name__ == "__main__":
    folder, *subset = sys.argv[1:]
    install(Path(folder), subset)
    check(subset)
    print(f"{', '.join(subset)}: installed from wheels, and nothing else of ours is importable")
