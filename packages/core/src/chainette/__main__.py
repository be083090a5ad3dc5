"""``python -m chainette``: what is installed, which plugins there are, which kernels run, which functions there are."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import textwrap
import warnings
from collections.abc import Callable, Mapping, Sequence
from types import NoneType
from typing import Any

import numpy as np

import chainette
from chainette import _facade, kernels
from chainette.backend import Backend, backends
from chainette.errors import ChainetteError, DeviceError, PluginWarning
from chainette.plugins import Plugin, host

SWITCHES = {
    "CHAINETTE_DEBUG": "1: debug mode from the start",
    "CHAINETTE_DISABLE_PLUGINS": "plugins to leave out, by name, separated by commas; * for all third parties'",
    "CHAINETTE_KERNELS": "generic: no kernel is used",
    "CHAINETTE_PLUGINS": "the only plugins to use, by name, separated by commas",
    "CHAINETTE_SEED": "the seed of all random numbers",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # _mention_faults says it in a line, without the source
        parser = _parser()
        chosen = parser.parse_args(arguments)
        run: Callable[[argparse.Namespace], int | None] | None = getattr(chosen, "run", None)
        if run is None:
            parser.print_help()
            return 0
        try:
            status = run(chosen) or 0
        except ChainetteError as error:
            print(f"chainette: {error}", file=sys.stderr)
            status = 1
        if run is not show_plugins:
            _mention_faults()
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m chainette",
        description="What chainette finds on this machine, and the commands that plugins add.",
        epilog="environment switches:\n" + _table([(f"  {name}", what) for name, what in SWITCHES.items()]),
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=32),
    )
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    info = _add(subparsers, "info", show_info, "versions, devices, settings: what a bug report needs")
    plugins = _add(subparsers, "plugins", show_plugins, "the plugins, and what is wrong with those that do not work")
    plugins.add_argument(
        "--check", action="store_true", help="call every hook, resolve every name; exit status 1 if anything is wrong"
    )
    plugins.add_argument("--verbose", action="store_true", help="also list what each plugin adds")
    kernels_ = _add(subparsers, "kernels", show_kernels, "which kernels are tried for which function, in what order")
    functions = _add(subparsers, "functions", show_functions, "the functions by group, and which plugin brings them")
    for subparser in (info, plugins, kernels_, functions):
        subparser.add_argument("--json", action="store_true", help="print one JSON object")
    for _ in host.call("chainette_commands", NoneType, subparsers=subparsers):
        pass
    return parser


def _add(subparsers: Any, name: str, run: Callable[[argparse.Namespace], int], what: str) -> argparse.ArgumentParser:
    subparser: argparse.ArgumentParser = subparsers.add_parser(name, help=what, description=f"Show {what}.")
    subparser.set_defaults(run=run)
    return subparser


def _mention_faults() -> None:
    for plugin in host.plugins.values():
        if plugin.state in ("broken", "incompatible"):
            print(
                f"chainette: plugin {plugin} is {plugin.state}, see python -m chainette plugins --check",
                file=sys.stderr,
            )


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Left-aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, default=str))


def show_info(chosen: argparse.Namespace) -> int:
    """``info``."""
    installed = {plugin.distribution: plugin.version for plugin in host.plugins.values()}
    sections: dict[str, Mapping[str, Any]] = {
        "versions": {
            "chainette": _version(),
            **{name: version for name, version in sorted(installed.items()) if name != "chainette"},
            "Python": platform.python_version(),
            "NumPy": np.__version__,
            "platform": platform.platform(),
        },
        "devices": {name: _devices(backend) for name, backend in backends().items()},
        "config": {name: _plain(getattr(chainette.config, name)) for name in dir(chainette.config) if name != "show"},
        "environment": {name: os.environ[name] for name in SWITCHES if name in os.environ},
        **{
            f"plugin {plugin.key}": {str(key): value for key, value in report.items()}
            for plugin, report in host.collect("chainette_report", Mapping)
        },
    }
    if chosen.json:
        _print_json(sections)
        return 0
    for title, section in sections.items():
        rows = [(f"  {name}", _in_words(value)) for name, value in section.items()]
        print(f"{title}\n{_table(rows or [('  none of the switches is set',)])}\n")
    return 0


def _version() -> str:
    from importlib.metadata import PackageNotFoundError

    try:
        return chainette.__version__
    except PackageNotFoundError:
        return "not installed, run from its source"


def _devices(backend: Backend) -> list[str]:
    """The backend's devices by name, or what keeps it from having any."""
    if not backend.is_accelerator:
        return [backend.name]
    found: list[str] = []
    try:
        while True:  # get_device refuses the first index that does not exist
            found.append(backend.get_device(len(found)).name)
    except DeviceError as error:
        return found or [f"none: {error}"]
    except Exception as error:  # a driver's own
        return [*found, f"{type(error).__name__}: {error}"]


