"""What the package shows as a whole: Chainer 7.8's optimizers and hooks, and what goes beyond."""

import inspect
import re

import pytest

import chainette
import chainette_optimizers
from chainette_optimizers import GradientMethod, Optimizer, UpdateRule, hooks

CHAINER = {
    "AMSBound": "(alpha=0.001, beta1=0.9, beta2=0.999, final_lr=0.1, gamma=0.001, eps=1e-08, eta=1.0)",
    "AMSGrad": "(alpha=0.001, beta1=0.9, beta2=0.999, eps=1e-08, eta=1.0)",
    "AdaBound": "(alpha=0.001, beta1=0.9, beta2=0.999, final_lr=0.1, gamma=0.001, eps=1e-08, eta=1.0)",
    "AdaDelta": "(rho=0.95, eps=1e-06)",
    "AdaGrad": "(lr=0.001, eps=1e-08)",
    "Adam": "(alpha=0.001, beta1=0.9, beta2=0.999, eps=1e-08, eta=1.0, weight_decay_rate=0, amsgrad=False, "
    "adabound=False, final_lr=0.1, gamma=0.001)",
    "AdamW": "(alpha=0.001, beta1=0.9, beta2=0.999, eps=1e-08, eta=1.0, weight_decay_rate=0)",
    "CorrectedMomentumSGD": "(lr=0.01, momentum=0.9)",
    "MSVAG": "(lr=0.1, beta=0.9, eta=1.0, weight_decay_rate=0)",
    "MomentumSGD": "(lr=0.01, momentum=0.9)",
    "NesterovAG": "(lr=0.01, momentum=0.9)",
    "RMSprop": "(lr=0.01, alpha=0.99, eps=1e-08, eps_inside_sqrt=False)",
    "RMSpropGraves": "(lr=0.0001, alpha=0.95, momentum=0.9, eps=0.0001)",
    "SGD": "(lr=0.01)",
    "SMORMS3": "(lr=0.001, eps=1e-16)",
}
BEYOND_CHAINER = {
    "Lion": "(lr=0.0001, beta1=0.9, beta2=0.99, weight_decay_rate=0)",
    "RAdam": "(alpha=0.001, beta1=0.9, beta2=0.999, eps=1e-08, eta=1.0, weight_decay_rate=0)",
}
SCHEDULES = """
CosineSchedule ExponentialSchedule InverseSchedule LinearSchedule MultistepSchedule PolynomialSchedule Schedule
StepSchedule WarmupSchedule
"""
HOOKS = {
    "GradientClipping": "(threshold)",
    "GradientHardClipping": "(lower_bound, upper_bound)",
    "GradientLARS": "(threshold=0.01, weight_decay=0.0, eps=1e-09)",
    "GradientNoise": "(eta, noise_func=exponential_decay_noise)",
    "Lasso": "(rate)",
    "WeightDecay": "(rate)",
}


def test_the_facade_shows_the_optimizers_and_the_schedules_and_nothing_else():
    names = sorted([*CHAINER, *BEYOND_CHAINER, *SCHEDULES.split()])
    assert sorted(chainette_optimizers.__all__) == names
    assert [getattr(chainette.optimizers, name) for name in names] == [
        getattr(chainette_optimizers, name) for name in names
    ]


def test_the_facade_of_hooks_shows_the_hooks_and_nothing_else():
    assert sorted(hooks.__all__) == sorted(HOOKS)
    for name in HOOKS:
        assert getattr(chainette.optimizer_hooks, name) is getattr(hooks, name)


def test_what_others_derive_from_is_in_chainette():
    bases = chainette.Optimizer, chainette.GradientMethod, chainette.UpdateRule
    assert bases == (Optimizer, GradientMethod, UpdateRule)


@pytest.mark.parametrize(("name", "arguments"), [*CHAINER.items(), *BEYOND_CHAINER.items()])
def test_an_optimizer_has_the_arguments_and_defaults_of_chainer_and_a_rule_of_its_own(name, arguments):
    optimizer_class = getattr(chainette_optimizers, name)
    assert _arguments(optimizer_class) == arguments
    rule = optimizer_class().create_update_rule()
    assert type(rule).kernels.key == rule.name
    assert rule.name.endswith("_rule")


@pytest.mark.parametrize(("name", "arguments"), HOOKS.items())
def test_a_hook_has_the_arguments_and_defaults_of_chainer(name, arguments):
    assert _arguments(getattr(hooks, name)) == arguments
    assert getattr(hooks, name).name == name


def _arguments(owner):
    """As inspect shows them, without annotations."""
    parameters = list(inspect.signature(owner.__init__).parameters.values())[1:]
    text = str(inspect.Signature([each.replace(annotation=each.empty) for each in parameters]))
    return re.sub(r"<function (\w+) at \w+>", r"\1", text)
