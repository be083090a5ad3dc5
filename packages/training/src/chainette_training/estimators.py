"""Networks that scikit-learn can fit, search over and put into pipelines; shown as ``chainette.training.sklearn``."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import Parameter, signature
from tempfile import TemporaryDirectory
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin  # type: ignore[import-untyped]
from sklearn.utils import check_random_state  # type: ignore[import-untyped]
from sklearn.utils.multiclass import check_classification_targets  # type: ignore[import-untyped]
from sklearn.utils.validation import check_is_fitted, validate_data  # type: ignore[import-untyped]

import chainette
from chainette import random, report
from chainette.errors import ArgumentError, ShapeError
from chainette_training.datasets.tuple_dataset import TupleDataset
from chainette_training.extensions.log_report import LogReport
from chainette_training.extensions.print_report import PrintReport
from chainette_training.extensions.progress_bar import ProgressBar
from chainette_training.iterators import SerialIterator
from chainette_training.trainer import Trainer
from chainette_training.updaters import StandardUpdater

Array = npt.NDArray[Any]

PREDICTED = 256  # examples that are predicted at once, unless a batch has more


class _Network(BaseEstimator):  # type: ignore[misc]
    """What both estimators have in common. A subclass says what the loss is, and what the outputs mean."""

    def __init__(
        self,
        model: Any = None,
        optimizer: Any = None,
        epochs: int = 100,
        batch_size: int = 32,
        loss: Callable[[Any, Any], Any] | None = None,
        device: Any = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.epochs = epochs
        self.batch_size = batch_size
        self.loss = loss
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def _begin(self, x: Array, n_outputs: int) -> None:
        """A new network, whose sizes are all known, and its optimizer."""
        for name in "epochs", "batch_size":
            if getattr(self, name) < 1:
                raise ArgumentError(f"{self._name}: {name}={getattr(self, name)} (expected at least 1).")
        if self.random_state is None:
            seed = random.generator().integers(2**31)
        else:
            seed = check_random_state(self.random_state).randint(2**31 - 1)
        self._source = {"cpu": np.random.default_rng(seed).bit_generator.state}
        with self._own_random_numbers():
            model = self._make_model(x.shape[1], n_outputs)
            with chainette.test_mode(), chainette.no_backprop_mode():
                shape = model(x[:1]).shape
        if shape != (1, n_outputs):
            raise ShapeError(
                f"{self._name}: the model gives shape {shape} for one example (expected {(1, n_outputs)}). Let it end "
                "with as many outputs as there are classes, or values to predict."
            )
        self._optimizer = self._make_optimizer().setup(model)
        self.model_ = model
        self.loss_curve_: list[float] = []

    def _make_model(self, n_features: int, n_outputs: int) -> Any:
        if self.model is None:
            import chainette.functions as F
            import chainette.links as L

            return chainette.Sequential(L.Linear(None, 100), F.relu, L.Linear(100, n_outputs))
        if _is_link(self.model):
            return copy.deepcopy(self.model)
        if not callable(self.model):
            raise ArgumentError(
                f"{self._name}: model is a {type(self.model).__name__} (expected a Link or a callable)."
            )
        parameters = signature(self.model).parameters.values()
        n_needed = sum(each.default is each.empty and each.kind in _POSITIONAL for each in parameters)
        if n_needed > 2:
            raise ArgumentError(
                f"{self._name}: model needs {n_needed} arguments (expected at most 2: the numbers of features and of "
                "outputs). Give the others by functools.partial."
            )
        model = self.model(*(n_features, n_outputs)[2 - n_needed :])
        if not _is_link(model):
            raise ArgumentError(f"{self._name}: model() made a {type(model).__name__} (expected a Link).")
        return model

    def _make_optimizer(self) -> Any:
        from chainette import optimizers

        if self.optimizer is None:
            return optimizers.Adam()
        return self.optimizer() if callable(self.optimizer) else copy.deepcopy(self.optimizer)

    def _learn(self, x: Array, t: Array, epochs: int) -> None:
        """Go on with the network that there is."""
        model = self.model_
        lossfun = self.loss or self._default_loss()

        def loss(x: Any, t: Any) -> Any:
            value = lossfun(model(x), t)
            report({"loss": value}, model)
            return value

        log = LogReport(filename=None)
        with TemporaryDirectory() as folder, self._own_random_numbers():
            iterator = SerialIterator(TupleDataset(x, t), min(self.batch_size, len(x)))
            updater = StandardUpdater(iterator, self._optimizer, device=self.device, loss_func=loss)
            trainer = Trainer(updater, (epochs, "epoch"), out=folder, extensions=[log])
            if self.verbose:
                trainer.extend(PrintReport(["epoch", "iteration", "main/loss", "elapsed_time"]))
                trainer.extend(ProgressBar())
            with chainette.train_mode(), chainette.force_backprop_mode():
                trainer.run()
        self.loss_curve_ += [entry["main/loss"] for entry in log.log]

    def _outputs(self, X: Any) -> Any:
        """What the network gives, on the CPU."""
        check_is_fitted(self, "model_")
        x = self._validated(X, reset=False)
        model, n = self.model_, max(self.batch_size, PREDICTED)
        with chainette.test_mode(), chainette.no_backprop_mode():
            batches = (model(chainette.to_device(x[i : i + n], model.device)) for i in range(0, len(x), n))
            return np.concatenate([chainette.to_device(y.array, "cpu") for y in batches])

    def _validated(self, *arrays: Any, reset: bool, **options: Any) -> Any:
        if reset:
            self._dtype = chainette.get_dtype()
        return validate_data(self, *arrays, reset=reset, dtype=self._dtype, allow_nd=True, **options)

    @contextmanager
    def _own_random_numbers(self) -> Iterator[None]:
        """A context in which chainette draws from this estimator's numbers; what others draw is not changed by it."""
        with _one_at_a_time:
            before = random.get_state()
            random.set_state(self._source)
            try:
                yield
            finally:
                self._source = random.get_state()
                random.set_state(before)

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _default_loss(self) -> Callable[[Any, Any], Any]:
        raise NotImplementedError


