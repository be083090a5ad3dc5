"""Functions with one fault each, for the checks of the kit to find; and Cube, which has none."""

import numpy as np

from chainette import Function

X = np.array([0.5, -1.5, 2.0])


class Cube(Function):
    """x^3, as it should be."""

    def forward(self, x):
        self.retain(x=x)
        return x * x * x

    def backward(self, gy):
        x = self.retained("x")
        return 3 * x * x * gy


class WrongGradient(Cube):
    """2 x^2 in place of 3 x^2."""

    def backward(self, gy):
        x = self.retained("x")
        return 2 * x * x * gy


class WrongDoubleGradient(Cube):
    """The right gradient, taken as a constant: no gradient of it flows to x."""

    def backward(self, gy):
        x = self.retained("x").array
        return gy * (3 * x * x)


class NoGradient(Cube):
    """None where one should flow."""

    def backward(self, gy):
        return None


class WrongForward(Cube):
    """A little too much."""

    def forward(self, x):
        return super().forward(x) * x.dtype.type(1.05)


class Widens(Cube):
    """Gives float64 whatever comes."""

    def forward(self, x):
        return super().forward(x).astype("d")


class WidensGradient(Cube):
    """Runs in float64 inside, so that float32 is accurate where it should not be; and loses it on the way back."""

    def backward(self, gy):
        x = self.retained("x")
        return (3 * x * x * gy) * x.dtype.type(1 if x.dtype == "d" else 1.1)


class ChangesItsInput(Cube):
    """Works in the memory that it was given."""

    def forward(self, x):
        y = super().forward(x.copy())
        x *= 0.5
        return y


class ReadsMemoryInOrder(Cube):
    """Takes for granted that the elements lie one behind the other."""

    def forward(self, x):
        flat = np.frombuffer(x.tobytes(order="A") if x.flags.f_contiguous else x.tobytes(), x.dtype)
        return super().forward(flat.reshape(x.shape))

    def backward(self, gy):
        return gy


class NeedsRows(Cube):
    """Fails where there is nothing."""

    def forward(self, x):
        return super().forward(x) + 0 * x.max()


class Numpy(Cube):
    """NumPy by name, in place of self.xp."""

    def forward(self, x):
        self.retain(x=x)
        return x**2 * np.ones(x.shape, x.dtype)

    def backward(self, gy):
        return 2 * self.retained("x") * gy


class MixedUp(Function):
    """x0 x1, whose second gradient is wrong once the first is not needed."""

    def forward(self, x0, x1):
        self.retain(x0=x0, x1=x1)
        return x0 * x1

    def backward(self, gy):
        x0, x1 = self.retained("x0"), self.retained("x1")
        both = all(self.needs_input_grad)
        return gy * x1, gy * x0 if both else gy


class LosesZeroDimensions(Cube):
    """Always an axis."""

    def forward(self, x):
        return super().forward(np.atleast_1d(x))


def function(cls):
    """The public function of a class."""

    def apply(*xs):
        return cls().apply(*xs)

    apply.__name__ = cls.__name__
    return apply


def square(x):
    return x * x
