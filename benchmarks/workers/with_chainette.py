"""The workloads in chainette, and NumPy's own addition as a clock. Run by overhead.py."""

from importlib.metadata import version

import numpy as np
import workloads
from workloads import Workload

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import Variable

x = Variable(np.array(workloads.vector(), np.float32))
ones = np.ones(workloads.ELEMENTS, np.float32)


def clock() -> np.ndarray:
    y = a = x.array
    for _ in range(workloads.OPERATIONS):
        y = y + a
    return y


def additions() -> Variable:
    y = x
    for _ in range(workloads.OPERATIONS):
        y = y + x
    return y


def mixed() -> Variable:
    y = x
    for _ in range(workloads.OPERATIONS // 4):
        y = F.tanh((y + x) * x - x)
    return y


class RecursiveNet(chainette.Chain):
    """A tree's vector: a leaf's is looked up, a node's is made of its two children's."""

    def __init__(self) -> None:
        super().__init__()
        embeddings, W, b = workloads.weights()
        with self.init_scope():
            self.embed = L.EmbedID(workloads.WORDS, workloads.UNITS, initialW=np.array(embeddings, np.float32))
            self.join = L.Linear(
                2 * workloads.UNITS,
                workloads.UNITS,
                initialW=np.array(W, np.float32),
                initial_bias=np.array(b, np.float32),
            )
        self.words = [np.array([word]) for word in range(workloads.WORDS)]

    def forward(self, node: workloads.Tree) -> Variable:
        if isinstance(node, int):
            return self.embed(self.words[node])
        left, right = node
        return F.tanh(self.join(F.concat((self.forward(left), self.forward(right)))))


def backward_from_ones(y: Variable) -> None:
    y.grad = ones
    y.backward()


net, tree = RecursiveNet(), workloads.tree()

workloads.serve(
    {"chainette": version("chainette"), "NumPy": np.__version__},
    {
        "clock": Workload(clock, backward_from_ones, []),
        "additions": Workload(additions, backward_from_ones, [x]),
        "mixed": Workload(mixed, backward_from_ones, [x]),
        "tree": Workload(lambda: F.sum(net(tree)), Variable.backward, [net.embed.W, net.join.W, net.join.b]),
    },
    flat=lambda y: getattr(y, "array", y).ravel().tolist(),
)
