"""Error function and its complement."""

import math

from chainette import Function, Variable, as_variable
from chainette.checks import require_floating
from chainette.typing import Array, ArrayLike

# -log(erfc(z)) / z as a quotient of two polynomials, lowest coefficient first: to 1e-8 where z < 10, or to 5e-15
# where z < 27. They interpolate at the Chebyshev nodes of a variable that runs like z / (z + 4).
QUOTIENTS = {
    "f": (
        (1.1283791799401581, 1.6034623747972765, 1.0231033427324001, 0.3390932896795156, 0.05202047911066799,
         0.0011265656765779013),
        (1.0, 0.8568427285507187, 0.33219179591468834, 0.052039269497955974, 0.0011260716798034652),
    ),
    "d": (
        (1.1283791670955126, 2.892356745788967, 3.5426955051800535, 2.683740615456888, 1.3742900367639328,
         0.49035470645056733, 0.12141076815022565, 0.020115355080649676, 0.00205873187311935, 0.00011211259972814414,
         2.6151326874678314e-06, 1.7825741893608798e-08),
        (1.0, 1.9990948425853277, 1.920683810416015, 1.129648285102849, 0.43973578768268323, 0.11501010476652153,
         0.019682862792603267, 0.002046040873587282, 0.0001119977690834877, 2.6150699082831994e-06,
         1.78258281955849e-08),
    ),
}  # fmt: skip

FAR = 30.0
"""From here on erfc and the bell are 0 in every dtype, and what is squared is kept from overflowing."""


def log_erfc(xp: Array, x: Array) -> Array:
    """``log(erfc(abs(x)))``, of float16 in float32. It tends to 0 as x does, so that erf is precise there too."""
    z = xp.minimum(abs(x.astype("f") if x.dtype == "e" else x), FAR)
    above, below = QUOTIENTS["f" if z.dtype == "f" else "d"]
    y = _polynomial(z, above)
    y /= _polynomial(z, below)
    z *= -1
    y *= z
    return y


def _polynomial(z: Array, coefficients: tuple[float, ...]) -> Array:
    y = z * coefficients[-1]
    for coefficient in coefficients[-2:0:-1]:
        y += coefficient
        y *= z
    y += coefficients[0]
    return y


class Erf(Function):
    """erf(x) = sign(x) (1 - erfc(abs(x)))."""

    def forward(self, x: Array) -> Array:
        self.retain(x=x)
        y = -self.xp.expm1(log_erfc(self.xp, x))
        return self.xp.copysign(y, x).astype(x.dtype, copy=False)

    def backward(self, gy: Variable) -> Variable:
        return gy * (Bell().apply(self.retained("x")) * (2 / math.sqrt(math.pi)))


class Erfc(Function):
    """erfc(x) = 1 - erf(x), which is 2 - erfc(-x)."""

    def forward(self, x: Array) -> Array:
        self.retain(x=x)
        y = self.xp.copysign(self.xp.exp(log_erfc(self.xp, x)), x)
        negative = self.xp.signbit(x)  # where() would take ten times as long
        y += negative
        y += negative
        return y.astype(x.dtype, copy=False)

    def backward(self, gy: Variable) -> Variable:
        return gy * (Bell().apply(self.retained("x")) * (-2 / math.sqrt(math.pi)))


class Bell(Function):
    """exp(-x^2), the slope of erf but for a factor."""

    def forward(self, x: Array) -> Array:
        z = self.xp.minimum(abs(x.astype("f") if x.dtype == "e" else x), FAR)
        y = self.xp.exp(-(z * z)).astype(x.dtype, copy=False)
        self.retain(x=x, y=y)
        return y

    def backward(self, gy: Variable) -> Variable:
        return gy * (self.retained("x") * self.retained("y") * -2)


def erf(x: ArrayLike) -> Variable:
    """Error function, ``2 / sqrt(pi) * integral of exp(-t^2) from 0 to x``, element by element.

    Args:
        x: any shape, a floating dtype.

    Returns:
        The shape and dtype of ``x``, precise to a few units in the last place, also for the smallest ``x``.

    Raises:
        DtypeError: ``x`` is not floating.

    >>> erf(np.array([-1000.0, 0.0, 0.5])).array.round(6)
    array([-1.    ,  0.    ,  0.5205])
    """
    x = as_variable(x)
    require_floating("erf", x=x)
    return Erf().apply(x)


def erfc(x: ArrayLike) -> Variable:
    """Complement of the error function, ``1 - erf(x)`` element by element, with no digits lost where it is small.

    Args:
        x: any shape, a floating dtype.

    Returns:
        The shape and dtype of ``x``. The relative error stays below 5e-12 (float32: 5e-5).

    Raises:
        DtypeError: ``x`` is not floating.

    >>> erfc(np.array([-1000.0, 0.0, 10.0])).array
    array([2.00000000e+00, 1.00000000e+00, 2.08848758e-45])
    """
    x = as_variable(x)
    require_floating("erfc", x=x)
    return Erfc().apply(x)