def _plain(value: Any) -> Any:
    return np.dtype(value).name if isinstance(value, type) and issubclass(value, np.generic) else value


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_in_words(each)}" for key, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def show_plugins(chosen: argparse.Namespace) -> int:
    """``plugins``."""
    conflicts: list[str] = []
    if chosen.check or chosen.verbose:
        from chainette.testing.plugins import exercise

        conflicts = [text for text, _ in exercise()]
    plugins = list(host.plugins.values())
    if chosen.json:
        _print_json({"plugins": [_as_dict(plugin, chosen.verbose) for plugin in plugins], "conflicts": conflicts})
    elif not plugins:
        print("no plugin is installed: pip install 'chainette[all]'")
    else:
        rows = [("plugin", "distribution", "version", "state", "why")]
        for each in plugins:
            first, *more = each.faults or [""]
            rows.append((each.name, each.distribution, each.version, each.state, first))
            rows += [("", "", "", "", fault) for fault in more]
        print(_table(rows))
        if chosen.verbose:
            _print_additions(plugins)
        for conflict in conflicts:
            print(f"conflict: {conflict}")
    faulty = conflicts or any(plugin.state in ("broken", "incompatible") for plugin in plugins)
    return 1 if chosen.check and faulty else 0


def _as_dict(plugin: Plugin, verbose: bool) -> dict[str, Any]:
    names = ("name", "distribution", "version", "entry_point", "state", "why")
    found = {name: getattr(plugin, name) for name in names}
    return {**found, "adds": {kind: added for kind, added in plugin.adds.items() if added}} if verbose else found


def _print_additions(plugins: list[Plugin]) -> None:
    for plugin in plugins:
        additions = {kind: added for kind, added in plugin.adds.items() if added}
        print(f"\n{plugin.key} adds" + ("" if additions else " nothing"))
        for kind, added in additions.items():
            _print_names(f"{kind} ({len(added)})", added)


def _print_names(heading: str, names: Sequence[str]) -> None:
    print(f"  {heading}")
    print(textwrap.fill(", ".join(names), 100, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False))


def show_kernels(chosen: argparse.Namespace) -> int:
    """``kernels``."""
    generic = os.environ.get("CHAINETTE_KERNELS", "") == "generic"
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for backend in backends().values():
        contributions = host.collect("chainette_kernels", list, backend=backend.name)
        owners = {id(kernel): plugin.key for plugin, contributed in contributions for kernel in contributed}
        for function, registered in sorted(kernels.registered_kernels(backend).items()):
            found.setdefault(function, {})[backend.name] = [
                {"name": kernel.name, "plugin": owners[id(kernel)], "priority": kernel.priority}
                for kernel in registered
            ]
    if chosen.json:
        _print_json({"generic": generic, "kernels": found})
        return 0
    if not found:
        print("no plugin brings a kernel: every function runs its generic code")
        return 0
    rows = [("function", "backend", "tried in this order: kernel (plugin, priority)")]
    for function, by_backend in found.items():
        for name, tried in by_backend.items():
            order = ["{name} ({plugin}, {priority})".format(**each) for each in tried]
            rows.append((function, name, ", ".join([*order, "generic"])))
    print(_table(rows))
    print("every other function runs its generic code")
    if generic:
        print("CHAINETTE_KERNELS=generic: none of these kernels is used")
    return 0


def show_functions(chosen: argparse.Namespace) -> int:
    """``functions``."""
    groups: dict[str, dict[str, str]] = {}
    for name, providers in _facade.names("functions").items():
        brings = " and ".join(provider.plugin.key for provider in providers if not providers[0].plugin.is_ours)
        groups.setdefault(_group(name, providers), {})[name] = brings or providers[0].plugin.key
    count = sum(map(len, groups.values()))
    if chosen.json:
        _print_json({"count": count, "groups": dict(sorted(groups.items()))})
        return 0
    for group, members in sorted(groups.items()):
        for plugin in sorted(set(members.values())):
            names = [name for name, brings in members.items() if brings == plugin]
            _print_names(f"{group} ({len(names)}, from plugin {plugin})", names)
    if count == 0:
        print("no functions: pip install chainette-functions")
    else:
        print("1 function" if count == 1 else f"{count} functions")
    return 0


def _group(name: str, providers: list[_facade.Provider]) -> str:
    """The folder in chainette_functions that has (or would have) the function; a third party's plugin's name."""
    plugin = providers[0].plugin
    if _facade.is_contested(providers):
        return "in conflict"
    if not plugin.is_ours:
        return plugin.name
    try:
        *folders, module = str(_facade.load("functions", name, providers[0]).__module__).split(".")
    except AttributeError:
        return "broken"
    if folders == ["chainette", "operators"]:  # which chainette_functions shows too
        return "array" if module in ("broadcast", "cast", "get_item", "shape") else "math"
    return folders[1] if len(folders) > 1 else plugin.name


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:  # the reader, e.g. head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
