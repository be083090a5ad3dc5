"""What the networks that classify images share: named layers, images as inputs, published weights."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from chainette import Variable, as_variable, load_model, no_backprop_mode, test_mode, to_device
from chainette.checks import removed_arguments
from chainette.errors import ArgumentError, LoadError
from chainette.initializers import Initializer, Zero
from chainette.typing import Array, ArrayLike
from chainette_functions.windows import Sizes
from chainette_links.chain import Chain
from chainette_links.link import Link
from chainette_links.model.images import batch, middle, oversample as views_of

FilePath = str | os.PathLike[str]

Layers = dict[str, list[Callable[..., Any]]]

removed_modes = removed_arguments(
    test="set chainette.config.train, e.g. with chainette.test_mode()",
    train="set chainette.config.train, e.g. with chainette.train_mode()",
    volatile="use chainette.no_backprop_mode()",
)


class ImageClassifier(Chain):
    """A network of named layers, one behind the other, that gives the probabilities of 1,000 kinds of images.

    Args:
        pretrained_model: a file of weights, ``"auto"`` or None: see ``VGG16Layers``.
        file: the published weights' name, without ``.caffemodel``.
        source: where they were published.

    A subclass says in ``functions`` what its layers are, and ends its ``__init__`` with ``self._load()``.
    """

    mean: ClassVar[tuple[float, float, float]]  # blue, green and red, of the images that it learned from
    features: ClassVar[str]  # the layer that extract gives by default
    branches: ClassVar[Mapping[str, str]] = {}  # layers that stand after the others: whose output each one takes

    def __init__(self, pretrained_model: FilePath | None, file: str, source: str) -> None:
        super().__init__()
        self.file, self.source = file, source
        self.pretrained_model = self._kept_file() if pretrained_model == "auto" else pretrained_model

    @property
    def functions(self) -> Layers:
        """The layers by name: what is applied, one after the other, to the output of the layer before."""
        raise NotImplementedError

    @property
    def available_layers(self) -> list[str]:
        """The names of the layers."""
        return list(self.functions)

    # -- computing ----------------------------------------------------------------------------------------------

    @removed_modes
    def forward(self, x: ArrayLike, layers: Iterable[str] | None = None) -> dict[str, Variable]:
        """Compute layers of the network, and nothing that they do not need.

        Args:
            x: ``(batch, 3, height, width)``, images as ``prepare`` gives them.
            layers: the names of the layers; None means ``["prob"]``.

        Returns:
            The outputs by name.

        Raises:
            ArgumentError: there is no layer of such a name.
        """
        functions = self.functions
        asked = self._known(["prob"] if layers is None else layers)
        ends = {self.branches.get(name, name) for name in asked}
        outputs: dict[str, Variable] = {}
        h = as_variable(x)
        for name in functions:
            if ends <= outputs.keys():
                break
            h = _applied(functions[name], h)
            if name in ends:
                outputs[name] = h
        for name in asked:
            if name not in outputs:
                outputs[name] = _applied(functions[name], outputs[self.branches[name]])
        return {name: outputs[name] for name in asked}

    def _known(self, layers: Iterable[str]) -> list[str]:
        names = [] if isinstance(layers, str) else list(layers)
        if isinstance(layers, str) or not set(names) <= self.functions.keys():
            raise ArgumentError(
                f"{type(self).__name__}: layers={layers!r} (expected a list of names, out of "
                f"{', '.join(self.available_layers)})."
            )
        return names

    @removed_modes
    def extract(
        self, images: Iterable[Any], layers: Iterable[str] | None = None, size: Sizes | None = (224, 224)
    ) -> dict[str, Variable]:
        """Compute layers of the network for images.

        Args:
            images: a list of images, each as ``prepare`` takes it.
            layers: the names of the layers; None means the last one before the classification.
            size: ``(width, height)`` to which the images are scaled; None leaves them as they are.

        Returns:
            The outputs by name.

        Dropout and batch normalization work as ``chainette.config.train`` says, and the graph is remembered. Call it
        within ``chainette.test_mode()`` and ``chainette.no_backprop_mode()`` where nothing is trained.
        """
        x = to_device(batch(images, size, self.mean), self.device)
        return self(x, layers=[self.features] if layers is None else layers)  # type: ignore[no-any-return]

    @removed_modes
    def predict(self, images: Iterable[Any], oversample: bool = True) -> Variable:
        """The probabilities of the kinds for images, as in evaluation, and without a graph.

        Args:
            images: a list of images, each as ``prepare`` takes it. They are scaled to 256 x 256 pixels.
            oversample: whether to take the mean over ten views of 224 x 224 pixels, in place of the one in the middle.

        Returns:
            ``(batch, 1000)``.
        """
        x = batch(images, (256, 256), self.mean)
        x = views_of(x, (224, 224)) if oversample else middle(x, 224, 224)
        with no_backprop_mode(), test_mode():
            y: Variable = self(to_device(x, self.device))["prob"]
            return y.reshape(-1, 10, *y.shape[1:]).mean(axis=1) if oversample else y

    # -- published weights --------------------------------------------------------------------------------------

    def _kept_file(self) -> Path:
        """The file of published weights where Chainer keeps it.

        Raises:
            FileNotFoundError: it is not there.
        """
        root = Path(os.environ.get("CHAINER_DATASET_ROOT", "~/.chainer/dataset")).expanduser()
        folder = root / "pfnet" / "chainer" / "models"
        for path in (folder / f"{self.file}.npz", folder / f"{self.file}.caffemodel"):
            if path.exists():
                return path
        raise FileNotFoundError(
            f"{type(self).__name__}: there is no file for pretrained_model='auto', and chainette downloads nothing. "
            f"Put {self.file}.caffemodel, from {self.source}, or the .npz that Chainer made of it, into {folder}; or "
            "give its path; or pretrained_model=None for random weights."
        )

    def _initial(self, initializer: Initializer | None) -> Initializer | None:
        """What weights start from: ``initializer``, or zeros, which are faster, where a file is loaded afterwards."""
        return initializer if self.pretrained_model is None else Zero()

    def _load(self) -> None:
        """Load the file that ``pretrained_model`` says, if it does.

        Raises:
            LoadError: its values do not fit.
            MissingPluginError: what reads such files is not installed.
        """
        if self.pretrained_model is None:
            return
        if os.fspath(self.pretrained_model).endswith(".caffemodel"):
            self._take(load_model(self.pretrained_model))
        else:
            from chainette import serializers

            serializers.load_npz(self.pretrained_model, self)

    def _take(self, caffe: Link) -> None:
        """Copy the values of a network that was read from a caffemodel."""
        theirs = _values(caffe)
        pairs = [(name, mine, self._caffe_name(name)) for name, mine in _values(self).items()]
        wanted = [(mine, theirs.get(other), f"{name} from {other}") for name, mine, other in pairs if other]
        misfits = [words for mine, value, words in wanted if value is None or value.shape != mine.shape]
        if misfits:
            raise LoadError(
                f"{type(self).__name__}: {self.pretrained_model} does not hold, or has in another shape: "
                f"{', '.join(misfits)}. Take the file {self.file}.caffemodel."
            )
        for mine, value, _ in wanted:
            mine[...] = value

    def _caffe_name(self, name: str) -> str | None:
        """Where a value of this network lies in the one read from a caffemodel; None for one that is not in it."""
        return name

    @classmethod
    def convert_caffemodel_to_npz(cls, path_caffemodel: FilePath, path_npz: FilePath, **options: Any) -> None:
        """Read the published caffemodel, and write it as an npz file, which loads faster.

        Args:
            path_caffemodel: the file to read.
            path_npz: the file to write.
            options: further arguments with which the network is made.

        Raises:
            MissingPluginError: chainette-caffe-import, or chainette-serializers, is not installed.
            LoadError: it is the file of another network.
        """
        from chainette import serializers

        serializers.save_npz(path_npz, cls(path_caffemodel, **options), compression=False)


def _applied(functions: list[Callable[..., Any]], h: Variable) -> Variable:
    for function in functions:
        h = function(h)
    return h


def _values(link: Link) -> dict[str, Array]:
    """Parameters and persistent values by path."""
    values = {path: parameter.array for path, parameter in link.namedparams(include_uninit=False)}
    for path, each in link.namedlinks():
        values.update({f"{path.rstrip('/')}/{name}": getattr(each, name) for name in each._persistent})
    return values
