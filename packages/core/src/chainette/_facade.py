"""Facades: modules such as ``chainette.functions`` whose names come from the plugins, each resolved once."""

from __future__ import annotations

import difflib
import keyword
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from typing import Any, NamedTuple

from chainette.errors import MissingPluginError, PluginConflict
from chainette.plugins import Plugin, host, import_module, is_half_imported, lock, words


class Provider(NamedTuple):
    """One plugin's offer of one name."""

    plugin: Plugin
    target: str  # "module:attribute"


_names: dict[str, dict[str, list[Provider]]] = {}  # by kind, filled when a kind is first asked for
_cached: set[tuple[str, str]] = set()  # (facade module, name): what was stored on first use, to be forgotten with it


def names(kind: str) -> dict[str, list[Provider]]:
    """The names of a kind (one of ``hooks.KINDS``, or ``importers``) and who brings them, sorted by name.

    The provider that counts comes first. Packages are imported without the lock held; two threads that come here at
    once find the same.
    """
    known = _names.get(kind)
    if known is not None:
        return known
    offers: dict[str, list[Provider]] = {}
    complete = True
    for plugin, source in _contributed(kind):
        found = _offers(plugin, kind, source)
        complete = complete and found is not None
        for name, target in (found or {}).items():
            offers.setdefault(name, []).append(Provider(plugin, target))
    known = dict(sorted(offers.items()))
    for name, providers in known.items():
        if len(providers) > 1 and providers[0].plugin.is_ours:
            host.warn(conflict(kind, name, providers))
    if not complete:
        return known
    with lock:
        return _names.setdefault(kind, known)


def _contributed(kind: str) -> Iterator[tuple[Plugin, Any]]:
    from chainette.hooks import KINDS

    if kind == "importers":
        yield from host.collect("chainette_importers", Mapping)
        return
    for plugin, contributed in host.collect("chainette_names", Mapping):
        unknown = [repr(each) for each in contributed if each not in KINDS]
        if unknown:
            host.complain(
                plugin, f"chainette_names gives names of kind {', '.join(unknown)} (kinds: {', '.join(KINDS)})"
            )
        if kind in contributed:
            yield plugin, contributed[kind]


def _offers(plugin: Plugin, kind: str, source: Any) -> dict[str, str] | None:
    """Name -> target. None for a package whose own import led here: its names are known when that is done."""
    if isinstance(source, str):
        try:
            package = import_module(source)
            if is_half_imported(package):
                return None
            offers = {name: f"{source}:{name}" for name in package.__all__}
        except (Exception, SystemExit) as error:
            host.complain(plugin, f"its package {source} for {kind} cannot be used: {words(error)}")
            return {}
    elif isinstance(source, Mapping):
        offers = dict(source)
    else:
        host.complain(plugin, f"chainette_names gives {source!r:.80} for {kind} (expected a package name or a mapping)")
        return {}
    refused = [f"{name!r}: {target!r}" for name, target in offers.items() if not _is_sound(kind, name, target)]
    if refused:
        host.complain(
            plugin,
            f"it cannot have the names {', '.join(refused)} in {kind} (expected a public name that chainette's core "
            "has not, and 'module:attribute')",
        )
    sound = {name: target for name, target in offers.items() if _is_sound(kind, name, target)}
    plugin.adds[kind] = sorted(sound)
    return sound


def _is_sound(kind: str, name: Any, target: Any) -> bool:
    if not isinstance(name, str) or not isinstance(target, str):
        return False
    if kind == "importers":  # formats, not identifiers
        is_free = True
    elif not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        return False
    else:
        is_free = kind != "chainette" or not _is_in_core(name)
    module, colon, attribute = target.partition(":")
    return is_free and bool(module and colon and attribute) and ":" not in attribute


def _is_in_core(name: str) -> bool:
    return name in sys.modules["chainette"].__all__ or find_spec(f"chainette.{name}") is not None


def shown_in(kind: str) -> str:
    """The module that shows the names of a kind."""
    from chainette.hooks import KINDS

    return KINDS.get(kind, f"chainette.{kind}")


def conflict(kind: str, name: str, providers: list[Provider]) -> str:
    """What it means that several plugins bring one name, in words."""
    first, *others = [provider.plugin for provider in providers]
    where = shown_in(kind)
    if first.is_ours:
        return (
            f"{where}.{name} is that of {first}; {' and '.join(map(str, others))} brings one too. "
            f"Import theirs from their package, or leave them out with {others[0].switch}."
        )
    return (
        f"{where}.{name} is brought by {first} and {' and '.join(map(str, others))}. "
        f"Import the one you mean from its own package, or leave the other out, e.g. with {others[0].switch}."
    )


