"""Computing with another weight than the parameter that is learnt."""

from __future__ import annotations

from math import prod
from typing import Any, NoReturn

from chainette import Variable, no_backprop_mode
from chainette.config import override
from chainette.errors import ArgumentError, HookError
from chainette_links.deconvolution_nd import DeconvolutionND
from chainette_links.link import Link
from chainette_links.link_hook import LinkCall, LinkHook


class Weight(Variable):
    """A Variable that stands in a Parameter's place while its link is called."""

    __slots__ = ()

    is_initialized = True

    @classmethod
    def of(cls, computed: Variable) -> Weight:
        """The same node of the graph."""
        weight = cls.__new__(cls)
        for slot in ("_array", "_edge", "_grad", "name", "requires_grad"):
            setattr(weight, slot, getattr(computed, slot))
        return weight


class WeightHook(LinkHook):
    """The base of hooks that replace a weight while the link is called.

    A subclass says in ``weight`` what the link is to compute with. Afterwards the attribute is the Parameter again,
    also after an error; so it is what optimizers and serializers see. Only one thread may call the link at a time.

    Args:
        weight_name: the parameter.
        name: the name by which ``delete_hook`` knows the hook; None means that of its class.
    """

    def __init__(self, weight_name: str = "W", name: str | None = None) -> None:
        self.weight_name = weight_name
        if name is not None:
            self.name = name

    def __enter__(self) -> NoReturn:
        raise HookError(f"{self.name}: this hook is for one link. Install it with link.add_hook.")

    def added(self, link: Any) -> None:
        if self.weight_name not in link._params:
            raise ArgumentError(f"{self.name}: {type(link).__name__} has no parameter {self.weight_name!r}.")
        self.register(link)
        W = getattr(link, self.weight_name)
        if W.is_initialized:
            self.prepare(link, W)

    def register(self, link: Link) -> None:
        """Add to the link what the hook needs beside the weight, of open shape."""

    def prepare(self, link: Link, W: Variable) -> None:
        """Give what was registered its values, unless it has some; the weight is there by now."""

    def weight(self, link: Link, W: Variable) -> Variable:
        """What the link is to compute with."""
        raise NotImplementedError

    def forward_preprocess(self, args: LinkCall) -> None:
        link, W = args.link, getattr(args.link, self.weight_name)
        if not W.is_initialized:
            with no_backprop_mode(), override("_interceptor", None):
                link.forward(*args.args, **args.kwargs)  # the first input says which shape it has
        self.prepare(link, W)
        args.kept[self] = W
        vars(link)[self.weight_name] = Weight.of(self.weight(link, W))  # past __setattr__, which would unregister it

    def forward_postprocess(self, args: LinkCall) -> None:
        vars(args.link)[self.weight_name] = args.kept.pop(self)

    forward_failed = forward_postprocess


def output_axis(link: Link) -> int:
    """The axis of a link's weight along which its outputs lie."""
    return 1 if isinstance(link, DeconvolutionND) else 0


def other_axes(W: Variable, axis: int) -> tuple[int, ...]:
    """All axes but one."""
    return tuple(i for i in range(W.ndim) if i != axis)


def matrix_shape(W: Variable, axis: int) -> tuple[int, int]:
    """The shape of the weight as a matrix that has a row for each output."""
    return W.shape[axis], prod(W.shape[i] for i in other_axes(W, axis))
