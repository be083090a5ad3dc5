"""How layers are connected: blobs that change in place, what leads to what, and what cannot be connected."""

from __future__ import annotations

import pytest

from chainette_caffe_import.definition import LayerDefinition
from chainette_caffe_import.graph import Graph


def graph(*rows: str, open_inputs: bool = False) -> Graph:
    """A net of layers such as ``"a b -> c"``; their names are their positions, and those without bottoms are inputs."""
    definitions = []
    for i, row in enumerate(rows):
        bottoms, tops = row.split("->")
        type = "ReLU" if bottoms.split() else "Input"
        definitions.append(LayerDefinition(str(i), type, bottoms.split(), tops.split()))
    return Graph(definitions, open_inputs)


def order(found: Graph, wanted: str, *fed: str) -> list[str]:
    """The names of the layers that are computed for a blob."""
    return [step.layer.name for step in found.needed([found.last[wanted]], fed)]


def test_a_layer_in_place_makes_another_version_and_later_layers_read_that() -> None:
    found = graph("-> x", "x -> y", "y -> y", "y -> z", "y -> u")
    assert found.faults == []
    assert [(step.reads, step.writes) for step in found.steps] == [
        ((("x", 0),), (("y", 0),)),
        ((("y", 0),), (("y", 1),)),
        ((("y", 1),), (("z", 0),)),
        ((("y", 1),), (("u", 0),)),
    ]
    assert (found.inputs, found.outputs) == (["x"], ["z", "u"])
    assert found.last["y"] == ("y", 1)


def test_what_several_layers_change_in_place_has_its_last_value() -> None:
    found = graph("-> x", "x -> x", "x -> x", "x -> x")
    assert found.last == {"x": ("x", 3)}
    assert found.outputs == ["x"]
    assert order(found, "x", "x") == ["1", "2", "3"]


def test_a_layer_may_read_what_it_changes_beside_other_blobs() -> None:
    found = graph("-> x", "-> y", "x y -> x", "x -> z")
    assert found.faults == []
    assert found.steps[0].writes == (("x", 1),)
    assert (found.inputs, found.outputs) == (["x", "y"], ["z"])


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        (["-> x", "x -> y", "x -> x"], "layer '2' (ReLU): it changes 'x' in place, which layer '1' has read before"),
        (["-> x", "x -> x", "x -> y", "x -> x"], "layer '3' (ReLU): it changes 'x' in place, which layer '2' has read"),
        (["-> x", "x -> y", "x -> y"], "layer '2' (ReLU): the top 'y' is written by an earlier layer too"),
        (["-> x", "x -> y", "y -> x"], "layer '2' (ReLU): the top 'x' is written by an earlier layer too"),
        (["-> x", "x -> y y"], "layer '1' (ReLU): the top 'y' is written by an earlier layer too"),
        (["-> x", "x -> x x"], "layer '1' (ReLU): the top 'x' is written by an earlier layer too"),
        (["-> x", "-> x"], "layer '1' (Input): the top 'x' is written by an earlier layer too"),
        (["-> x x"], "layer '0' (Input): the top 'x' is written by an earlier layer too"),
        (["-> x", "z -> y"], "layer '1' (ReLU): no layer before it writes the bottom 'z'"),
        (["-> x", "z -> y", "x -> z"], "layer '1' (ReLU): no layer before it writes the bottom 'z'"),  # the wrong order
        (["x -> x"], "layer '0' (ReLU): no layer before it writes the bottom 'x'"),
    ],
)
def test_what_cannot_be_connected_is_a_fault(rows: list[str], fault: str) -> None:
    assert graph(*rows).faults[0].startswith(fault)


def test_layers_in_a_circle_are_faults() -> None:
    faults = [
        "layer '0' (ReLU): no layer before it writes the bottom 'b'",
        "layer '1' (ReLU): the top 'b' is written by an earlier layer too",
    ]
    assert graph("b -> a", "a -> b").faults == faults
    assert graph("b -> a", "a -> b", open_inputs=True).faults == faults[1:]


def test_all_faults_are_found() -> None:
    assert len(graph("-> x", "y -> z", "u -> x", "x -> z").faults) == 4


def test_what_no_layer_writes_is_an_input_of_a_model_alone() -> None:
    found = graph("x -> y", "y t -> loss", "x -> u", open_inputs=True)
    assert found.faults == []
    assert found.inputs == ["x", "t"]


def test_only_what_a_blob_needs_is_computed() -> None:
    found = graph("-> x", "-> t", "x -> a", "a -> b", "a -> c d", "b t -> loss", "d -> e")
    assert found.outputs == ["c", "loss", "e"]
    assert order(found, "b", "x") == ["2", "3"]
    assert order(found, "e", "x") == ["2", "4", "6"]
    assert order(found, "loss", "x", "t") == ["2", "3", "5"]


def test_what_is_fed_is_not_computed() -> None:
    found = graph("-> x", "x -> a", "a -> a", "a -> b", "x b -> c")
    assert order(found, "c", "x", "b") == ["4"]
    assert order(found, "b", "a") == ["2", "3"]  # in its first version
    assert order(found, "b", "b") == []


def test_what_can_be_computed_depends_on_what_is_fed() -> None:
    found = graph("-> x", "-> t", "x -> a", "a -> a", "a t -> loss")
    assert found.computable(["x"]) == {("x", 0), ("a", 0), ("a", 1)}
    assert ("loss", 0) in found.computable(["a", "t"])
    assert found.computable([]) == set()


def test_a_layer_without_bottoms_that_reads_no_data_is_computed_always() -> None:
    definitions = [LayerDefinition("p", "Parameter", [], ["w"]), LayerDefinition("r", "ReLU", ["w"], ["y"])]
    found = Graph(definitions, open_inputs=False)
    assert (found.inputs, found.outputs, found.faults) == ([], ["y"], [])
    assert order(found, "y") == ["p", "r"]
    assert ("y", 0) in found.computable([])


def test_without_a_layer_in_place_its_blob_stays_as_it_is() -> None:
    found = graph("-> x", "x -> x", "x -> y").without(["1"])
    assert (found.inputs, found.outputs) == (["x"], ["y"])
    assert found.steps[0].reads == (("x", 0),)


def test_what_a_layer_that_is_left_out_would_write_can_be_fed() -> None:
    found = graph("-> x", "x -> a", "a -> a", "a -> b").without(["1"])
    assert found.inputs == ["x", "a"]
    assert order(found, "b", "a") == ["2", "3"]
    assert found.faults == []
