"""The model of train.py in PyTorch, as one writes it there. Run by train.py, in an environment that has torch.

python in_torch.py FOLDER EPOCHS BATCH_SIZE UNITS SEED
"""

import gzip
import json
import sys
import time
from pathlib import Path

import torch
from torch import nn


def read(folder, part, kind):
    """The bytes of one of the four files behind its header, which is 16 or 8 bytes long."""
    for path in sorted(Path(folder).glob(f"{part}-{kind}[-.]idx*-ubyte*")):
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        header = 16 if kind == "images" else 8
        return torch.frombuffer(bytearray(data[header:]), dtype=torch.uint8)
    raise FileNotFoundError(f"{folder} has no {part}-{kind}-idx-ubyte")


def images_and_labels(folder, part):
    return read(folder, part, "images").reshape(-1, 784).float() / 255, read(folder, part, "labels").long()


def main():
    folder, *numbers = sys.argv[1:]
    epochs, batch_size, units, seed = map(int, numbers)
    (x, t), (x_test, t_test) = images_and_labels(folder, "train"), images_and_labels(folder, "t10k")
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(784, units), nn.ReLU(), nn.Linear(units, units), nn.ReLU(), nn.Linear(units, 10))
    optimizer = torch.optim.Adam(model.parameters())
    start = time.perf_counter()
    for epoch in range(epochs):
        for group in optimizer.param_groups:
            group["lr"] = 0.001 * (1 - epoch / epochs)
        for batch in torch.randperm(len(x)).split(batch_size):
            y = model(x[batch])
            loss = nn.functional.cross_entropy(y, t[batch])
            (y.argmax(1) == t[batch]).float().mean().item()  # train.py notes loss and accuracy of each step too
            loss.item()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            y = torch.cat([model(part) for part in x_test.split(1000)])
            nn.functional.cross_entropy(y, t_test).item()
            accuracy = (y.argmax(1) == t_test).float().mean().item()
    seconds = time.perf_counter() - start
    print(json.dumps({"version": torch.__version__, "seconds": seconds, "accuracy": accuracy}))


if __name__ == "__main__":
    main()
