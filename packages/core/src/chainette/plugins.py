"""The plugin host: finds plugins, keeps each one's faults to itself, and answers who brings what."""

from __future__ import annotations

import difflib
import importlib
import os
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from chainette.errors import PluginWarning

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

    import pluggy

ENTRY_POINT_GROUP = "chainette"

OUR_DISTRIBUTIONS = frozenset(
    {
        "chainette",
        "chainette-functions",
        "chainette-links",
        "chainette-optimizers",
        "chainette-serializers",
        "chainette-gpu",
        "chainette-caffe-import",
        "chainette-training",
    }
)
"""Where a third party's plugin brings a name that one of these brings too, these win."""

lock = threading.RLock()
"""The one lock for discovery and for the tables that are filled from it. Import nothing of a plugin's while you hold
it: another thread that is importing the same module may be waiting for the lock."""


@dataclass
class Plugin:
    """What is known about one plugin. ``state`` is ok, disabled, broken or incompatible; ``why`` says it in words."""

    name: str
    distribution: str
    version: str
    entry_point: str
    state: str = "ok"
    faults: list[str] = field(default_factory=list)
    adds: dict[str, list[str]] = field(default_factory=dict)
    key: str = ""  # its name, or name and distribution where another plugin has the same name

    @property
    def is_ours(self) -> bool:
        return self.distribution in OUR_DISTRIBUTIONS

    @property
    def why(self) -> str:
        return "; ".join(self.faults)

    @property
    def switch(self) -> str:
        """What leaves this plugin out."""
        name = self.name if self.key in ("", self.name) else self.distribution
        return f"CHAINETTE_DISABLE_PLUGINS={name}"

    def __str__(self) -> str:
        return f"{self.name!r} ({self.distribution} {self.version})"


Source: TypeAlias = tuple[Plugin, Callable[[], Any]]
"""A plugin, and what imports its module."""


