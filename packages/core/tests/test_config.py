"""Settings: process-wide values, a thread's own, contexts, and the environment switch."""

import copy
import io
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import chainette
from chainette import Variable, config, global_config, using_config
from chainette.config import Settings, thread
from chainette.errors import ConfigError
from chainette.function_hooks import FunctionHook


@pytest.fixture(autouse=True)
def as_before():
    """Whatever a test sets, here or process-wide, is undone."""
    own = dict(vars(thread.settings))
    public = {name: value for name, value in vars(Settings).items() if name in dir(config) or name == "_watched"}
    yield
    vars(thread.settings).clear()
    vars(thread.settings).update(own)
    for name in set(vars(Settings)) & set(dir(config)) - set(public):
        delattr(Settings, name)
    for name, value in public.items():
        setattr(Settings, name, value)


def elsewhere(function):
    """What a function returns in another thread."""
    found = []
    worker = threading.Thread(target=lambda: found.append(function()))
    worker.start()
    worker.join()
    return found[0]


def test_the_defaults():
    assert (config.train, config.enable_backprop, config.deterministic) == (True, True, False)
    assert chainette.get_dtype() == np.float32


def test_a_value_of_this_thread_is_not_seen_by_others():
    config.train = False
    assert elsewhere(lambda: config.train) is True
    assert global_config.train is True


def test_a_process_wide_value_is_seen_by_every_thread_that_has_none_of_its_own():
    config.deterministic = False
    global_config.deterministic = True
    global_config.train = False
    assert elsewhere(lambda: (config.train, config.deterministic)) == (False, True)
    assert (config.train, config.deterministic) == (False, False)


def test_two_threads_with_different_settings_do_not_disturb_each_other():
    meet = threading.Barrier(2, timeout=10)

    def work(dtype, train, seen):
        with using_config("dtype", dtype), using_config("train", train):
            for _ in range(50):
                meet.wait()
                seen.append((chainette.get_dtype().name, config.train))

    seen = {dtype: [] for dtype in ("float16", "float64")}
    workers = [threading.Thread(target=work, args=(dtype, dtype == "float16", seen[dtype])) for dtype in seen]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert set(seen["float16"]) == {("float16", True)}
    assert set(seen["float64"]) == {("float64", False)}


def test_no_backprop_mode_and_hooks_belong_to_one_thread():
    class Counting(FunctionHook):
        name = "counting"
        calls = 0

        def forward_preprocess(self, function, in_data):
            self.calls += 1

    with chainette.no_backprop_mode(), Counting() as hook:
        assert elsewhere(lambda: (Variable(np.ones(2)) * 2).requires_grad)
        assert hook.calls == 0
        assert not (Variable(np.ones(2)) * 2).requires_grad
        assert hook.calls == 1


def test_a_process_wide_debug_mode_reaches_every_thread():
    def finds_nan():
        with np.errstate(invalid="ignore"):
            try:
                Variable(np.array([np.inf])) - np.inf
            except chainette.errors.NaNError:
                return True
        return False

    config_was = config.debug
    global_config.debug = True
    assert elsewhere(finds_nan)
    with using_config("debug", False):
        assert not finds_nan()
    assert finds_nan()
    global_config.debug = config_was
    assert elsewhere(finds_nan) == config_was


# Contexts

MODES = [
    (chainette.train_mode, "train", True),
    (chainette.test_mode, "train", False),
    (chainette.no_backprop_mode, "enable_backprop", False),
    (chainette.force_backprop_mode, "enable_backprop", True),
    (lambda: using_config("deterministic", True), "deterministic", True),
    (lambda: using_config("dtype", "float16"), "dtype", "float16"),
]


@pytest.mark.parametrize(("mode", "name", "value"), MODES, ids=[f"{name}={value}" for _, name, value in MODES])
def test_a_context_sets_and_restores_also_after_an_error(mode, name, value):
    before = getattr(config, name)
    with mode():
        assert getattr(config, name) == value
    assert getattr(config, name) == before
    with pytest.raises(ZeroDivisionError), mode():
        _ = 1 / 0
    assert getattr(config, name) == before
    assert name not in vars(thread.settings), "the thread would no longer follow the process-wide value"