def is_contested(providers: list[Provider]) -> bool:
    """Whether several third parties bring the name and none of ours does, so that nobody gets it."""
    return len(providers) > 1 and not providers[0].plugin.is_ours


def resolve(kind: str, name: str) -> Any:
    """The object that ``name`` of that kind means.

    Raises:
        AttributeError: no plugin brings it.
        PluginConflict: several third parties do.
    """
    known = names(kind)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        raise AttributeError(f"{shown_in(kind)} has no {name!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
    if is_contested(known[name]):
        raise PluginConflict(conflict(kind, name, known[name]))
    return load(kind, name, known[name][0])


def load(kind: str, name: str, provider: Provider) -> Any:
    """What one plugin offers under a name. A plugin that fails to bring it is reported.

    Raises:
        AttributeError: it cannot be imported.
    """
    path, _, attribute = provider.target.partition(":")
    module = None
    try:
        module = import_module(path)
        return getattr(module, attribute)
    except (Exception, SystemExit) as error:
        if not is_half_imported(module):
            host.complain(provider.plugin, f"{kind}.{name} cannot be had from {provider.target}: {words(error)}")
        raise AttributeError(
            f"{shown_in(kind)}.{name}: plugin {provider.plugin} failed to bring it: {words(error)}"
        ) from error


def facade(module: str, kind: str, distribution: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The ``__getattr__`` and ``__dir__`` of a facade module.

    Raises:
        MissingPluginError: at import, when no plugin brings anything of that kind.
    """

    def module_getattr(name: str) -> Any:
        if name == "__all__":  # for star imports, which must not fail over one plugin's fault
            return [each for each in module_dir() if _can_be_had(kind, each)]
        if name.startswith("__"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        if hasattr(sys.modules[module], "__path__") and find_spec(f"{module}.{name}") is not None:
            return import_module(f"{module}.{name}")  # chainette.training.triggers works after importing training
        if name not in names(kind) and not _is_there(distribution):
            raise AttributeError(f"{module} has no {name!r}. {_how_to_get(distribution)}")
        value = resolve(kind, name)
        setattr(sys.modules[module], name, value)
        _cached.add((module, name))
        return value

    def module_dir() -> list[str]:
        return [name for name, providers in names(kind).items() if not is_contested(providers)]

    # All of it at once: the packages that names() imports, here or in another thread, may use this facade themselves.
    parent, _, child = module.rpartition(".")
    vars(sys.modules[module]).update(__getattr__=module_getattr, __dir__=module_dir)
    setattr(sys.modules[parent], child, sys.modules[module])
    try:
        if not names(kind):
            raise MissingPluginError(f"{module} is empty: {_how_to_get(distribution)}", name=module)
    except BaseException:
        delattr(sys.modules[parent], child)
        raise
    return module_getattr, module_dir


def _can_be_had(kind: str, name: str) -> bool:
    try:
        resolve(kind, name)
    except AttributeError:
        return False
    return True


def _is_there(distribution: str) -> bool:
    return any(plugin.distribution == distribution and plugin.state == "ok" for plugin in host.plugins.values())


def _how_to_get(distribution: str) -> str:
    for plugin in host.plugins.values():
        if plugin.distribution == distribution and plugin.why:
            return f"plugin {plugin} is {plugin.state}: {plugin.why}"
    return f"pip install {distribution}"


_HOMES = {
    "chainette-links": {"Chain", "ChainList", "Link", "LinkHook", "Sequential"},
    "chainette-optimizers": {"GradientMethod", "Optimizer", "UpdateRule"},
    "chainette-training": {"DictSummary", "Summary", "print_runtime_info"},
}


def resolve_top_level(name: str) -> Any:
    """``chainette.NAME`` where a plugin brings it.

    Raises:
        MissingPluginError: the distribution that has it is not installed.
    """
    for distribution, home in _HOMES.items():
        if name in home and name not in names("chainette"):
            raise MissingPluginError(f"chainette.{name} is missing: {_how_to_get(distribution)}", name=name)
    value = resolve("chainette", name)
    _cached.add(("chainette", name))
    return value


def forget_names() -> None:
    """Ask the plugins anew at next use, and drop what facades stored."""
    with lock:
        _names.clear()
        for module, name in list(_cached):
            if module in sys.modules:
                vars(sys.modules[module]).pop(name, None)
        _cached.clear()