class PluginHost:
    """Discovers the plugins at first need and calls their hooks one by one."""

    def __init__(self) -> None:
        self.find: Callable[[], list[Source]] = installed
        self._plugins: dict[str, Plugin] | None = None
        self._manager: pluggy.PluginManager | None = None
        self._said: set[str] = set()
        self._calling: set[tuple[Any, ...]] = set()
        self._answers: dict[tuple[Any, ...], list[tuple[Plugin, Any]]] = {}

    @property
    def plugins(self) -> MappingProxyType[str, Plugin]:
        """Every plugin that is installed, also those that are left out: ours first, then by name."""
        if self._plugins is None:
            found = sorted(self.find(), key=lambda source: _order(source[0]))
            # Without the lock, see there. A plugin's package that uses a facade while it is imported comes here again,
            # and that inner round is the one that counts.
            modules = [(plugin, *_import(plugin, load)) for plugin, load in found]
            with lock:
                if self._plugins is None:
                    self._take(modules)
        return MappingProxyType(self._plugins or {})

    def _take(self, modules: list[tuple[Plugin, Any, str]]) -> None:
        import pluggy

        from chainette import hooks

        manager = pluggy.PluginManager("chainette")
        manager.add_hookspecs(hooks)
        plugins: dict[str, Plugin] = {}
        for plugin, module, fault in modules:
            namesakes = [
                str(each) for each in plugins.values() if each.name == plugin.name and each.state != "disabled"
            ]
            if namesakes:
                fault = fault or f"{namesakes[0]} has the same plugin name"
            plugin.key = f"{plugin.name} ({plugin.distribution})" if plugin.name in plugins else plugin.name
            plugins[plugin.key] = plugin
            if plugin.state == "disabled":
                continue
            api = getattr(module, "chainette_api", None)
            if not fault and api != hooks.API_VERSION:
                self.complain(plugin, _about_api(api, hooks.API_VERSION), state="incompatible")
                continue
            fault = fault or _register(manager, plugin.key, module)
            if fault:
                self.complain(plugin, fault)
        # Published when all is done: where warnings are errors, one may have cut this short, and the next try goes on.
        self._manager, self._plugins = manager, plugins

    def collect(self, hook: str, kind: type, **arguments: Any) -> list[tuple[Plugin, Any]]:
        """A hook's results from every plugin, each called for itself and once; ours first, then by plugin name.

        A plugin whose hook raises or returns something other than ``kind`` is reported and left out.
        """
        key = (hook, *arguments.values())
        _ = self.plugins  # before the lock is taken
        with lock:
            if key not in self._answers:
                self._answers[key] = list(self.call(hook, kind, **arguments))
            return self._answers[key]

    def call(self, hook: str, kind: type, **arguments: Any) -> Iterator[tuple[Plugin, Any]]:
        """Like ``collect``, but anew each time, and one plugin after the other."""
        plugins, key = self.plugins, (hook, *arguments.values())
        if key in self._calling:
            raise RuntimeError(f"{hook} is being answered: a hook must not use facades, devices or model files")
        assert self._manager is not None
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        self._calling.add(key)
        try:
            for implementation in sorted(implementations, key=lambda each: _order(plugins[each.plugin_name])):
                plugin = plugins[implementation.plugin_name]
                try:
                    result = implementation.function(**{name: arguments[name] for name in implementation.argnames})
                except (Exception, SystemExit) as error:
                    self.complain(plugin, f"{hook} failed: {words(error)}")
                    continue
                if isinstance(result, kind):
                    yield plugin, result
                else:
                    self.complain(plugin, f"{hook} returned {result!r:.80} (expected a {kind.__name__})")
        finally:
            self._calling.discard(key)

    def complain(self, plugin: Plugin, fault: str, state: str = "broken") -> None:
        """Mark a plugin broken and say so, once for each fault."""
        with lock:
            plugin.state = state
            if fault not in plugin.faults:
                plugin.faults.append(fault)
        self.warn(
            f"chainette plugin {plugin} is left out or incomplete: {fault}. "
            f"Mend or uninstall {plugin.distribution}, or leave it out with {plugin.switch}."
        )

    def warn(self, text: str) -> None:
        """Say it once."""
        with lock:
            news = text not in self._said
            self._said.add(text)
        if news:
            warnings.warn(text, PluginWarning, stacklevel=2)

    def reset(self) -> None:
        """Forget the plugins and all that was learnt from them; they are discovered anew at next need."""
        from chainette import _facade, backend, kernels

        with lock:
            self._plugins = self._manager = None
            self._answers.clear()
            self._said.clear()
            backend.forget_backends()
            kernels.forget_kernels()
            _facade.forget_names()


def _order(plugin: Plugin) -> tuple[bool, str, str]:
    """Ours first, so that they win; nothing here depends on the order of installation."""
    return not plugin.is_ours, plugin.name, plugin.distribution


def _import(plugin: Plugin, load: Callable[[], Any]) -> tuple[Any, str]:
    """The plugin's module, and what is wrong with it."""
    if plugin.state != "ok":
        return None, ""
    try:
        module = load()
    except (Exception, SystemExit) as error:
        return None, f"loading {plugin.entry_point} failed: {words(error)}"
    if is_half_imported(module):
        return None, f"{plugin.entry_point} uses a facade, a device or a model file while it is imported"
    return module, ""


def _about_api(api: Any, wanted: int) -> str:
    came = f"chainette_api = {api!r}" if api is not None else "no chainette_api"
    return f"its module has {came} (expected {wanted})"


def _register(manager: pluggy.PluginManager, key: str, module: Any) -> str:
    """Give the module to pluggy; what is wrong with its hooks, in words, or an empty string."""
    from chainette.hooks import HOOKS

    for attribute in dir(module):
        options = manager.parse_hookimpl_opts(module, attribute)
        if options is None:
            if attribute in HOOKS:
                return f"{attribute} is not marked with chainette.hooks.hookimpl"
            continue
        hook = options.get("specname") or attribute
        if hook not in HOOKS and not options.get("optionalhook"):
            near = difflib.get_close_matches(hook, HOOKS, n=1)
            return f"there is no hook {hook}" + (f", did you mean {near[0]}?" if near else f" ({', '.join(HOOKS)})")
        if options.get("wrapper") or options.get("hookwrapper"):
            return f"{hook} is a wrapper, which chainette does not call"
    try:
        manager.register(module, name=key)
    except Exception as error:
        if manager.is_registered(module):
            manager.unregister(module)
        return f"a hook does not fit: {words(error)}"
    return ""


