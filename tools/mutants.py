"""Can the tests of the functions fail? Each function is made wrong in small ways, one at a time; its tests must notice.

    python tools/mutants.py                     a fixed sample of the mutants of everything
    python tools/mutants.py --function relu     of one public function or shared module; may be repeated
    python tools/mutants.py --all               every mutant

A mutant is a module with one term dropped, one sign, comparison, flag or number changed, or the members of a pair
swapped (see mutations.py). It is caught if a test that concerns the function fails: one of its rows in the case tables,
or a test that calls it by name. (Examples in docstrings do not count: they are for the reader.) For a module that
several functions share, the tests are those of all of them.

Nothing is written into the checkout: sources and tests are copied to a temporary folder, and each mutant is tried in a
process of its own, forked from this one, which has loaded pytest and NumPy already. Mutants that change nothing a
caller could see are listed, each with its reason, in mutants_equivalent.toml.
"""

import argparse
import compileall
import dis
import importlib.util
import itertools
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # a process with threads is not safe to fork
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"

import hypothesis.extra.numpy
import pytest
from mutations import SAMPLE, Mutant, Subject, all_subjects

hypothesis.settings.register_profile("mutants", derandomize=True, database=None, deadline=None)
hypothesis.settings.load_profile("mutants")

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"chainette": "packages/core/src", "chainette_functions": "packages/functions/src"}
TESTS = "packages/functions/tests"
EQUIVALENT = ROOT / "tools/mutants_equivalent.toml"
WANTED = 95  # per cent of the subjects
SECONDS = 300  # after which a trial is stopped
OPTIONS = ["-x", "-q", "-p", "no:cacheprovider", "-p", "chainette.testing.pytest_plugin", "--assert=plain"]
PASSED, NO_TESTS, ODD = 0, 5, 70  # exit codes
CAUGHT = {1: "a test failed", 2: "the import failed", -1: "stopped, or crashed"}