def test_contexts_nest_and_give_back_the_thread_s_own_value():
    config.train = False
    with chainette.train_mode():
        with chainette.test_mode():
            assert config.train is False
        assert config.train is True
    assert config.train is False
    with chainette.no_backprop_mode(), chainette.force_backprop_mode():
        assert (Variable(np.ones(1)) * 2).requires_grad


def test_a_context_works_as_a_decorator():
    @chainette.no_backprop_mode()
    def evaluate(x):
        return x * 2

    for _ in range(2):
        assert not evaluate(Variable(np.ones(1))).requires_grad


# Names and values


def test_a_name_that_does_not_exist_is_told_with_the_nearest_one():
    for use in (
        lambda: config.trian,
        lambda: setattr(config, "trian", False),
        lambda: setattr(global_config, "trian", False),
        lambda: using_config("trian", False),
    ):
        with pytest.raises(ConfigError, match=r"no setting 'trian' \(there are: .*\)\. Did you mean 'train'\?"):
            use()
    assert not hasattr(config, "no_such_setting")
    assert isinstance(ConfigError(), AttributeError)


@pytest.mark.parametrize("value", ["flaot32", 3, None])
def test_a_dtype_must_be_one(value):
    with pytest.raises(ConfigError, match=r"dtype=.* is not a dtype"):
        config.dtype = value
    assert chainette.get_dtype() == np.float32


def test_get_dtype_is_the_argument_or_the_setting():
    assert chainette.get_dtype("float16") == np.float16
    with using_config("dtype", np.float64):
        assert chainette.get_dtype() == np.float64
        assert chainette.get_dtype(np.int32) == np.int32


def test_mixed16_is_float16_but_where_that_is_too_coarse():
    with using_config("dtype", chainette.mixed16):
        assert chainette.get_dtype() == chainette.Parameter(0, 3).dtype == np.float16
        assert chainette.get_dtype(map_mixed16=np.float32) == np.float32
        assert chainette.get_dtype("float64", np.float32) == np.float64
    assert chainette.get_dtype(map_mixed16=np.float64) == np.float32
    assert copy.deepcopy(chainette.mixed16) is pickle.loads(pickle.dumps(chainette.mixed16)) is chainette.mixed16


def test_a_plugin_adds_a_setting_of_its_own():
    chainette.add_setting("tests_level", 2)
    assert config.tests_level == elsewhere(lambda: config.tests_level) == 2
    with using_config("tests_level", 5):
        assert (config.tests_level, global_config.tests_level) == (5, 2)
    assert "tests_level" in dir(config)


@pytest.mark.parametrize("name", ["train", "_private", "not a name", "set_default", "show", ""])
def test_a_setting_s_name_is_free_and_public(name):
    with pytest.raises(ConfigError, match="taken or not a public identifier"):
        chainette.add_setting(name, 1)


def test_settings_show_themselves():
    out = io.StringIO()
    with using_config("train", False):
        config.show(out)
        assert "train=False" in repr(config)
        assert "train=True" in repr(global_config)
    lines = dict(line.split(maxsplit=1) for line in out.getvalue().splitlines())
    assert lines["train"] == "False"
    assert {"debug", "deterministic", "dtype", "enable_backprop", "train"} <= set(lines)


def test_deleting_a_thread_s_own_value_goes_back_to_the_process_wide_one():
    config.train = False
    del config.train
    assert config.train is True


@pytest.mark.parametrize(("value", "expected"), [("1", "True"), ("0", "False"), ("", "False"), (None, "False")])
def test_the_environment_switches_debug_mode_on(value, expected):
    environment = {name: text for name, text in os.environ.items() if name != "CHAINETTE_DEBUG"}
    if value is not None:
        environment["CHAINETTE_DEBUG"] = value
    code = "import chainette; print(chainette.is_debug())"
    outcome = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert outcome.stdout.split() == [expected]


def test_debug_mode_from_the_environment_finds_nan():
    code = "import chainette, numpy as np; chainette.Variable(np.array([-1.0])) * np.nan"
    outcome = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "CHAINETTE_DEBUG": "1"}, capture_output=True, text=True
    )
    assert "NaNError: mul: output 0 holds NaN" in outcome.stderr
