"""What Adam does on request, under the names by which it is known: AdamW, AMSGrad, AdaBound and AMSBound."""

from __future__ import annotations

from chainette_optimizers.adam import Adam


class AdamW(Adam):
    """Adam with decoupled weight decay: ``Adam(weight_decay_rate=...)``. ::

        p <- p - eta (lr m / (sqrt(v) + eps) + weight_decay_rate p)

    Args:
        alpha: the step size, 0.001 by default.
        beta1: how much of m stays at each step, 0.9 by default; 0 <= beta1 < 1.
        beta2: how much of v stays at each step, 0.999 by default; 0 <= beta2 < 1.
        eps: keeps the division finite, 1e-8 by default.
        eta: scales the whole step, weight decay included; 1.0 by default. For schedules.
        weight_decay_rate: how strongly weights are drawn to 0, whatever alpha is. 0 by default, as in Chainer, which
            is Adam.

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, algorithm 2.

    >>> x = chainette.Parameter(np.array(1.0))
    >>> optimizer = AdamW(weight_decay_rate=0.1).setup([x])
    >>> for _ in range(2):
    ...     optimizer.update(lambda: 0 * x)
    >>> round(x.item(), 3)
    0.81
    """

    def __init__(
        self,
        alpha: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        eta: float = 1.0,
        weight_decay_rate: float = 0,
    ) -> None:
        super().__init__(alpha, beta1, beta2, eps, eta, weight_decay_rate)


class AMSGrad(Adam):
    """Adam that divides by the root of the largest v so far: ``Adam(amsgrad=True)``. ::

        vhat <- max(vhat, v)
        p    <- p - eta lr m / (sqrt(vhat) + eps)

    Args:
        alpha: the step size, 0.001 by default.
        beta1: how much of m stays at each step, 0.9 by default; 0 <= beta1 < 1.
        beta2: how much of v stays at each step, 0.999 by default; 0 <= beta2 < 1.
        eps: keeps the division finite, 1e-8 by default.
        eta: scales the whole step; 1.0 by default. For schedules.

    Source: Reddi, Kale and Kumar, "On the Convergence of Adam and Beyond", ICLR 2018.

    >>> x = chainette.Parameter(np.array(0.0))
    >>> optimizer = AMSGrad(alpha=0.1).setup([x])
    >>> for _ in range(300):
    ...     optimizer.update(lambda: (x - 3) ** 2)
    >>> round(x.item(), 3)
    3.0
    """

    def __init__(
        self,
        alpha: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        eta: float = 1.0,
    ) -> None:
        super().__init__(alpha, beta1, beta2, eps, eta, amsgrad=True)


class AdaBound(Adam):
    """Adam that turns into gradient descent: ``Adam(adabound=True)``. ::

        rate = lr / (sqrt(v) + eps), clipped to final_lr (1 - 1 / (gamma t + 1)) ... final_lr (1 + 1 / (gamma t))
        p   <- p - eta rate m

    Args:
        alpha: the step size at the beginning, 0.001 by default.
        beta1: how much of m stays at each step, 0.9 by default; 0 <= beta1 < 1.
        beta2: how much of v stays at each step, 0.999 by default; 0 <= beta2 < 1.
        final_lr: the rate in the end, 0.1 by default; it changes in proportion with alpha after ``setup``.
        gamma: how fast the bounds close, 1e-3 by default; above 0.
        eps: keeps the division finite, 1e-8 by default.
        eta: scales the whole step; 1.0 by default. For schedules.

    Source: Luo et al., "Adaptive Gradient Methods with Dynamic Bound of Learning Rate", ICLR 2019, algorithm 2.

    >>> x = chainette.Parameter(np.array(0.0))
    >>> optimizer = AdaBound(alpha=0.1).setup([x])
    >>> for _ in range(300):
    ...     optimizer.update(lambda: (x - 3) ** 2)
    >>> round(x.item(), 3)
    3.0
    """

    def __init__(
        self,
        alpha: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        final_lr: float = 0.1,
        gamma: float = 1e-3,
        eps: float = 1e-8,
        eta: float = 1.0,
    ) -> None:
        super().__init__(alpha, beta1, beta2, eps, eta, adabound=True, final_lr=final_lr, gamma=gamma)


class AMSBound(Adam):
    """AdaBound with the largest v so far: ``Adam(amsgrad=True, adabound=True)``. See AdaBound for the formula.

    Args:
        alpha: the step size at the beginning, 0.001 by default.
        beta1: how much of m stays at each step, 0.9 by default; 0 <= beta1 < 1.
        beta2: how much of v stays at each step, 0.999 by default; 0 <= beta2 < 1.
        final_lr: the rate in the end, 0.1 by default; it changes in proportion with alpha after ``setup``.
        gamma: how fast the bounds close, 1e-3 by default; above 0.
        eps: keeps the division finite, 1e-8 by default.
        eta: scales the whole step; 1.0 by default. For schedules.

    Source: Luo et al., "Adaptive Gradient Methods with Dynamic Bound of Learning Rate", ICLR 2019, algorithm 3.

    >>> x = chainette.Parameter(np.array(0.0))
    >>> optimizer = AMSBound(alpha=0.1).setup([x])
    >>> for _ in range(300):
    ...     optimizer.update(lambda: (x - 3) ** 2)
    >>> round(x.item(), 3)
    3.0
    """

    def __init__(
        self,
        alpha: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        final_lr: float = 0.1,
        gamma: float = 1e-3,
        eps: float = 1e-8,
        eta: float = 1.0,
    ) -> None:
        super().__init__(alpha, beta1, beta2, eps, eta, amsgrad=True, adabound=True, final_lr=final_lr, gamma=gamma)
