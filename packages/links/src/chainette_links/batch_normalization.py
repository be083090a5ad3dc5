"""Batch normalization layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainette import Parameter, Variable, as_variable, config, get_dtype
from chainette.checks import normalize_axes, removed_arguments, require_floating, require_ndim
from chainette.initializers import InitializerLike, generate_array
from chainette.typing import Array, ArrayLike, Axis, DTypeLike, Shape
from chainette_functions import batch_normalization, fixed_batch_normalization
from chainette_functions.util.recomputing import is_recomputing
from chainette_links.link import Link
from chainette_links.normalizing import normalizing_parameter


class BatchNormalization(Link):
    """Batch normalization, ``y = gamma (x - mean) / sqrt(var + eps) + beta``.

    In training, mean and variance are those of the batch, and running averages of them are kept. Where
    ``chainette.config.train`` is False, the running averages are used.

    Args:
        size: the shape of ``gamma``: the number of channels, or the sizes of all axes that ``axis`` does not name. None
            takes it from the first input: without ``axis`` it is the size of axis 1.
        decay: how much of the running averages stays at each call.
        eps: what keeps the divisor from 0.
        dtype: of parameters and averages; None means ``config.dtype``, or float32 for ``mixed16``. The averages are
            at least float32.
        use_gamma: whether there is a ``gamma``; otherwise it counts as 1.
        use_beta: whether there is a ``beta``; otherwise it counts as 0.
        initial_gamma: what ``gamma`` starts from; None means ones.
        initial_beta: what ``beta`` starts from; None means zeros.
        axis: the axes over which mean and variance are taken; None for axis 0 and all that follow gamma's.
        initial_avg_mean: what ``avg_mean`` starts from; None means zeros.
        initial_avg_var: what ``avg_var`` starts from; None means ones.

    Parameters: ``gamma`` and ``beta`` of shape ``size``, None where there are none.

    Persistent values: ``avg_mean`` and ``avg_var``, of the same shape (None while it is open), and ``N``, the number of
    calls since ``start_finetuning``.

    A file that Chainer 1.7 to 1.13 wrote holds variances in which eps is contained: see ``adapt_from_chainer_1_7``.

    Source: Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
    Shift", ICML 2015.

    >>> layer = BatchNormalization(1)
    >>> layer(np.array([[1.0], [3.0]], "f")).array.round(3).tolist(), layer.avg_mean
    ([[-1.0], [1.0]], array([0.2], dtype=float32))
    >>> with chainette.test_mode():
    ...     layer(np.array([[0.2]], "f")).array.round(3).tolist()
    [[0.0]]
    """

    gamma: Parameter | None
    beta: Parameter | None
    avg_mean: Array  # None while the size is open
    avg_var: Array
    N: int

    @removed_arguments(use_cudnn="which kernel runs is shown by 'python -m chainette kernels'")
    def __init__(
        self,
        size: int | Shape | None = None,
        decay: float = 0.9,
        eps: float = 2e-5,
        dtype: DTypeLike = None,
        use_gamma: bool = True,
        use_beta: bool = True,
        initial_gamma: InitializerLike = None,
        initial_beta: InitializerLike = None,
        axis: Axis = None,
        initial_avg_mean: InitializerLike = None,
        initial_avg_var: InitializerLike = None,
    ) -> None:
        super().__init__()
        self.decay = decay
        self.eps = eps
        self.axis = axis
        with self.init_scope():
            self.gamma = normalizing_parameter(initial_gamma, 1, dtype) if use_gamma else None
            self.beta = normalizing_parameter(initial_beta, 0, dtype) if use_beta else None
        self._initial = (
            (0 if initial_avg_mean is None else initial_avg_mean),
            (1 if initial_avg_var is None else initial_avg_var),
        )
        self._average_dtype = np.promote_types(get_dtype(dtype, map_mixed16="f"), "f")
        self.add_persistent("avg_mean", None)
        self.add_persistent("avg_var", None)
        self.add_persistent("N", 0)
        if size is not None:
            self._initialize((size,) if isinstance(size, int) else tuple(size))

    def _initialize(self, shape: Shape) -> None:
        for parameter in self.params(include_uninit=True):
            if not parameter.is_initialized:
                parameter.initialize(shape)
        mean, var = self._initial
        if self.avg_mean is None:
            self.avg_mean = generate_array(mean, shape, self._average_dtype, self._device)
        if self.avg_var is None:
            self.avg_var = generate_array(var, shape, self._average_dtype, self._device)

    def _copy(self, mode: str, memo: dict[int, Any]) -> Any:
        is_new = id(self) not in memo
        copied = super()._copy(mode, memo)
        if is_new and mode == "init" and self.avg_mean is not None:
            copied.avg_mean = copied.avg_var = None
            copied._initialize(self.avg_mean.shape)
            copied.N = 0
        return copied

    @removed_arguments(test="set chainette.config.train, e.g. with chainette.test_mode()")
    def forward(self, x: ArrayLike, *, finetune: bool = False) -> Variable:
        """Normalize ``x``.

        Args:
            x: ``(batch, channels, ...)``.
            finetune: in training: let the running averages become the plain means over all batches since
                ``start_finetuning``, e.g. to measure a trained network's statistics on the training set once more.
        """
        x = as_variable(x)
        if self.avg_mean is None or self.avg_var is None:
            self._initialize(self._features(x))
        with x.device.use():
            gamma = x.xp.ones(self.avg_mean.shape, self._average_dtype) if self.gamma is None else self.gamma
            beta = x.xp.zeros(self.avg_mean.shape, self._average_dtype) if self.beta is None else self.beta
        if not config.train:
            return self._by_averages(x, gamma, beta)
        y = self._by_batch(x, gamma, beta, 1 - 1 / (self.N + 1) if finetune else self.decay)
        if finetune and x.size and not is_recomputing():
            self.N += 1
        return y

    def _features(self, x: Variable) -> Shape:
        """The shape that the parameters take from the first input."""
        name = type(self).__name__
        require_floating(name, x=x)
        require_ndim(name, "x", x, 2, "(batch, channels, ...)")
        axes = normalize_axes(name, self.axis, x.ndim)
        return x.shape[1:2] if axes is None else tuple(size for i, size in enumerate(x.shape) if i not in axes)

    def _by_batch(self, x: Variable, gamma: Any, beta: Any, decay: float) -> Variable:
        return batch_normalization(
            x, gamma, beta, self.eps,
            running_mean=self.avg_mean, running_var=self.avg_var, decay=decay, axis=self.axis,
        )  # fmt: skip

    def _by_averages(self, x: Variable, gamma: Any, beta: Any) -> Variable:
        return fixed_batch_normalization(x, gamma, beta, self.avg_mean, self.avg_var, self.eps, axis=self.axis)

    def start_finetuning(self) -> None:
        """Begin a count of the batches for calls with ``finetune=True``."""
        self.N = 0


def adapt_from_chainer_1_7(model: Link) -> None:
    """Correct the running variances of a model after its parameters were loaded from a file of Chainer 1.7 to 1.13.

    Those versions added eps to a variance before they averaged it, and divided by the root of the average as it was.
    Here eps is added at each use. So the eps of each BatchNormalization in the model is subtracted from its
    ``avg_var``, once; then the model predicts what it predicted there.

    Args:
        model: any link; it is changed in place. Call this once after loading.

    >>> layer = BatchNormalization(2, eps=0.25)
    >>> layer.avg_var[...] = 1.25  # as the file had it: the variance 1, and eps
    >>> adapt_from_chainer_1_7(layer)
    >>> layer.avg_var
    array([1., 1.], dtype=float32)
    """
    for link in {id(link): link for link in model.links()}.values():
        if isinstance(link, BatchNormalization) and link.avg_var is not None:
            with link.device.use():
                link.avg_var -= link.eps