@dataclass
class Trial:
    """The tests of a subject, with a mutant or without one; ``outcome`` is pytest's exit code, or -1."""

    subject: Subject
    mutant: Mutant | None
    outcome: int | None = None
    output: str = ""

    def run(self, folder: Path) -> None:
        """Run in this process, which does not come back."""
        os.chdir(folder)
        output = os.open("output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        signal.alarm(SECONDS if self.mutant else 10 * SECONDS)  # a mutant may never end, or ask for all memory
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
        sys.dont_write_bytecode = True
        sys.path.insert(0, str(folder))
        expected = list(PACKAGES)
        if self.mutant:
            (folder / self.mutant.file).write_text(self.mutant.source, encoding="utf-8")
            Path(importlib.util.cache_from_source(str(folder / self.mutant.file))).unlink(missing_ok=True)
            expected.append(self.mutant.file.removesuffix(".py").replace("/", "."))
        named = re.compile(rf"\bF\.({'|'.join(self.subject.functions)})\b")
        files = [str(file) for file in sorted(Path("tests").glob("test_*.py")) if named.search(file.read_text("utf-8"))]
        code = int(pytest.main([*OPTIONS, *files], plugins=[self])) if files else NO_TESTS
        paths = [str(sys.modules[name].__file__) for name in expected if name in sys.modules]
        ours = all(Path(path).is_relative_to(folder) for path in paths) and (code or len(paths) == len(expected))
        os._exit(code if ours else ODD)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """The rows of the functions, and then the tests that call them by name."""
        rank = {item: self.concerns(item) for item in items}
        items[:] = sorted((item for item in items if rank[item]), key=rank.__getitem__)

    def concerns(self, item: Any) -> int:
        values = list(getattr(getattr(item, "callspec", None), "params", {}).values())
        for case in (value for value in values if type(value).__name__ == "Case"):
            return int(case.function.__name__ in self.subject.functions)
        return 2 if any(self.subject.functions & called_by(value) for value in [item.function, *values]) else 0


def called_by(value: Any, depth: int = 2) -> set[str]:
    """The functions that a value is, or that its code calls as ``F.name``, also by way of the test file's helpers."""
    if isinstance(value, (tuple, list)):
        return set().union(*(called_by(each, depth) for each in value))
    function = getattr(getattr(value, "hypothesis", None), "inner_test", getattr(value, "func", value))
    if not isinstance(function, FunctionType):
        return set()
    if function.__module__.startswith(tuple(PACKAGES)):
        return {function.__name__}
    found, names, codes = set(), set(), [function.__code__]
    for code in codes:
        found |= {b.argval for a, b in itertools.pairwise(dis.get_instructions(code)) if a.argval == "F"}
        names |= {*code.co_names}
        codes += [each for each in code.co_consts if isinstance(each, CodeType)]
    helpers = [function.__globals__.get(name) for name in names] if depth else []
    own = [each for each in helpers if getattr(each, "__module__", "") == function.__module__]
    return found.union(*(called_by(each, depth - 1) for each in own))


def run_all(trials: list[Trial], folders: list[Path], done: Callable[[Trial], None]) -> None:
    """Run each trial in a forked process, as many at a time as there are folders."""
    waiting, free, running = list(reversed(trials)), list(folders), {}
    try:
        while waiting or running:
            while waiting and free:
                trial, folder = waiting.pop(), free.pop()
                pid = os.fork()
                if not pid:
                    try:
                        trial.run(folder)
                    finally:
                        os._exit(ODD)
                running[pid] = trial, folder
            pid, status = os.wait()
            trial, folder = running.pop(pid)
            trial.outcome = max(os.waitstatus_to_exitcode(status), -1)  # of a signal it is minus its number
            trial.output = (folder / "output").read_text(encoding="utf-8", errors="replace")
            if trial.mutant:
                shutil.copy2(folder.parent / "original" / trial.mutant.file, folder / trial.mutant.file)
            free.append(folder)
            done(trial)
    finally:
        for pid in running:
            os.kill(pid, signal.SIGKILL)


class Report:
    """Says for each subject, as soon as all its mutants were tried, how many were caught, and which were not."""

    def __init__(self, trials: list[Trial]) -> None:
        self.trials: dict[str, list[Trial]] = {}
        for trial in trials:
            self.trials.setdefault(trial.subject.name, []).append(trial)
        self.good: dict[str, bool] = {}
        self.ways: Counter[int] = Counter()

    def done(self, trial: Trial) -> None:
        name = trial.subject.name
        if trial.outcome not in (PASSED, NO_TESTS, *CAUGHT):
            sys.exit(f"{name}: the trial itself went wrong (exit code {trial.outcome}) with {trial.mutant}")
        self.ways[trial.outcome] += 1
        if any(each.outcome is None for each in self.trials[name]):
            return
        survivors = [each.mutant for each in self.trials[name] if each.outcome not in CAUGHT and each.mutant]
        self.good[name] = not survivors
        total = len(self.trials[name])
        print(f"{name:<44} {total - len(survivors):>3}/{total}", flush=True)
        for mutant in survivors:
            show("survived", mutant)

    def end(self) -> bool:
        caught, how = (
            sum(self.ways[code] for code in CAUGHT),
            ", ".join(f"{CAUGHT[code]}: {self.ways[code]}" for code in CAUGHT),
        )
        print(f"\n{caught} of {self.ways.total()} mutants were caught ({how}).")
        good, share = sum(self.good.values()), 100 * sum(self.good.values()) / max(len(self.good), 1)
        print(
            f"All were caught of {good} of {len(self.good)} functions and modules: {share:.1f} % (wanted: {WANTED} %)."
        )
        return share >= WANTED


def show(kind: str, mutant: Mutant, reason: str = "") -> None:
    file = f"{PACKAGES[mutant.file.partition('/')[0]]}/{mutant.file}"
    print(f"    {kind}  {file}:{mutant.line}  {mutant.place}\n      - {mutant.was}\n      + {mutant.becomes}")
    if reason:
        print(f"      {reason}")


def leave_out_equivalents(subjects: list[Subject]) -> list[tuple[str, ...]]:
    """Show the mutants that need not be caught, and drop them. Returns the rows of the list that fit nothing."""
    rows = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8")).get("mutant", [])
    reasons = {tuple(row[key] for key in ("file", "place", "was", "becomes")): row["reason"] for row in rows}
    equal = {mutant.key: mutant for subject in subjects for mutant in subject.mutants if mutant.key in reasons}
    for key, mutant in equal.items():
        show("equivalent", mutant, reasons[key])
    for subject in subjects:
        subject.mutants = [mutant for mutant in subject.mutants if mutant.key not in equal]
    return sorted(reasons.keys() - equal.keys())


def try_all(subjects: list[Subject], everything: bool, folders: list[Path]) -> bool:
    """Try everything as it is, and then mutants of what passes its tests."""
    unchanged = [Trial(Subject("all", set().union(*(subject.functions for subject in subjects)), []), None)]
    run_all(unchanged, folders, lambda trial: None)
    if unchanged[0].outcome != PASSED:  # whose tests are these?
        unchanged = [Trial(subject, None) for subject in subjects]
        run_all(unchanged, folders, lambda trial: None)
    unsound = {trial.subject.name: trial for trial in unchanged if trial.outcome not in (PASSED, NO_TESTS)}
    for name, trial in unsound.items():
        print(f"{name:<44}     its tests do not pass as they are (exit code {trial.outcome}):")
        print("    ", *trial.output.splitlines()[-12:], sep="\n    ")
    sound = [subject for subject in subjects if subject.name not in unsound and subject.mutants]
    chosen = [(subject, subject.mutants if everything else subject.sample()) for subject in sound]
    report = Report([Trial(subject, mutant) for subject, mutants in chosen for mutant in mutants])
    report.good = dict.fromkeys(unsound, False)
    if bare := [subject.name for subject in subjects if not subject.mutants]:
        print(f"Nothing can be mutated in {', '.join(bare)}: they only call others.")
    run_all([trial for trials in report.trials.values() for trial in trials], folders, report.done)
    return report.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--function", action="append", metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--all", action="store_true", help=f"every mutant, not a sample of {SAMPLE} a function")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many to try at a time")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that the copies are removed then too
    with tempfile.TemporaryDirectory() as folder:
        original = Path(folder).resolve() / "original"
        for package, sources in PACKAGES.items():
            shutil.copytree(ROOT / sources / package, original / package)
        shutil.copytree(ROOT / TESTS, original / "tests")
        shutil.copy2(ROOT / "pyproject.toml", original)
        compileall.compile_dir(original, quiet=2)
        folders = [shutil.copytree(original, original.parent / f"copy{i}") for i in range(options.jobs)]
        subjects = all_subjects(original)
        if unknown := set(options.function or ()) - subjects.keys():
            sys.exit(f"There is no public function or shared module {', '.join(sorted(unknown))}.")
        chosen = [subjects[name] for name in options.function or subjects]
        stale = leave_out_equivalents(chosen)
        good = try_all(chosen, options.all, folders)
    if stale and not options.function:
        print("These rows of tools/mutants_equivalent.toml fit nothing any more:", *stale, sep="\n    ")
        good = False
    sys.exit(not good)


if __name__ == "__main__":
    main()