class Classifier(ClassifierMixin, _Network):  # type: ignore[misc]
    """A network that says to which class an example belongs, for scikit-learn.

    Args:
        model: what makes the network, one that gives a score for each class: a function or class that is called with
            as many arguments as it needs, ``model()``, ``model(n_classes)`` or ``model(n_features, n_classes)``; or a
            Link, of which a copy is trained. None means 100 hidden units with relu.
        optimizer: what makes the optimizer, e.g. ``optimizers.SGD``; or an optimizer, of which a copy is used. None
            means Adam.
        epochs: how often all examples are seen.
        batch_size: examples in one step.
        loss: ``loss(y, t)`` of the scores and the numbers of the classes; None means ``F.softmax_cross_entropy``.
        device: where to compute, e.g. ``"cuda"``; None means where the model is.
        random_state: a seed, or a ``numpy.random.RandomState``: the same one gives the same network, and chainette's
            own source of random numbers is left as it is (both as far as they are drawn on the CPU). None draws a
            seed from that source.
        verbose: whether to print the loss of each epoch, and show how far it is.

    Features are cast to ``chainette.config.dtype`` and should be of the size of 1: put a ``StandardScaler`` before.
    They may have more than two axes, for networks that take images.

    Attributes:
        classes_: the classes.
        model_: the network.
        loss_curve_: the mean loss of each epoch.
        n_features_in_, feature_names_in_: as in all of scikit-learn.

    Raises:
        MissingPluginError: (an ImportError) scikit-learn, or for the default model or loss chainette-links or
            chainette-functions, is not installed.
        ArgumentError, ShapeError: (ValueErrors, by ``fit``) a setting makes no sense, or the network does not fit.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_iris(return_X_y=True)
    >>> pipeline = make_pipeline(StandardScaler(), Classifier(random_state=0)).fit(X, y)
    >>> pipeline.score(X, y) > 0.9
    True
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Learn anew from features (examples, features) and classes (examples,)."""
        x, y = self._checked(X, y, reset=True)
        self.classes_, t = np.unique(y, return_inverse=True)
        self._begin(x, len(self.classes_))
        self._learn(x, t.astype(np.int32), self.epochs)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Go on learning: see these examples once.

        Args:
            X, y: as for ``fit``.
            classes: all classes that there will ever be; needed in the first call.
        """
        is_new = not hasattr(self, "model_")
        x, y = self._checked(X, y, reset=is_new)
        if is_new:
            if classes is None:
                raise ArgumentError("Classifier.partial_fit: classes= is missing, which the first call needs.")
            self.classes_ = np.unique(classes)
        t = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        unknown = np.unique(y[self.classes_[t] != y])
        if len(unknown):
            raise ArgumentError(
                f"Classifier.partial_fit: y has {', '.join(map(repr, unknown.tolist()[:4]))} (expected one of classes)."
            )
        if is_new:
            self._begin(x, len(self.classes_))
        self._learn(x, t.astype(np.int32), 1)
        return self

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, (examples, classes), in the order of ``classes_``."""
        y = self._outputs(X)
        y = np.exp(y - y.max(axis=1, keepdims=True))
        probabilities: Array = y / y.sum(axis=1, keepdims=True)
        return probabilities

    def predict(self, X: Any) -> Array:
        """The class of each example, (examples,)."""
        best = self._outputs(X).argmax(axis=1)
        classes: Array = self.classes_[best]
        return classes

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[Array, Array]:
        x, y = self._validated(X, y, reset=reset)
        check_classification_targets(y)
        return x, y

    def _default_loss(self) -> Callable[[Any, Any], Any]:
        import chainette.functions as F

        return F.softmax_cross_entropy


