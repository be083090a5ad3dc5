"""CaffeFunction: a Caffe net as a Chain."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, cast

import chainette
from chainette import Variable
from chainette.errors import ArgumentError
from chainette_caffe_import.definition import State, define, input_shapes
from chainette_caffe_import.errors import CaffeInputError, CaffeNetError, CaffeWarning
from chainette_caffe_import.graph import Graph, Step, Version
from chainette_caffe_import.layer import Layer, known_layers
from chainette_caffe_import.making import make_layers, share_parameters
from chainette_caffe_import.prototxt import read_prototxt, warn_of_unknown
from chainette_caffe_import.wire import read_caffemodel
from chainette_links import Chain

Path = str | os.PathLike[str]


class CaffeFunction(Chain):
    """A net that Caffe trained, as a chain whose children are its layers, under their names.

    Args:
        model: the ``.caffemodel``; None starts all parameters anew, by the fillers of the prototxt.
        prototxt: the net's description. None takes the layers from the model, as training left them there: the blobs
            that a data layer would bring are fed by their names.
        phase: ``"test"`` or ``"train"``: for which the layers' include and exclude rules choose.
        level, stages: what those rules look at besides.
        unsupported: ``"error"`` refuses a net with layers or parameters that are not known here; ``"skip"`` warns,
            passes over such parameters, and leaves such layers out: what works in place is as if it were not there,
            and other tops can be fed by name.

    The files may be of any format: V2 (2014 on), V1 (2014) and V0 (2013). Layers are matched by name; one that is in
    the model only is dropped, one that is in the prototxt only starts anew. Layers of types that are not known can be
    added, see ``register_layer``.

    ``net["conv1"].W`` is a parameter like any other: nets are trained, frozen, sent to devices and saved as every
    Chain is. Dropout and BatchNorm look at ``config.train`` as links do.

    Attributes:
        inputs: the names of the blobs that are fed.
        outputs: the names of the blobs that no layer reads.
        blobs: the names of all blobs.
        input_shapes: the shapes of inputs that the file says.

    Raises:
        CaffeFormatError: (a ValueError) a file is damaged, or no Caffe model.
        CaffeNetError: (a CaffeFormatError) the net cannot be built; the message lists everything that is wrong.

    >>> _ = (folder / "net.prototxt").write_text('''
    ... input: "data"
    ... layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" inner_product_param { num_output: 2 } }
    ... layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }''')
    >>> net = CaffeFunction(None, folder / "net.prototxt")
    >>> net(np.ones((1, 3), "f")).array
    array([[0.5, 0.5]], dtype=float32)
    >>> (fc,) = net(inputs={"data": np.ones((1, 3), "f")}, outputs=["fc"], train=False)
    >>> net["fc"].W.shape
    (2, 3)
    """

    def __init__(
        self,
        model: Path | None,
        prototxt: Path | None = None,
        *,
        phase: str = "test",
        level: int = 0,
        stages: Collection[str] = (),
        unsupported: str = "error",
    ) -> None:
        super().__init__()
        if model is None and prototxt is None:
            raise ArgumentError("CaffeFunction: neither a model nor a prototxt was given. Give at least one of them.")
        if phase not in ("test", "train") or unsupported not in ("error", "skip"):
            raise ArgumentError(
                f"CaffeFunction: phase={phase!r}, unsupported={unsupported!r} (expected 'test' or 'train', and 'error' "
                "or 'skip')."
            )
        title = os.fspath(cast(Path, prototxt if model is None else model))
        text = None if prototxt is None else read_prototxt(prototxt, warn=False)
        definitions = define(
            text, None if model is None else read_caffemodel(model), State(phase.upper(), level, frozenset(stages))
        )
        messages = [*([] if text is None else [text]), *(each.message for each in definitions)]
        self._build(title, Graph(definitions, open_inputs=text is None), unsupported == "skip")
        warn_of_unknown(messages)  # which a layer of the user's own may have read

    def _build(self, title: str, graph: Graph, skip: bool) -> None:
        layers, wrong, unknown = make_layers(graph)
        if wrong or (unknown and not skip):
            raise CaffeNetError(
                f"CaffeFunction: {title} cannot be built:"
                + "".join(f"\n  {fault}" for fault in [*wrong, *unknown])
                + f"\nTypes that are known: {', '.join(known_layers())}. register_layer adds others; "
                "unsupported='skip' passes over what is not known."
            )
        if unknown:
            warnings.warn(f"CaffeFunction: {title}: passed over: {'; '.join(unknown)}", CaffeWarning, stacklevel=3)
            graph = graph.without([step.layer.name for step in graph.steps if step.layer.name not in layers])
        self._graph = graph
        self.inputs, self.outputs, self.blobs = graph.inputs, graph.outputs, list(graph.last)
        self.input_shapes = {n: shape for each in graph.definitions for n, shape in input_shapes(each).items()}
        share_parameters(graph, layers)
        self._children_of: dict[str, str] = {}
        for name, layer in layers.items():
            child = name
            while hasattr(self, child):  # a name that means something to every chain would hide that
                child += "_"
            self._children_of[name] = child
            self.add_link(child, layer)
        for definition in graph.definitions:
            definition.forget()

    def __getitem__(self, name: str) -> Layer:
        """The layer of that name.

        Raises:
            KeyError: there is none.
        """
        layer: Layer = super().__getitem__(self._children_of.get(name, name))
        return layer

    def forward(
        self,
        inputs: Any,
        outputs: Sequence[str] | None = None,
        disable: Collection[str] = (),
        train: bool | None = None,
    ) -> Any:
        """Compute blobs of the net.

        Args:
            inputs: arrays or Variables by the names of their blobs; or, for a net with one input, that one alone. Any
                blob may be fed: what would lead to it is not computed then.
            outputs: names of blobs; None means all that no layer reads and that can be computed from the inputs. Of
                one that layers change in place it is the last value.
            disable: names of layers that are left out.
            train: whether Dropout and BatchNorm do what they do in training; None means ``config.train``.

        Returns:
            A tuple of Variables, one for each output; a Variable alone where ``inputs`` is no mapping and the net has
            one output.

        Raises:
            CaffeInputError: (a ValueError) there is no such blob or layer, or these inputs do not lead to the blob.
        """
        fed = self._fed(inputs)
        unknown = [name for name in disable if name not in self._children_of]
        if unknown:
            raise CaffeInputError(f"CaffeFunction: the net has no layer {', '.join(map(repr, unknown))} to disable.")
        graph = self._graph.without(disable) if disable else self._graph
        wanted = self._wanted(graph, fed, [outputs] if isinstance(outputs, str) else outputs)
        with nullcontext() if train is None else chainette.using_config("train", train):
            found = self._run(graph, fed, wanted)
        is_alone = not isinstance(inputs, Mapping) and outputs is None and len(found) == 1
        return found[0] if is_alone else tuple(found)

    def summary(self, **shapes: tuple[int, ...]) -> None:
        """Print what the net consists of, as a table: layers, shapes, parameters and multiply-adds.

        Args:
            shapes: shapes of inputs by name, where the file says none or another size is meant.
        """
        from chainette_caffe_import.summary import summary

        print(summary(self, shapes))

    def _fed(self, inputs: Any) -> dict[str, Variable]:
        if not isinstance(inputs, Mapping):
            if len(self.inputs) != 1:
                raise CaffeInputError(
                    f"CaffeFunction: the net has {len(self.inputs)} inputs ({', '.join(self.inputs) or 'none'}). Give "
                    "inputs={name: array}, with those that the outputs need."
                )
            inputs = {self.inputs[0]: inputs}
        unknown = [name for name in inputs if name not in self._graph.last]
        if unknown:
            raise CaffeInputError(
                f"CaffeFunction: the net has no blob {', '.join(map(repr, unknown))} to feed "
                f"(its inputs are: {', '.join(self.inputs) or 'none'})."
            )
        return {name: chainette.as_variable(value) for name, value in inputs.items()}

    def _wanted(self, graph: Graph, fed: Collection[str], outputs: Sequence[str] | None) -> list[Version]:
        there = graph.computable(fed)
        names = graph.outputs if outputs is None else outputs
        unknown = [name for name in names if name not in graph.last]
        if unknown:
            raise CaffeInputError(
                f"CaffeFunction: the net has no blob {', '.join(map(repr, unknown))} (there are: "
                f"{', '.join(graph.last)})."
            )
        wanted = [graph.last[name] for name in names]
        if outputs is None:
            wanted = [(name, count) for name, count in wanted if (name, count) in there and (count or name not in fed)]
        missing = [name for name, _ in wanted if graph.last[name] not in there]
        if missing or not wanted:
            not_fed = [name for name in graph.inputs if name not in fed]
            what = ", ".join(map(repr, missing)) or "none of its outputs"
            raise CaffeInputError(
                f"CaffeFunction: from {', '.join(fed) or 'nothing'} {what} cannot be computed (inputs that were not "
                f"fed: {', '.join(not_fed) or 'none'}). Feed what is missing, or ask for another blob."
            )
        return wanted

    def _run(
        self,
        graph: Graph,
        fed: Mapping[str, Variable],
        wanted: list[Version],
        watch: Callable[[Step, list[Variable], list[Variable]], None] | None = None,
    ) -> list[Variable]:
        """Compute; a blob is let go when the last layer has read it."""
        values: dict[Version, Variable] = {(name, 0): value for name, value in fed.items()}
        steps = graph.needed(wanted, fed)
        last_use = {version: i for i, step in enumerate(steps) for version in step.reads}
        kept = set(wanted)
        for i, step in enumerate(steps):
            bottoms = [values[version] for version in step.reads]
            try:
                result = self[step.layer.name](*bottoms)
            except Exception as error:
                error.add_note(f"CaffeFunction: this arose in layer {step.layer.name!r} ({step.layer.type}).")
                raise
            tops = list(result) if isinstance(result, tuple) else [result]
            if watch is not None:
                watch(step, bottoms, tops)
            for version, top in zip(step.writes, tops, strict=True):
                values.setdefault(version, top)
            for version in {*step.reads, *step.writes}:
                if last_use.get(version, -1) <= i and version not in kept:
                    del values[version]
        return [values[version] for version in wanted]
