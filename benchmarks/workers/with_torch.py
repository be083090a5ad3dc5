"""The workloads in PyTorch, in the environment that has it. Run by overhead.py."""

import os
import sys

import workloads
from workloads import Workload

try:
    import torch
    import torch.nn.functional as F
    from torch import Tensor
except (ImportError, OSError) as error:
    workloads.tell({"error": f"torch does not import there ({error})"})
    sys.exit()

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))


def leaf(values: object) -> Tensor:
    return torch.tensor(values, dtype=torch.float32, requires_grad=True)


x = leaf(workloads.vector())
ones = torch.ones(workloads.ELEMENTS)
embeddings, W, b = map(leaf, workloads.weights())
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


def recursive_net(node: workloads.Tree) -> Tensor:
    if isinstance(node, int):
        return F.embedding(words[node], embeddings)
    left, right = node
    return torch.tanh(F.linear(torch.cat((recursive_net(left), recursive_net(right)), 1), W, b))


def backward_from_ones(y: Tensor) -> None:
    y.backward(ones)


tree = workloads.tree()

workloads.serve(
    {"PyTorch": torch.__version__},
    {
        "additions": Workload(additions, backward_from_ones, [x]),
        "mixed": Workload(mixed, backward_from_ones, [x]),
        "tree": Workload(lambda: recursive_net(tree).sum(), Tensor.backward, [embeddings, W, b]),
    },
    flat=lambda y: y.detach().flatten().tolist(),
)