class Regressor(RegressorMixin, _Network):  # type: ignore[misc]
    """A network that predicts numbers, for scikit-learn.

    Args:
        model: what makes the network, one that gives the numbers to be predicted: a function or class that is called
            with as many arguments as it needs, ``model()``, ``model(n_outputs)`` or ``model(n_features, n_outputs)``;
            or a Link, of which a copy is trained. None means 100 hidden units with relu.
        loss: ``loss(y, t)``, each of shape (examples, outputs); None means ``F.mean_squared_error``.
        optimizer, epochs, batch_size, device, random_state, verbose: see Classifier.

    Features and targets should be of the size of 1: put a ``StandardScaler`` before, and a
    ``TransformedTargetRegressor`` around. Predictions have the dtype of the network, by default float32; of all that
    ``check_estimator`` asks, only ``check_regressor_multioutput`` fails, which wants float64.

    Attributes:
        model_, loss_curve_, n_features_in_, feature_names_in_: see Classifier.

    Raises:
        MissingPluginError, ArgumentError, ShapeError: see Classifier.

    >>> X = np.linspace(-1, 1, 100).reshape(100, 1)
    >>> Regressor(random_state=0).fit(X, X[:, 0] ** 2).score(X, X[:, 0] ** 2) > 0.9
    True
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Learn anew from features (examples, features) and targets, (examples,) or (examples, outputs)."""
        x, t = self._checked(X, y, reset=True)
        self._begin(x, t.shape[1])
        self._learn(x, t, self.epochs)
        return self

    def partial_fit(self, X: Any, y: Any) -> Self:
        """Go on learning: see these examples once."""
        is_new = not hasattr(self, "model_")
        x, t = self._checked(X, y, reset=is_new)
        if is_new:
            self._begin(x, t.shape[1])
        self._learn(x, t, 1)
        return self

    def predict(self, X: Any) -> Array:
        """The numbers for each example, in the form that ``y`` had."""
        y: Array = self._outputs(X)
        return y[:, 0] if self._is_single else y

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[Array, Array]:
        x, y = self._validated(X, y, reset=reset, multi_output=True, y_numeric=True)
        self._is_single = y.ndim == 1
        return x, y.reshape(len(y), -1).astype(x.dtype)

    def _default_loss(self) -> Callable[[Any, Any], Any]:
        import chainette.functions as F

        return F.mean_squared_error

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


_one_at_a_time = threading.RLock()  # the source of random numbers is one for all threads
_POSITIONAL = Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD


def _is_link(model: Any) -> bool:
    return not isinstance(model, type) and hasattr(model, "namedparams")
