"""Facades: modules such as ``chainette.functions`` whose names come from the plugins, each resolved once."""

from __future__ import annotations

import difflib
import importlib
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from chainette.errors import MissingPluginError, PluginConflict, PluginWarning
from chainette.plugins import Plugin, host, lock


class Provider(NamedTuple):
    """One plugin's offer of one name."""

    plugin: Plugin
    target: str  # "module:attribute"


_names: dict[str, dict[str, list[Provider]]] = {}  # by kind, filled when a kind is first asked for
_cached: set[tuple[str, str]] = set()  # (facade module, name): what was stored on first use, to be forgotten with it


def names(kind: str) -> dict[str, list[Provider]]:
    """The names of a kind and who brings them, the one that counts first; sorted by name."""
    with lock:
        if kind not in _names:
            offers: dict[str, list[Provider]] = {}
            for plugin, contributed in host.collect("chainette_names", Mapping):
                if kind in contributed:
                    for name, target in _offers(plugin, kind, contributed[kind]).items():
                        offers.setdefault(name, []).append(Provider(plugin, target))
            _names[kind] = _settle(kind, offers)
        return _names[kind]


def _offers(plugin: Plugin, kind: str, source: Any) -> dict[str, str]:
    if isinstance(source, str):
        try:
            exported = list(importlib.import_module(source).__all__)
        except (Exception, SystemExit) as error:
            host.complain(plugin, f"its package {source} for {kind} cannot be used: {type(error).__name__}: {error}")
            return {}
        offers = {name: f"{source}:{name}" for name in exported}
    elif isinstance(source, Mapping):
        offers = dict(source)
    else:
        host.complain(plugin, f"chainette_names gives {source!r} for {kind}, not a package name or a mapping")
        return {}
    for name, target in list(offers.items()):
        if not (isinstance(name, str) and name.isidentifier() and isinstance(target, str) and target.count(":") == 1):
            host.complain(plugin, f"chainette_names offers {name!r}: {target!r} for {kind} (expected 'module:attribute')")
            del offers[name]
    plugin.adds[kind] = sorted(offers)
    return offers


def _settle(kind: str, offers: dict[str, list[Provider]]) -> dict[str, list[Provider]]:
    """Ours before third parties', the rest by plugin name, so that the order of installation never matters."""
    for name, providers in offers.items():
        providers.sort(key=lambda provider: (not provider.plugin.is_ours, provider.plugin.name))
        first = providers[0].plugin
        if len(providers) > 1 and first.is_ours:
            others = ", ".join(str(provider.plugin) for provider in providers[1:])
            warnings.warn(
                f"chainette.{kind}.{name} stays that of {first.distribution}; {others} brings one too. "
                "Import theirs from their package, or disable one with CHAINETTE_DISABLE_PLUGINS",
                PluginWarning,
                stacklevel=2,
            )
    return dict(sorted(offers.items()))


def resolve(kind: str, name: str) -> Any:
    """The object that ``name`` of that kind means.

    Raises:
        AttributeError: no plugin brings it.
        PluginConflict: several third parties do.
    """
    known = names(kind)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        module = "chainette" if kind == "chainette" else f"chainette.{kind}"
        raise AttributeError(f"{module} has no {name!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
    first, *others = known[name]
    if others and not first.plugin.is_ours:
        raise PluginConflict(
            f"chainette.{kind}.{name} is brought by {' and '.join(str(each.plugin) for each in known[name])}. "
            "Import the one you mean from its own package, or disable the other with CHAINETTE_DISABLE_PLUGINS."
        )
    module, _, attribute = first.target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:
        host.complain(first.plugin, f"{kind}.{name} cannot be imported from {first.target}: {error}")
        raise AttributeError(f"chainette.{kind}.{name}: plugin {first.plugin} failed to bring it: {error}") from error


def facade(module: str, kind: str, distribution: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The ``__getattr__`` and ``__dir__`` of a facade module.

    Raises:
        MissingPluginError: at import, when no plugin brings anything of that kind.
    """
    if not names(kind):
        broken = [str(p) + ": " + p.why for p in host.plugins.values() if p.distribution == distribution and p.why]
        why = f" ({broken[0]})" if broken else ""
        raise MissingPluginError(f"{module} is empty: pip install {distribution}{why}", name=module)

    def module_getattr(name: str) -> Any:
        if name == "__all__":
            return list(names(kind))
        if name.startswith("__"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        value = resolve(kind, name)
        setattr(sys.modules[module], name, value)
        _cached.add((module, name))
        return value

    return module_getattr, lambda: list(names(kind))


_HOMES = {
    "chainette-links": {"Chain", "ChainList", "Link", "Sequential"},
    "chainette-optimizers": {"GradientMethod", "Optimizer", "UpdateRule"},
}


def resolve_top_level(name: str) -> Any:
    """``chainette.NAME`` where a plugin brings it.

    Raises:
        MissingPluginError: the distribution that has it is not installed.
    """
    for distribution, home in _HOMES.items():
        if name in home and name not in names("chainette"):
            raise MissingPluginError(f"chainette.{name} is missing: pip install {distribution}", name=name)
    value = resolve("chainette", name)
    _cached.add(("chainette", name))
    return value


def forget_names() -> None:
    """Ask the plugins anew at next use, and drop what facades stored."""
    with lock:
        _names.clear()
        for module, name in _cached:
            vars(sys.modules[module]).pop(name, None)
        _cached.clear()
