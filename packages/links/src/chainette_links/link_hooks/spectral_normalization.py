"""Spectral normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainette import Variable, config, random, to_device
from chainette.errors import ArgumentError, ShapeError
from chainette.initializers import Constant
from chainette.typing import Array
from chainette_functions import cast, matmul, maximum, reshape, transpose
from chainette_functions.util.recomputing import is_recomputing
from chainette_links.link import Link
from chainette_links.link_hooks.weight_hook import WeightHook, matrix_shape, other_axes, output_axis


class SpectralNormalization(WeightHook):
    """Computes with ``W / sigma``, where ``sigma`` is the largest singular value of ``W``, seen as a matrix that has a
    row for each output: so the link stretches no vector.

    ``sigma`` is approximated by power iteration, which goes on from call to call in training. The vector that it needs
    is kept with the link as the persistent value ``W_u`` (the weight's name with ``_u``).

    Args:
        n_power_iteration: iterations a call.
        eps: what keeps divisors from 0.
        use_gamma: whether to multiply by a parameter ``gamma`` of the link, a number. It starts as the singular value,
            so that the link computes at first what it would without the hook.
        factor: what to multiply by; None for nothing.
        weight_name: the parameter.
        name: the hook's name; None means ``SpectralNormalization``.

    Source: Miyato, Kataoka, Koyama, Yoshida, "Spectral Normalization for Generative Adversarial Networks", ICLR 2018.

    >>> import chainette_links as L
    >>> layer = L.Linear(2, 2, nobias=True, initialW=np.array([[3.0, 0.0], [0.0, 1.0]]))
    >>> layer = layer.add_hook(SpectralNormalization(n_power_iteration=20))
    >>> layer(np.array([[3.0, 3.0]], "f")).array.round(3)
    array([[3., 1.]], dtype=float32)
    """

    name = "SpectralNormalization"

    def __init__(
        self,
        n_power_iteration: int = 1,
        eps: float = 1e-6,
        use_gamma: bool = False,
        factor: float | None = None,
        weight_name: str = "W",
        name: str | None = None,
    ) -> None:
        super().__init__(weight_name, name)
        if n_power_iteration < 1:
            raise ArgumentError(f"SpectralNormalization: n_power_iteration={n_power_iteration} (expected at least 1).")
        if not eps > 0:
            raise ArgumentError(f"SpectralNormalization: eps={eps} (expected a number above 0).")
        self.n_power_iteration = n_power_iteration
        self.eps = eps
        self.use_gamma = use_gamma
        self.factor = factor
        self.vector_name = f"{weight_name}_u"

    def register(self, link: Link) -> None:
        link.add_persistent(self.vector_name, None)
        if self.use_gamma:
            link.add_param("gamma", initializer=1)

    def prepare(self, link: Any, W: Variable) -> None:
        if getattr(link, self.vector_name) is None:
            if not W.size:
                raise ShapeError(f"{self.name}: {self.weight_name} of shape {W.shape} has no singular values.")
            with W.device.use():
                u = random.generator(W.device).standard_normal(W.shape[output_axis(link)])
                setattr(link, self.vector_name, u.astype(np.promote_types(W.dtype, "f")))
        if self.use_gamma and not link.gamma.is_initialized:
            matrix = to_device(self.as_matrix(link, W).array, "cpu")
            link.gamma.initializer = Constant(np.linalg.norm(matrix, 2), W.dtype)
            link.gamma.initialize(())

    def as_matrix(self, link: Link, W: Variable) -> Variable:
        """The weight with a row for each output; float16 as float32."""
        axis = output_axis(link)
        wide = cast(W, "f") if W.dtype == "e" else W
        return reshape(transpose(wide, (axis, *other_axes(W, axis))), matrix_shape(W, axis))

    def weight(self, link: Any, W: Variable) -> Variable:
        matrix = self.as_matrix(link, W)
        with W.device.use():
            u, v = self.singular_vectors(link, matrix.array)
        sigma = maximum(matmul(matmul(u, matrix), v), self.eps)
        y = W / (sigma if self.factor is None else sigma / self.factor)
        return cast(link.gamma * y if self.use_gamma else y, W.dtype)

    def singular_vectors(self, link: Any, matrix: Array) -> tuple[Array, Array]:
        """Approximations of those that belong to the largest singular value; in training they are kept."""
        latest = f"_{self.weight_name}_u_and_v"
        if config.train and is_recomputing() and latest in vars(link):
            found: tuple[Array, Array] = vars(link)[latest]
            return found
        u = getattr(link, self.vector_name)
        for _ in range(self.n_power_iteration):
            v = self.of_length_one(u @ matrix)
            u = self.of_length_one(matrix @ v)
        if config.train:
            setattr(link, self.vector_name, u)  # not in place: graphs know the old one
            vars(link)[latest] = u, v
        return u, v

    def of_length_one(self, x: Array) -> Array:
        return x / ((x * x).sum() ** 0.5 + self.eps)

    def deleted(self, link: Any) -> None:
        delattr(link, self.vector_name)
        vars(link).pop(f"_{self.weight_name}_u_and_v", None)
        if self.use_gamma:
            del link.gamma