def installed(path: list[str] | None = None) -> list[Source]:
    """The plugins of the distributions that are installed, or that lie in the folders of ``path``."""
    from importlib.metadata import distributions

    found: dict[tuple[str, str], Source] = {}
    for distribution in distributions() if path is None else distributions(path=path):
        for plugin, load in _plugins_of(distribution):
            reason = _disabled_by(plugin)
            if reason:
                plugin.state, plugin.faults = "disabled", [reason]
            found.setdefault((plugin.name, plugin.distribution), (plugin, load))  # sys.path may show one twice
    return list(found.values())


def _plugins_of(distribution: Distribution) -> Iterator[Source]:
    try:
        if f"[{ENTRY_POINT_GROUP}]" not in (distribution.read_text("entry_points.txt") or ""):
            return
    except (OSError, UnicodeError):
        return  # unreadable: nobody can tell whether it has anything to do with chainette
    name, version = _identity(distribution)
    try:
        entries = list(distribution.entry_points.select(group=ENTRY_POINT_GROUP))
    except Exception as error:
        yield Plugin(name, name, version, "entry_points.txt"), _raiser(error)
        return
    for entry in entries:
        yield Plugin(entry.name, name, version, entry.value), partial(_load, entry)


def _load(entry: EntryPoint) -> Any:
    module = _import_without_package(entry.module)
    return attrgetter(entry.attr)(module) if entry.attr else module


def _import_without_package(name: str) -> Any:
    """The module, but not the package around it, which may be heavy and is not needed to ask what a plugin brings."""
    package = name.rpartition(".")[0]
    if not package or "." in package or package in sys.modules:
        return import_module(name)
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    found = PathFinder.find_spec(name, folders) if folders else None
    if found is None or found.loader is None:
        return import_module(name)
    module = sys.modules[name] = module_from_spec(found)
    try:
        found.loader.exec_module(module)
    finally:
        sys.modules.pop(name, None)  # whoever imports it with its package gets it as part of that
    return module


def _identity(distribution: Distribution) -> tuple[str, str]:
    try:
        metadata = distribution.metadata
        name, version = (metadata[key] if key in metadata else "unknown" for key in ("Name", "Version"))  # noqa: SIM401
    except Exception:  # no METADATA, or none that can be read
        return "unknown", "unknown"
    return re.sub(r"[-_.]+", "-", name).lower(), version


def _raiser(error: Exception) -> Callable[[], Any]:
    def load() -> Any:
        raise error

    return load


def _disabled_by(plugin: Plugin) -> str:
    """Which switch leaves the plugin out, in words, or an empty string. A distribution's name means all its plugins."""

    def listed(variable: str) -> set[str]:
        return {word.strip() for word in os.environ.get(variable, "").split(",") if word.strip()}

    names = {plugin.name, plugin.distribution}
    only, without = listed("CHAINETTE_PLUGINS"), listed("CHAINETTE_DISABLE_PLUGINS")
    if only and not names & only:
        return "CHAINETTE_PLUGINS does not name it"
    if names & without or ("*" in without and not plugin.is_ours):
        return "CHAINETTE_DISABLE_PLUGINS names it"
    return ""


def import_module(name: str) -> Any:
    """``importlib.import_module``, save that where another thread is importing the module and waits for this one, the
    module comes back as far as it is made: what Python's import statement does."""
    try:
        return importlib.import_module(name)
    except RuntimeError as error:
        if type(error).__name__ != "_DeadlockError":
            raise
    return sys.modules.get(name) or importlib.import_module(name)


def is_half_imported(module: Any) -> bool:
    """Whether the module's own import is going on, as a rule further up in this thread, so that it lacks names."""
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


def words(error: BaseException) -> str:
    """An exception in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


host = PluginHost()
