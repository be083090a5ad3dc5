"""One seed for everything: devices, threads, saved states, and the environment switch."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import chainette
from chainette import random, to_device
from chainette.errors import ArgumentError, DeviceError
from chainette.testing import fake_backend, isolated_plugins

pytestmark = pytest.mark.usefixtures("seeded")


def draw(device="cpu", n=5):
    return to_device(random.generator(device).standard_normal(n), "cpu").tolist()


def test_the_same_seed_gives_the_same_numbers():
    chainette.seed(3)
    first = draw()
    assert draw() != first
    chainette.seed(3)
    assert draw() == first
    chainette.seed(4)
    assert draw() != first


def test_without_a_seed_nobody_can_repeat_the_numbers():
    chainette.seed(None)
    first = draw()
    chainette.seed(None)
    assert draw() != first


def test_devices_draw_different_numbers_which_the_seed_repeats():
    with isolated_plugins(fake_backend.plugin):
        chainette.seed(3)
        first = [draw(device) for device in ("cpu", "fake:0", "fake:1")]
        assert len({tuple(numbers) for numbers in first}) == 3
        chainette.seed(3)
        assert [draw(device) for device in ("fake:1", "cpu", "fake:0")] == [first[2], first[0], first[1]]


def test_a_device_has_one_source_in_all_threads():
    with ThreadPoolExecutor(8) as pool:
        sources = list(pool.map(lambda _: random.generator(), range(50)))
    assert {id(source) for source in sources} == {id(random.generator("cpu"))}


def test_a_saved_state_goes_on_where_it_was():
    draw()
    state = random.get_state()
    following = draw()
    draw()
    random.set_state(state)
    assert draw() == following


def test_a_state_survives_another_seed():
    state = random.get_state()
    following = draw()
    chainette.seed(99)
    random.set_state(state)
    assert draw() == following


@pytest.mark.parametrize("value", [-1, -(10**9)])
def test_a_negative_seed_is_refused_and_changes_nothing(value):
    state = random.get_state()
    with pytest.raises(ArgumentError, match=rf"seed: got {value} \(expected a non-negative integer or None\)"):
        chainette.seed(value)
    assert random.get_state() == state


@pytest.mark.parametrize("value", [1.5, "3"])
def test_a_seed_that_is_no_integer_is_refused_when_it_is_set(value):
    state = random.get_state()
    with pytest.raises((ArgumentError, TypeError), match="seed"):
        chainette.seed(value)
    assert random.get_state() == state


def test_numpy_s_integers_are_seeds():
    chainette.seed(7)
    first = draw()
    chainette.seed(np.int64(7))
    assert draw() == first


def test_a_device_that_does_not_exist_has_no_source():
    with pytest.raises(DeviceError):
        random.generator("tpu")


def in_a_new_process(seed, code="print(chainette.random.generator().random())"):
    environment = {**os.environ, "CHAINETTE_SEED": seed}
    return subprocess.run(
        [sys.executable, "-c", f"import chainette; {code}"], env=environment, capture_output=True, text=True
    )


def test_the_environment_sets_the_seed():
    chainette.seed(12)
    expected = f"{random.generator().random()}\n"
    assert in_a_new_process("12").stdout == expected
    assert in_a_new_process("5", "chainette.seed(12); print(chainette.random.generator().random())").stdout == expected
    assert in_a_new_process("").stdout != in_a_new_process("").stdout


@pytest.mark.parametrize("value", ["many", "-3"])
def test_a_wrong_switch_is_told_by_its_name(value):
    outcome = in_a_new_process(value)
    assert outcome.returncode != 0
    assert "CHAINETTE_SEED" in outcome.stderr.splitlines()[-1]
