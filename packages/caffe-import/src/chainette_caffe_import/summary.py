"""The table of a net's layers: shapes, parameters, and multiply-adds for a size of input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import chainette
from chainette_caffe_import.errors import CaffeInputError
from chainette_caffe_import.graph import Step, Version
from chainette_links.state import Stateful

if TYPE_CHECKING:
    from chainette_caffe_import.caffe_function import CaffeFunction

HEADER = ("layer", "type", "shape", "parameters", "multiply-adds")
NOT_COMPUTED = "-"


def summary(net: CaffeFunction, shapes: Mapping[str, tuple[int, ...]]) -> str:
    """What a net consists of, a row for each layer: name, type, shapes of its tops, parameters and multiply-adds.

    The net is computed once, on zeros, in test mode and by a copy: parameters whose shape is open stay so. ``-``
    stands where nothing was computed, which is so for layers that lack an input. A parameter that layers share is in
    the row of each, and once in the sum.

    Args:
        net: the net.
        shapes: shapes of blobs to feed by name, besides those that the file says, and before them.

    Raises:
        CaffeInputError: there is no such blob, or nothing can be computed since no shape is known.

    >>> from chainette_caffe_import import CaffeFunction
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "net.prototxt")
    >>> _ = path.write_text('''input: "x"
    ... layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 3 } }''')
    >>> print(summary(CaffeFunction(None, path), {"x": (1, 5)}))
    layer  type          shape   parameters  multiply-adds
    x      Input         (1, 5)           0              0
    ip     InnerProduct  (1, 3)          18             15
    total                                18             15
    """
    known = {**net.input_shapes, **shapes}
    for name, shape in known.items():
        if any(length < 0 for length in shape):
            raise CaffeInputError(f"summary: the shape of {name!r} is {shape} (expected no negative length).")
    found, copy = _computed(net, known)
    rows, products = [HEADER], 0
    learned: dict[int, int] = {}
    for definition in net._graph.definitions:
        name = definition.name
        if not definition.bottoms and name not in copy._children_of:  # it stands for what is fed
            fed = [_in_words(known[top]) if top in known else NOT_COMPUTED for top in definition.tops]
            rows.append((name, definition.type, ", ".join(fed) or NOT_COMPUTED, "0", "0"))
            continue
        parameters = list(copy[name].params())
        numbers = NOT_COMPUTED
        if all(parameter.is_initialized for parameter in parameters):
            numbers = f"{copy[name].count_params():,}"
            learned |= {id(parameter): parameter.size for parameter in parameters}
        if name in found:
            tops, count = found[name]
            products += count
            rows.append((name, definition.type, ", ".join(map(_in_words, tops)), numbers, f"{count:,}"))
        else:
            rows.append((name, definition.type, NOT_COMPUTED, numbers, NOT_COMPUTED))
    rows.append(("total", "", "", f"{sum(learned.values()):,}", f"{products:,}"))
    lines = [_line(row, [max(map(len, column)) for column in zip(*rows, strict=True)]) for row in rows]
    unknown = [name for name in net.inputs if name not in known]
    if unknown and any(NOT_COMPUTED in row for row in rows):
        lines.append(f"{NOT_COMPUTED}: not computed; shapes that are not known: {', '.join(unknown)}")
    return "\n".join(lines)


def _computed(
    net: CaffeFunction, known: Mapping[str, tuple[int, ...]]
) -> tuple[dict[str, tuple[list[tuple[int, ...]], int]], CaffeFunction]:
    """The shapes and the multiply-adds of the layers that can be computed, and the copy that has done it."""
    copy, graph = net.copy(), net._graph
    for link in copy.links():
        if isinstance(link, Stateful):
            link.reset_state()  # what the net remembers may be of another size
    fed = copy._fed({name: copy.xp.zeros(shape, "float32") for name, shape in known.items()})
    there = graph.computable(fed)
    ready = [step for step in graph.steps if step.writes and there.issuperset(step.reads)]
    if not ready:
        unknown = [name for name in net.inputs if name not in known]
        example = ", ".join(f"{name}=(1, 3, 224, 224)" for name in unknown[:1]) or "data=(1, 3, 224, 224)"
        raise CaffeInputError(
            f"summary: nothing can be computed (shapes that are not known: {', '.join(unknown) or 'none'}). Say them: "
            f"summary({example})."
        )
    found = {}

    def watch(step: Step, bottoms: list[Any], tops: list[Any]) -> None:
        count = copy[step.layer.name].multiply_adds(bottoms, tops)
        found[step.layer.name] = [top.shape for top in tops], count

    read: set[Version] = {version for step in ready for version in step.reads}
    ends = [version for step in ready for version in step.writes if version not in read]
    with chainette.using_config("train", False), chainette.no_backprop_mode():
        copy._run(graph, fed, ends, watch)
    return found, copy


def _in_words(shape: tuple[int, ...]) -> str:
    return str(tuple(map(int, shape)))


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    """Words to the left, numbers to the right."""
    cells = [
        cell.ljust(width) if i < 3 else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()
