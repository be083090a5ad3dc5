"""LSTM and RNN: layers that go through a sequence, one step after the other."""

from __future__ import annotations

import math
from typing import Any

import chainette.functions as F
from chainette import Parameter, Variable, as_variable
from chainette.checks import require_ndim
from chainette.errors import ShapeError
from chainette_caffe_import.definition import LayerDefinition
from chainette_caffe_import.errors import CaffeNetError
from chainette_caffe_import.layer import Layer
from chainette_links.state import State, Stateful, zeros


class Recurrent(Stateful, Layer):
    """What both layers have in common.

    The bottoms are x (time, batch, ...), the indicators (time, batch), which are 0 where a sequence begins and 1 where
    it goes on, and perhaps an input (batch, ...) that is the same at each step. The top is (time, batch, num_output).

    With ``expose_hidden`` the states to begin with are bottoms behind these, and those at the end are tops, each
    (1, batch, num_output). Without it a sequence that goes on at the first step begins with the state where the call
    before ended, as Caffe has it: zeros at first, after ``reset_state()``, or where the size of the batch has changed.
    No gradient flows from one call to the other.
    """

    bottoms = (2, None)
    tops = (1, None)
    gates = 1
    states: tuple[str, ...] = ("h",)
    h = State()
    W_x: Parameter
    W_static: Parameter
    W_h: Parameter

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("recurrent_param")
        parameters.ignore("debug_info")
        self.size = int(parameters.get("num_output", 0))
        if self.size < 1:
            raise CaffeNetError(f"num_output is {self.size} (expected at least 1)")
        self.is_exposed = bool(parameters.get("expose_hidden", False))
        n_exposed = len(self.states) if self.is_exposed else 0
        n_bottoms, n_tops = len(definition.bottoms) - n_exposed, len(definition.tops) - n_exposed
        if n_bottoms not in (2, 3) or n_tops != 1:
            raise CaffeNetError(
                f"it has {len(definition.bottoms)} bottoms and {len(definition.tops)} tops (expected {2 + n_exposed} "
                f"or {3 + n_exposed} bottoms, and {1 + n_exposed} tops)"
            )
        self.is_static = n_bottoms == 3
        filler, bias_filler = parameters.message("weight_filler"), parameters.message("bias_filler")
        rows = self.gates * self.size
        self.add_blob(definition, "W_x", (rows, None), filler)
        self.add_blob(definition, "b", (rows,), bias_filler)
        if self.is_static:
            self.add_blob(definition, "W_static", (rows, None), filler)
        self.add_blob(definition, "W_h", (rows, self.size), filler)

    def forward(self, x: Variable, cont: Variable, *others: Variable) -> Variable | tuple[Variable, ...]:
        kind = type(self).__name__
        require_ndim(kind, "x", x, 3, "(time, batch, inputs, ...)")
        if cont.shape != x.shape[:2]:
            raise ShapeError(f"{kind}: the indicators have shape {cont.shape} (expected {x.shape[:2]}, as x begins).")
        by_input = F.linear(x, self._matrix("W_x", x.shape[2:]), self.b, n_batch_axes=2)
        if self.is_static:
            static, *given = others
            require_ndim(kind, "the static input", static, 2, "(batch, inputs, ...)")
            if len(static) != x.shape[1]:
                raise ShapeError(f"{kind}: the static input has {len(static)} rows (expected {x.shape[1]}, the batch).")
            by_input = by_input + F.linear(static, self._matrix("W_static", static.shape[1:]))
        else:
            given = list(others)
        states = self._given(given, x.shape[1]) if self.is_exposed else self._remembered(by_input)
        with x.device.use():
            goes_on = as_variable(cont.array.astype(x.dtype)[:, :, None])  # no gradient flows to it
        tops = []
        for by_input_now, goes_on_now in zip(F.separate(by_input), F.separate(goes_on), strict=True):
            top, states = self._step(by_input_now, goes_on_now, states)
            tops.append(top)
        if self.is_exposed:
            return F.stack(tops), *[F.expand_dims(state, 0) for state in states]
        for name, state in zip(self.states, states, strict=True):
            setattr(self, name, as_variable(state.array))
        return F.stack(tops)

    def _matrix(self, name: str, inputs: tuple[int, ...]) -> Parameter:
        return self.complete(name, (self.gates * self.size, math.prod(inputs)))

    def _given(self, states: list[Variable], batch: int) -> list[Variable]:
        for name, state in zip(self.states, states, strict=True):
            if state.shape != (1, batch, self.size):
                raise ShapeError(
                    f"{type(self).__name__}: the state {name} has shape {state.shape} (expected "
                    f"{(1, batch, self.size)})."
                )
        return [F.squeeze(state, 0) for state in states]

    def _remembered(self, by_input: Variable) -> list[Variable]:
        batch = by_input.shape[1]
        found = [getattr(self, name) for name in self.states]
        return [
            zeros(batch, self.size, by_input) if state is None or len(state) != batch else state.astype(by_input.dtype)
            for state in found
        ]

    def _step(self, by_input: Variable, goes_on: Variable, states: list[Variable]) -> tuple[Variable, list[Variable]]:
        """The top and the new states, from what the inputs bring and the states before."""
        raise NotImplementedError

    def multiply_adds(self, bottoms: list[Any], tops: list[Any]) -> int:
        time, batch = bottoms[0].shape[:2]
        once = self.W_static.size if self.is_static else 0
        matrices = sum(parameter.size for parameter in self.params() if parameter.ndim == 2) - once
        return int(batch * (time * matrices + once))


class LSTM(Recurrent):
    """Long short-term memory: c = f c + i g, and h = o tanh(c), which is the top.

    Parameters, whose rows are those of the gates i, f, o and g, one behind the other: ``W_x`` (4 num_output, inputs),
    ``b`` (4 num_output), ``W_static`` (4 num_output, static inputs) where there is such an input, and ``W_h``
    (4 num_output, num_output). The states are h and c.
    """

    gates = 4
    states = ("h", "c")
    c = State()

    def _step(self, by_input: Variable, goes_on: Variable, states: list[Variable]) -> tuple[Variable, list[Variable]]:
        h, c = states
        by_gate = by_input + F.linear(h * goes_on, self.W_h)
        sigmoids, g = F.split_axis(by_gate, [3 * self.size], axis=1)
        i, f, o = F.split_axis(F.sigmoid(sigmoids), 3, axis=1)
        c = f * (c * goes_on) + i * F.tanh(g)
        h = o * F.tanh(c)
        return h, [h, c]


class RNN(Recurrent):
    """h = tanh(W_x x + b + W_h h), and the top is tanh(W_o h + b_o).

    Parameters: ``W_x`` (num_output, inputs), ``b`` (num_output), ``W_static`` (num_output, static inputs) where there
    is such an input, ``W_h`` and ``W_o`` (num_output, num_output), and ``b_o`` (num_output). The state is h.
    """

    W_o: Parameter
    b_o: Parameter

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("recurrent_param")
        self.add_blob(definition, "W_o", (self.size, self.size), parameters.message("weight_filler"))
        self.add_blob(definition, "b_o", (self.size,), parameters.message("bias_filler"))

    def _step(self, by_input: Variable, goes_on: Variable, states: list[Variable]) -> tuple[Variable, list[Variable]]:
        (h,) = states
        h = F.tanh(by_input + F.linear(h * goes_on, self.W_h))
        return F.tanh(F.linear(h, self.W_o, self.b_o)), [h]
