"""What the author of a Function relies on: apply, retain, names, and the errors for mistakes."""

import inspect

import numpy as np
import pytest

import chainette
from chainette import Function, Parameter, Variable, operators
from chainette.errors import ArrayTypeError, FunctionError, UninitializedParameterError
from chainette.function import _snake_case


class Cube(Function):
    def forward(self, x):
        self.retain(x=x)
        return x**3

    def backward(self, gy):
        x = self.retained("x")
        return 3 * x * x * gy


def test_apply_is_short_enough_to_step_through():
    assert len(inspect.getsource(Function.apply).splitlines()) <= 40


def test_a_function_is_differentiable_twice_as_it_is_written():
    x = Variable(np.array([2.0]))
    (gx,) = chainette.grad([Cube().apply(x)], [x], enable_double_backprop=True)
    (ggx,) = chainette.grad([gx], [x])
    assert (gx.item(), ggx.item()) == (12, 12)


@pytest.mark.parametrize(
    ("written", "name"),
    [("ReLU", "relu"), ("ReLUGrad", "relu_grad"), ("Convolution2D", "convolution_2d"), ("LogSoftmax", "log_softmax"),
     ("ELU", "elu"), ("LSTM", "lstm"), ("NStepGRU", "n_step_gru"), ("MaxPooling2DGrad", "max_pooling_2d_grad"),
     ("GetItem", "get_item"), ("SoftmaxCrossEntropy", "softmax_cross_entropy"), ("_SameValue", "same_value")],
)  # fmt: skip
def test_the_name_follows_from_the_class(written, name):
    assert _snake_case(written) == name


def test_a_name_of_its_own_counts_and_is_not_inherited():
    class Mine(Cube):
        name = "mine"

    class Other(Mine):
        pass

    assert (Mine.name, Other.name) == ("mine", "other")


def test_forward_knows_which_gradients_are_wanted():
    seen = []

    class Look(Function):
        def forward(self, a, b, c):
            seen.append(self.needs_input_grad)
            return a + b + c

    x = Variable(np.ones(2))
    Look().apply(x, np.ones(2), 3.0)
    Look().apply(np.ones(2), np.ones(2), 3.0)
    assert seen == [[True, False, False], []]


def test_several_outputs_come_as_a_tuple_also_when_there_is_one():
    class Pair(Function):
        def forward(self, x):
            return (x, x + 1)

    class Single(Function):
        def forward(self, x):
            return (x,)

    assert len(Pair().apply(np.ones(2))) == 2
    assert isinstance(Single().apply(np.ones(2)), tuple)


def test_numpy_scalars_become_0d_arrays_and_stay_connected_when_retained():
    class Total(Function):
        def forward(self, x):
            y = np.exp(x.sum())
            assert isinstance(y, np.float64)
            self.retain(y=y)
            return y

        def backward(self, gy):
            return self.retained("y") * gy * np.ones(3)

    x = Variable(np.zeros(3))
    y = Total().apply(x)
    assert isinstance(y.array, np.ndarray)
    (gx,) = chainette.grad([y], [x], enable_double_backprop=True)
    (ggx,) = chainette.grad([operators.sum(gx)], [x])
    assert gx.array.tolist() == [1, 1, 1]
    assert ggx.array.tolist() == [3, 3, 3]


def test_what_is_retained_comes_back_as_the_variable_it_was_or_as_data():
    class Keeps(Function):
        def forward(self, x, constant):
            y = x * constant
            self.retain(x=x, constant=constant, y=y, mask=x > 0, number=7)
            return y

        def backward(self, gy):
            self.kept = {name: self.retained(name) for name in ("x", "constant", "y", "mask", "number")}
            return gy, None

    x, constant = Variable(np.ones(2)), np.full(2, 2.0)
    function = Keeps()
    y = function.apply(x, constant)
    chainette.grad([y], [x], enable_double_backprop=True)
    kept = function.kept
    assert kept["x"] is x
    assert kept["y"].creator is function
    assert kept["y"].array is y.array
    assert not kept["constant"].requires_grad
    assert kept["constant"].array is constant
    assert type(kept["mask"]) is np.ndarray
    assert kept["number"] == 7


def test_nothing_is_retained_when_no_graph_is_recorded():
    with chainette.no_backprop_mode():
        function = Cube()
        function.apply(Variable(np.ones(2)))
    assert function._retained is None
    assert function.edges is None


def test_asking_for_what_was_not_retained_is_an_error_that_names_it():
    class Forgets(Cube):
        def forward(self, x):
            return x**3

    with pytest.raises(FunctionError, match="forgets: backward asks for 'x'"):
        Forgets().apply(Variable(np.ones(1))).backward()


@pytest.mark.parametrize(
    "write",
    [
        lambda: type("Old", (Function,), {"forward": lambda self, inputs: inputs}),
        lambda: type("Old", (Function,), {"forward_cpu": lambda self, x: x}),
        lambda: type("Old", (Function,), {"backward": lambda self, indexes, gy: gy}),
    ],
)
def test_a_class_in_chainer_s_form_is_shown_the_new_one(write):
    with pytest.raises(FunctionError, match=r"def forward\(self, x, W\)"):
        write()


@pytest.mark.parametrize(
    ("apply", "error", "says"),
    [
        (lambda: Cube().apply(), FunctionError, "no inputs"),
        (lambda: Cube().apply([1.0]), ArrayTypeError, "cube: argument 0 is a list"),
        (lambda: Cube().apply(2.0), ArrayTypeError, "only Python numbers"),
        (lambda: Cube().apply(Parameter(0.0)), UninitializedParameterError, "shape is not known"),
        (lambda: operators.add(np.ones(2), Parameter(0.0)), UninitializedParameterError, "argument 1"),
        (lambda: type("Bare", (Function,), {})().apply(np.ones(1)), FunctionError, "Bare has no forward"),
        (lambda: type("Says", (Function,), {"forward": lambda self, x: "no"})().apply(np.ones(1)), FunctionError,
         "says: forward returned a str"),
    ],
)  # fmt: skip
def test_mistakes_are_told(apply, error, says):
    with pytest.raises(error, match=says):
        apply()


def test_a_function_without_backward_gives_no_gradient():
    class Constant(Function):
        def forward(self, x):
            return x * 0

    x = Variable(np.ones(2))
    (Constant().apply(x) + x).sum().backward()
    assert x.grad.tolist() == [1, 1]
