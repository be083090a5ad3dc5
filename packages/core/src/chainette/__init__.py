"""chainette: define-by-run deep learning.

The network is the Python code that runs; the graph is remembered while it runs; ``loss.backward()`` walks it back.
"""

from typing import TYPE_CHECKING, Any

from chainette.variable import Variable, as_variable
from chainette.parameter import Parameter
from chainette.function import Function
from chainette.backprop import backward, grad
from chainette.backend import Backend, Device, get_array_module, get_device, to_device
from chainette.kernels import Kernel, which_kernel
from chainette.config import (
    add_setting,
    config,
    force_backprop_mode,
    get_dtype,
    global_config,
    interception,
    mixed16,
    no_backprop_mode,
    retention,
    test_mode,
    train_mode,
    using_config,
)
from chainette.debug import is_debug, set_debug
from chainette.function_hooks import FunctionHook, get_function_hooks
from chainette.importers import load_model
from chainette.random import seed
from chainette.reporter import Reporter, get_current_reporter, report, report_scope
from chainette import errors, function_hooks, initializers

if TYPE_CHECKING:
    from chainette_links import (
        Chain as Chain,
        ChainList as ChainList,
        Link as Link,
        LinkHook as LinkHook,
        Sequential as Sequential,
    )
    from chainette_optimizers import GradientMethod as GradientMethod, Optimizer as Optimizer, UpdateRule as UpdateRule

    __version__: str


def __getattr__(name: str) -> Any:
    """What plugins bring to the top level (``Chain``, ``Optimizer``, ...), the facades, and the version."""
    if name == "__version__":
        from importlib.metadata import version

        return version("chainette")
    if name.startswith("_"):
        raise AttributeError(f"module 'chainette' has no attribute {name!r}")
    from importlib import import_module
    from importlib.util import find_spec

    if find_spec(f"chainette.{name}") is not None:  # chainette.functions works after a plain import chainette
        return import_module(f"chainette.{name}")
    from chainette._facade import resolve_top_level

    value = globals()[name] = resolve_top_level(name)
    return value


def __dir__() -> list[str]:
    from chainette._facade import names

    return sorted({*(name for name in globals() if not name.startswith("_")), *names("chainette")})


__all__ = [
    "Backend",
    "Device",
    "Function",
    "FunctionHook",
    "Kernel",
    "Parameter",
    "Reporter",
    "Variable",
    "add_setting",
    "as_variable",
    "backward",
    "config",
    "errors",
    "force_backprop_mode",
    "function_hooks",
    "get_array_module",
    "get_current_reporter",
    "get_device",
    "get_dtype",
    "get_function_hooks",
    "global_config",
    "grad",
    "initializers",
    "interception",
    "is_debug",
    "load_model",
    "mixed16",
    "no_backprop_mode",
    "report",
    "report_scope",
    "retention",
    "seed",
    "set_debug",
    "test_mode",
    "to_device",
    "train_mode",
    "using_config",
    "which_kernel",
]
