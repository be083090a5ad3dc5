"""The test kit: what chainette's own tests and those of plugin authors are made of.

Importing it is cheap; each name is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainette.testing.cases import Case as Case, FunctionTests as FunctionTests
    from chainette.testing.doctests import run_doctests as run_doctests
    from chainette.testing.gradient_check import (
        assert_allclose as assert_allclose,
        check_backward as check_backward,
        check_double_backward as check_double_backward,
        numerical_grad as numerical_grad,
    )
    from chainette.testing.link_cases import LinkCase as LinkCase, LinkTests as LinkTests
    from chainette.testing.plugins import check_plugin as check_plugin, isolated_plugins as isolated_plugins

_HOMES = {
    "Case": "cases",
    "FunctionTests": "cases",
    "LinkCase": "link_cases",
    "LinkTests": "link_cases",
    "assert_allclose": "gradient_check",
    "check_backward": "gradient_check",
    "check_double_backward": "gradient_check",
    "check_plugin": "plugins",
    "isolated_plugins": "plugins",
    "numerical_grad": "gradient_check",
    "run_doctests": "doctests",
}
_MODULES = ("arrays", "cases", "doctests", "fake_backend", "gradient_check", "link_cases", "plugins")

__all__ = [*_HOMES, *_MODULES]

if not TYPE_CHECKING:  # else every misspelt name would pass the type checker

    def __getattr__(name):
        if name in _MODULES:
            return import_module(f"chainette.testing.{name}")
        if name not in _HOMES:
            raise AttributeError(f"module 'chainette.testing' has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"chainette.testing.{_HOMES[name]}"), name)
        return value

    def __dir__():
        return sorted(__all__)
