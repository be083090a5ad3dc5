"""The workloads in PyTorch, in the environment that has it. Run by overhead.py."""

import os
import sys

import workloads
from workloads import Workload

try:
    import torch
    from torch import Tensor
except (ImportError, OSError) as error:
    workloads.tell({"error": f"torch does not import there ({error})"})
    sys.exit()

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))


def leaf(values: object) -> Tensor:
    return torch.tensor(values, dtype=torch.float32, requires_grad=True)


x = leaf(workloads.vector())
ones = torch.ones(workloads.ELEMENTS)
words = [torch.tensor([word]) for word in range(workloads.WORDS)]


def additions() -> Tensor:
    y = x
    for _ in range(workloads.OPERATIONS):
        y = y + x
    return y


def mixed() -> Tensor:
    y = x
    for _ in range(workloads.OPERATIONS // 4):
        y = torch.tanh((y + x) * x - x)
    return y


class RecursiveNet(torch.nn.Module):
    """As chainette's: made of modules, as the other is of links."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(workloads.WORDS, workloads.UNITS)
        self.join = torch.nn.Linear(2 * workloads.UNITS, workloads.UNITS)
        embeddings, W, b = workloads.weights()
        with torch.no_grad():
            self.embed.weight.copy_(torch.tensor(embeddings))
            self.join.weight.copy_(torch.tensor(W))
            self.join.bias.copy_(torch.tensor(b))

    def forward(self, node: workloads.Tree) -> Tensor:
        if isinstance(node, int):
            return self.embed(words[node])
        left, right = node
        return torch.tanh(self.join(torch.cat((self.forward(left), self.forward(right)), 1)))


def backward_from_ones(y: Tensor) -> None:
    y.backward(ones)


net, tree = RecursiveNet(), workloads.tree()

workloads.serve(
    {"PyTorch": torch.__version__},
    {
        "additions": Workload(additions, backward_from_ones, [x]),
        "mixed": Workload(mixed, backward_from_ones, [x]),
        "tree": Workload(lambda: net(tree).sum(), Tensor.backward, list(net.parameters())),
    },
    flat=lambda y: y.detach().flatten().tolist(),
)
