"""The whole contract between chainette and its plugins, on one page.

A plugin is a distribution with an entry point in the group ``chainette``; the entry's name is the plugin's name, its
value a light module that says ``chainette_api = 1`` and implements any of the hooks below:

    # my_plugin/_plugin.py
    from chainette.hooks import hookimpl

    chainette_api = 1

    @hookimpl
    def chainette_names():
        return {"functions": "my_plugin"}

    # pyproject.toml
    [project.entry-points.chainette]
    my-plugin = "my_plugin._plugin"

Each hook is called once, when its answer is first needed, and never at ``import chainette``. The module should import
nothing heavy, and use no facade, device or model file while it is imported or a hook runs. A hook that has nothing to
say returns an empty list or mapping. One that fails costs one PluginWarning; the other plugins go on.
``python -m chainette plugins --check`` says what chainette makes of a plugin, and ``chainette.testing.check_plugin``
does so in a test.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from chainette.backend import Backend
    from chainette.kernels import Kernel

API_VERSION = 1
"""What a plugin's ``chainette_api`` must be."""

KINDS = {
    "functions": "chainette.functions",
    "links": "chainette.links",
    "link_hooks": "chainette.link_hooks",
    "optimizers": "chainette.optimizers",
    "optimizer_hooks": "chainette.optimizer_hooks",
    "serializers": "chainette.serializers",
    "dataset": "chainette.dataset",
    "datasets": "chainette.datasets",
    "iterators": "chainette.iterators",
    "training": "chainette.training",
    "updaters": "chainette.training.updaters",
    "triggers": "chainette.training.triggers",
    "extensions": "chainette.training.extensions",
    "estimators": "chainette.training.sklearn",
    "caffe": "chainette.links.caffe",
    "caffe_layers": "chainette.links.caffe_layers",
    "chainette": "chainette",
}
"""The kinds of names, and the module in which each is shown."""

hookspec = pluggy.HookspecMarker("chainette")
hookimpl = pluggy.HookimplMarker("chainette")


@hookspec
def chainette_names() -> Mapping[str, str | Mapping[str, str]]:  # type: ignore[empty-body]
    """Names to show in the facades, by kind.

    The kinds are those in ``KINDS``; ``chainette`` is the top level. The value is a package name, whose ``__all__`` is
    meant, or a mapping from name to ``"module:attribute"``. A package is imported when a name of its kind is first
    used, a module in a mapping when that name is.
    """


@hookspec
def chainette_backends() -> list[Backend]:  # type: ignore[empty-body]
    """Array backends to add."""


@hookspec
def chainette_kernels(backend: str) -> list[Kernel]:  # type: ignore[empty-body]
    """Kernels for the backend of that name."""


@hookspec
def chainette_importers() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Readers of other frameworks' model files: format name to ``"module:attribute"``.

    The attribute is a class or module with ``recognizes(head: bytes, path: str) -> bool``, which looks at the first
    512 bytes of the file, and ``load(path, **options)``, which returns the model. ``chainette.load_model`` uses them.
    """


@hookspec
def chainette_commands(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add commands to ``python -m chainette``: ``subparsers.add_parser(...).set_defaults(run=function)``.

    ``function(arguments)`` returns the exit status, or None for 0.
    """


@hookspec
def chainette_report() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """What ``python -m chainette info`` should say about this plugin: versions, devices, settings."""


HOOKS: dict[str, Callable[..., Any]] = {
    hook.__name__: hook
    for hook in (
        chainette_names,
        chainette_backends,
        chainette_kernels,
        chainette_importers,
        chainette_commands,
        chainette_report,
    )
}
