"""For tests of plugins: run with some plugins alone, and examine one that is installed."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import NoneType
from typing import Any

from chainette import _facade, kernels
from chainette.backend import Backend, backends
from chainette.errors import PluginWarning
from chainette.hooks import KINDS
from chainette.plugins import Plugin, PluginHost, Source, host


@contextmanager
def isolated_plugins(*modules: Any, installed: bool = False) -> Iterator[PluginHost]:
    """A context in which these are the only plugins, for all threads; afterwards everything is as before.

    Args:
        modules: what an entry point would name: modules, or other objects with ``chainette_api`` and hooks. A class
            is instantiated. The plugin's name is the object's ``__name__``, or its class's.
        installed: whether the plugins that were there before count too.

    >>> from types import SimpleNamespace
    >>> from chainette.hooks import hookimpl
    >>> @hookimpl
    ... def chainette_names():
    ...     return {"functions": {"tau": "math:tau"}}
    >>> with isolated_plugins(SimpleNamespace(chainette_api=1, chainette_names=chainette_names)):
    ...     import chainette.functions as F
    ...     dir(F), F.tau
    (['tau'], 6.283185307179586)
    """
    objects = [module() if isinstance(module, type) else module for module in modules]
    before = host.find

    def find() -> list[Source]:
        return [*(before() if installed else []), *(_in_memory(each, objects) for each in objects)]

    host.find = find
    host.reset()
    try:
        yield host
    finally:
        host.find = before
        host.reset()


def _in_memory(module: Any, modules: list[Any]) -> Source:
    name = getattr(module, "__name__", type(module).__name__)
    if sum(getattr(each, "__name__", type(each).__name__) == name for each in modules) > 1:
        name += str(next(position for position, each in enumerate(modules) if each is module))
    return Plugin(name, name, "in memory", name), lambda: module


def check_plugin(name: str) -> None:
    """Assert that the installed plugin with this entry-point name is sound; for a test of its author's.

    It loads, each hook answers and answers the right kind, each name it offers resolves to something with a docstring,
    it contends with no other plugin, its kernels are for functions that exist.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # what they say is in the list
        plugin = next((each for each in host.plugins.values() if each.name == name), None)
        if plugin is None:
            raise AssertionError(f"check_plugin: no plugin {name!r} (installed: {', '.join(host.plugins) or 'none'}).")
        conflicts = [text for text, plugins in exercise() if plugin in plugins]
        faults = [*plugin.faults, *conflicts, *_undocumented(plugin), *_kernels_for_nothing(plugin)]
    if plugin.state != "ok" or faults:
        lines = [f"check_plugin: plugin {plugin} is {plugin.state}:", *(f"  - {fault}" for fault in faults)]
        raise AssertionError("\n".join(lines))


def exercise() -> list[tuple[str, list[Plugin]]]:
    """Call every hook and resolve every name, so that each plugin's ``faults`` and ``adds`` say what there is to say.

    Returns the conflicts, each in words and with the plugins that take part.
    """
    conflicts = []
    for kind in (*KINDS, "importers"):
        for name, providers in _facade.names(kind).items():
            if len(providers) > 1:
                text = _facade.conflict(kind, name, providers)
                conflicts.append((text, [provider.plugin for provider in providers]))
            for provider in providers:
                _try_to_load(kind, name, provider)
    conflicts += _exercise_backends()
    _exercise_commands()
    for plugin, report in host.collect("chainette_report", Mapping):
        plugin.adds["report"] = sorted(map(str, report))
    return conflicts


def _try_to_load(kind: str, name: str, provider: _facade.Provider) -> Any:
    try:
        value = _facade.load(kind, name, provider)
    except AttributeError:  # reported by the host
        return None
    missing = [each for each in ("recognizes", "load") if not callable(getattr(value, each, None))]
    if kind == "importers" and missing:
        host.complain(provider.plugin, f"its importer {name!r} has no {' and no '.join(missing)}")
    return value


def _exercise_backends() -> list[tuple[str, list[Plugin]]]:
    known = backends()
    owners: dict[str, list[Plugin]] = {}
    for plugin, contributed in host.collect("chainette_backends", list):
        sound = [backend.name for backend in contributed if isinstance(backend, Backend)]
        plugin.adds["backends"] = sorted(sound)
        for name in sound:
            owners.setdefault(name, []).append(plugin)
    for backend in known.values():
        kernels.registered_kernels(backend)
        for plugin, contributed in host.collect("chainette_kernels", list, backend=backend.name):
            found = [f"{each.function} ({each.name})" for each in contributed if isinstance(each, kernels.Kernel)]
            plugin.adds[f"{backend.name} kernels"] = sorted(found)
    return [
        (f"backend {name!r} is brought by {' and '.join(map(str, plugins))}; the first one counts", plugins)
        for name, plugins in owners.items()
        if len(plugins) > 1 or name == "cpu"
    ]


def _exercise_commands() -> None:
    subparsers = argparse.ArgumentParser().add_subparsers()
    known: set[str] = set()
    for plugin, _ in host.call("chainette_commands", NoneType, subparsers=subparsers):
        added = sorted(set(subparsers.choices) - known)
        known.update(added)
        plugin.adds["commands"] = added
        for name in added:
            if not callable(subparsers.choices[name].get_default("run")):
                host.complain(plugin, f"its command {name!r} has no set_defaults(run=function)")


def _undocumented(plugin: Plugin) -> list[str]:
    faults = []
    for kind in KINDS:
        for name, providers in _facade.names(kind).items():
            for provider in providers:
                if provider.plugin is plugin:
                    value = _try_to_load(kind, name, provider)
                    if callable(value) and not (value.__doc__ or "").strip():
                        faults.append(f"{kind}.{name} has no docstring")
    return faults


def _kernels_for_nothing(plugin: Plugin) -> list[str]:
    """Kernels for functions that nobody defines; all modules that plugins name have been imported by now."""
    known = {table.key for table in kernels._tables}
    faults = []
    for backend in backends().values():
        for owner, contributed in host.collect("chainette_kernels", list, backend=backend.name):
            if owner is plugin:
                strangers = {each.function for each in contributed if isinstance(each, kernels.Kernel)} - known
                faults += [f"it has a kernel for {name!r}, but no such function is known" for name in sorted(strangers)]
    return faults
