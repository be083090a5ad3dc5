import chainette_snake
import numpy as np
import pytest

import chainette.functions as F
from chainette.testing import Case, FunctionTests, arrays, check_plugin, run_doctests


class TestSnake(FunctionTests):
    module = chainette_snake  # each name in its __all__ must have a row
    cases = (
        Case(chainette_snake.snake, [arrays.normal((3, 4))], lambda x: x + np.sin(x) ** 2, elementwise=True),
        Case(
            chainette_snake.snake,
            [arrays.normal((3, 4))],
            lambda x: x + np.sin(3 * x) ** 2 / 3,
            kwargs={"a": 3.0},
            name="snake with faster ripples",
            elementwise=True,
        ),
    )


def test_chainette_finds_nothing_wrong_with_the_plugin():
    check_plugin("snake")


def test_it_is_one_of_the_functions():
    assert F.snake is chainette_snake.snake


def test_the_examples_in_its_documentation_are_right():
    run_doctests(chainette_snake)


def test_a_frequency_of_zero_is_refused():
    with pytest.raises(ValueError, match="snake: a is 0"):
        F.snake(np.ones(3), a=0)
