"""The plugin host: finds plugins, keeps each one's faults to itself, and answers who brings what."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chainette.errors import PluginWarning

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

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
"""The one lock for discovery and for the tables that are filled from it."""


@dataclass
class Plugin:
    """What is known about one plugin. ``state`` is ok, disabled, broken or incompatible; ``why`` says it in words."""

    name: str
    distribution: str
    version: str
    entry_point: str
    state: str = "ok"
    why: str = ""
    adds: dict[str, list[str]] = field(default_factory=dict)
    module: Any = field(default=None, repr=False)

    @property
    def is_ours(self) -> bool:
        return self.distribution in OUR_DISTRIBUTIONS

    def __str__(self) -> str:
        return f"{self.name!r} ({self.distribution} {self.version})"


class PluginHost:
    """Discovers the plugins at first need and calls their hooks one by one."""

    def __init__(self) -> None:
        self._plugins: dict[str, Plugin] | None = None
        self._manager: pluggy.PluginManager | None = None
        self._complaints: set[tuple[str, str]] = set()
        self._answers: dict[tuple[Any, ...], list[tuple[Plugin, Any]]] = {}

    @property
    def plugins(self) -> dict[str, Plugin]:
        """Every plugin that is installed, also those that are left out, sorted by name."""
        with lock:
            if self._plugins is None:
                self.install(_installed())
            assert self._plugins is not None
            return self._plugins

    def install(self, found: Iterable[tuple[Plugin, EntryPoint | Any]]) -> None:
        """Take these plugins in place of the present ones. Each comes with an entry point, or a module to use."""
        import pluggy

        from chainette import hooks

        with lock:
            self._manager = pluggy.PluginManager("chainette")
            self._manager.add_hookspecs(hooks)
            self._plugins = {}
            self._complaints.clear()
            self._answers.clear()
            for plugin, source in sorted(found, key=lambda pair: (pair[0].name, pair[0].distribution)):
                key = plugin.name
                if key in self._plugins:
                    plugin.state = "broken"
                    plugin.why = f"the plugin name {key!r} is taken by {self._plugins[key].distribution}"
                    key = f"{plugin.name} ({plugin.distribution})"
                    self._warn(plugin)
                self._plugins[key] = plugin
                if plugin.state == "ok":
                    self._load(plugin, source)

    def _load(self, plugin: Plugin, source: Any) -> None:
        from chainette.hooks import API_VERSION

        try:
            module = source.load() if hasattr(source, "load") else source
        except (Exception, SystemExit) as error:
            return self.complain(plugin, f"importing {plugin.entry_point} failed: {_words(error)}")
        api = getattr(module, "chainette_api", None)
        if api != API_VERSION:
            plugin.state = "incompatible"
            plugin.why = f"it has chainette_api = {api!r}, this chainette wants {API_VERSION}"
            return self._warn(plugin)
        fault = self._register(plugin, module)
        if fault:
            return self.complain(plugin, fault)
        plugin.module = module

    def _register(self, plugin: Plugin, module: Any) -> str:
        """Give the module to pluggy; what is wrong with its hooks, in words, or an empty string."""
        import pluggy

        from chainette.hooks import HOOKS

        assert self._manager is not None
        marked = [name for name, value in vars(module).items() if hasattr(value, "chainette_impl")]
        unknown = sorted(set(marked) - set(HOOKS))
        if unknown:
            return f"it implements {', '.join(unknown)}, but the hooks are {', '.join(HOOKS)}"
        try:
            self._manager.register(module, name=f"{plugin.name} ({plugin.distribution})")
        except pluggy.PluginValidationError as error:
            self._manager.unregister(module)
            return f"a hook has the wrong arguments: {_words(error)}"
        except ValueError as error:
            return _words(error)
        return ""

    def collect(self, hook: str, kind: type, **arguments: Any) -> list[tuple[Plugin, Any]]:
        """A hook's results from every plugin, each called for itself and once; by plugin name.

        A plugin whose hook raises or returns something other than ``kind`` is reported and left out.
        """
        with lock:
            key = (hook, *arguments.values())
            if key not in self._answers:
                self._answers[key] = self._call(hook, kind, arguments)
            return self._answers[key]

    def _call(self, hook: str, kind: type, arguments: dict[str, Any]) -> list[tuple[Plugin, Any]]:
        by_module = {id(plugin.module): plugin for plugin in self.plugins.values() if plugin.module is not None}
        assert self._manager is not None
        results = []
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            plugin = by_module[id(implementation.plugin)]
            taken = {name: arguments[name] for name in implementation.argnames}
            try:
                result = implementation.function(**taken)
            except (Exception, SystemExit) as error:
                self.complain(plugin, f"{hook} failed: {_words(error)}")
                continue
            if isinstance(result, kind):
                results.append((plugin, result))
            else:
                self.complain(plugin, f"{hook} returned {result!r:.80}, not a {kind.__name__}")
        return sorted(results, key=lambda pair: pair[0].name)

    def complain(self, plugin: Plugin, fault: str) -> None:
        """Mark a plugin broken and say so, once for each fault."""
        if (plugin.name, fault) in self._complaints:
            return
        self._complaints.add((plugin.name, fault))
        plugin.state, plugin.why = "broken", fault
        self._warn(plugin)

    def _warn(self, plugin: Plugin) -> None:
        warnings.warn(
            f"chainette plugin {plugin} is left out or incomplete: {plugin.why}. "
            f"Mend or uninstall {plugin.distribution}, or silence it with CHAINETTE_DISABLE_PLUGINS={plugin.name}",
            PluginWarning,
            stacklevel=2,
        )

    def reset(self) -> None:
        """Forget the plugins and all that was learnt from them; they are discovered anew at next need."""
        from chainette import _facade, backend, kernels

        with lock:
            self._plugins = self._manager = None
            backend.forget_backends()
            kernels.forget_kernels()
            _facade.forget_names()


def _installed() -> list[tuple[Plugin, EntryPoint]]:
    from importlib.metadata import entry_points

    found: dict[tuple[str, str], tuple[Plugin, EntryPoint]] = {}
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        distribution = entry.dist.name if entry.dist else "unknown"
        version = entry.dist.version if entry.dist else "unknown"
        plugin = Plugin(entry.name, distribution.lower().replace("_", "-"), version, entry.value)
        if _is_disabled(plugin):
            plugin.state, plugin.why = "disabled", "by CHAINETTE_DISABLE_PLUGINS or CHAINETTE_PLUGINS"
        found.setdefault((plugin.name, plugin.distribution), (plugin, entry))  # sys.path may show one twice
    return list(found.values())


def _is_disabled(plugin: Plugin) -> bool:
    def listed(variable: str) -> set[str]:
        return {word.strip() for word in os.environ.get(variable, "").split(",") if word.strip()}

    only, without = listed("CHAINETTE_PLUGINS"), listed("CHAINETTE_DISABLE_PLUGINS")
    if only and plugin.name not in only:
        return True
    return plugin.name in without or ("*" in without and not plugin.is_ours)


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


host = PluginHost()
