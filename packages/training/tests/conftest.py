"""What several tests need: a small problem that can be learned, and a trainer for it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import Chain, optimizers
from chainette.training import Trainer, updaters
from chainette_training.iterators import SerialIterator

LENGTH = 50  # so that batches of 8 do not end where epochs do


class Examples:
    """Points, and on which side of a line they lie; whole arrays, as a TupleDataset of arrays."""

    def __init__(self, length: int = LENGTH, seed: int = 0) -> None:
        self.x = np.random.default_rng(seed).standard_normal((length, 3)).astype(np.float32)
        self.t = (self.x.sum(axis=1) > 0).astype(np.int32)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> Any:
        return self.x[index], self.t[index]


class Net(Chain):
    """With dropout, so that each step depends on the random numbers before."""

    def __init__(self) -> None:
        super().__init__(l1=L.Linear(3, 8), l2=L.Linear(8, 2))

    def forward(self, x: Any) -> Any:
        return self.l2(F.dropout(F.relu(self.l1(x)), 0.3))


@pytest.fixture(autouse=True)
def ctrl_c_is_heard():
    """Also where the tests run in the background, in which case a shell lets its children ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def examples() -> Examples:
    return Examples()


@pytest.fixture
def make_trainer(tmp_path: Any) -> Callable[..., Trainer]:
    def make_trainer(stop: Any = (3, "epoch"), out: Any = tmp_path, batch_size: int = 8, seed: int = 1) -> Trainer:
        chainette.seed(seed)
        model = L.Classifier(Net())
        optimizer = optimizers.Adam().setup(model)
        return Trainer(updaters.StandardUpdater(SerialIterator(Examples(), batch_size), optimizer), stop, out=out)

    return make_trainer


@pytest.fixture
def parameters() -> Callable[[Trainer], list[Any]]:
    """A copy of what a trainer's model has learned."""
    return lambda trainer: [p.array.copy() for p in trainer.updater.get_optimizer("main").target.params()]
