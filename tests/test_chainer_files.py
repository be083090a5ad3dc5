"""Files with the keys that Chainer writes, made here entry by entry, load and give the outputs they must."""

import numpy as np
import pytest

import chainette
import chainette.links as L
from chainette import serializers

h5py = pytest.importorskip("h5py")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru(v, x):
    """The first step, at which there is no state yet and what depends on it is left out."""
    return sigmoid(x @ v["W_z/W"].T + v["W_z/b"]) * np.tanh(x @ v["W/W"].T + v["W/b"])


def lstm(v, x):
    a, i, _, o = np.moveaxis((x @ v["upward/W"].T + v["upward/b"]).reshape(len(x), -1, 4), 2, 0)
    return np.tanh(np.tanh(a) * sigmoid(i)) * sigmoid(o)


def tanh_sequence(v, x):
    h, ys = np.zeros(2), []
    for x_t in x:
        h = np.tanh(v["0/w0"] @ x_t + v["0/b0"] + v["0/w1"] @ h + v["0/b1"])
        ys.append(h)
    return np.array(ys)


def windows(x):
    """The 2 x 2 windows of one image: (channels, 2, 2, rows, columns)."""
    return np.lib.stride_tricks.sliding_window_view(x, (2, 2), (1, 2)).transpose(0, 3, 4, 1, 2)


GRU = {f"{name}/{each}": shape for name, size in (("W_r", 3), ("W_z", 3), ("W", 3), ("U_r", 2), ("U_z", 2), ("U", 2))
       for each, shape in (("W", (2, size)), ("b", (2,)))}  # fmt: skip
IMAGE = (1, 3, 4, 4)

# What it is, the link, what its file holds (name: shape), the shape of the input, and the output by NumPy.
FILES = [
    ("linear", lambda: L.Linear(3, 2), {"W": (2, 3), "b": (2,)}, (4, 3), lambda v, x: x @ v["W"].T + v["b"]),
    ("open linear", lambda: L.Linear(None, 2), {"W": (2, 3), "b": (2,)}, (4, 3), lambda v, x: x @ v["W"].T + v["b"]),
    ("convolution", lambda: L.Convolution2D(3, 5, 2), {"W": (5, 3, 2, 2), "b": (5,)}, IMAGE,
     lambda v, x: (np.einsum("ocij,cijyx->oyx", v["W"], windows(x[0])) + v["b"][:, None, None])[None]),
    ("pointwise deconvolution", lambda: L.Deconvolution2D(3, 5, 1), {"W": (3, 5, 1, 1), "b": (5,)}, IMAGE,
     lambda v, x: np.einsum("co,ncyx->noyx", v["W"][:, :, 0, 0], x) + v["b"][:, None, None]),
    ("batch normalization", lambda: L.BatchNormalization(3),
     {"gamma": (3,), "beta": (3,), "avg_mean": (3,), "avg_var": (3,), "N": ()}, (4, 3),
     lambda v, x: v["gamma"] * (x - v["avg_mean"]) / np.sqrt(v["avg_var"] + 2e-5) + v["beta"]),
    ("layer normalization", lambda: L.LayerNormalization(3, eps=1e-6), {"gamma": (3,), "beta": (3,)}, (4, 3),
     lambda v, x: v["gamma"] * (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-6) + v["beta"]),
    ("scale", lambda: L.Scale(1, (3,), True), {"W": (3,), "bias/b": (3,)}, (4, 3),
     lambda v, x: x * v["W"] + v["bias/b"]),
    ("bias", lambda: L.Bias(1, (3,)), {"b": (3,)}, (4, 3), lambda v, x: x + v["b"]),
    ("prelu", lambda: L.PReLU((3,)), {"W": (3,)}, (4, 3), lambda v, x: np.where(x >= 0, x, v["W"] * x)),
    ("maxout", lambda: L.Maxout(3, 2, 4), {"linear/W": (8, 3), "linear/b": (8,)}, (4, 3),
     lambda v, x: (x @ v["linear/W"].T + v["linear/b"]).reshape(4, 2, 4).max(2)),
    ("highway", lambda: L.Highway(3), {"plain/W": (3, 3), "plain/b": (3,), "transform/W": (3, 3), "transform/b": (3,)},
     (4, 3), lambda v, x: (t := sigmoid(x @ v["transform/W"].T + v["transform/b"]))
     * np.maximum(x @ v["plain/W"].T + v["plain/b"], 0) + (1 - t) * x),
    ("lstm", lambda: L.LSTM(3, 2), {"upward/W": (8, 3), "upward/b": (8,), "lateral/W": (8, 2)}, (4, 3), lstm),
    ("gru", lambda: L.GRU(3, 2), GRU, (4, 3), gru),
    ("n-step tanh", lambda: (lambda link: chainette.Chain(rnn=link))(L.NStepRNNTanh(1, 3, 2, 0.0)),
     {"rnn/0/w0": (2, 3), "rnn/0/w1": (2, 2), "rnn/0/b0": (2,), "rnn/0/b1": (2,)}, (5, 3),
     lambda v, x: tanh_sequence({name.removeprefix("rnn/"): value for name, value in v.items()}, x)),
    ("list of layers", lambda: chainette.Sequential(L.Linear(3, 4), tanh, L.Linear(4, 2)),
     {"0/W": (4, 3), "0/b": (4,), "2/W": (2, 4), "2/b": (2,)}, (4, 3),
     lambda v, x: np.tanh(x @ v["0/W"].T + v["0/b"]) @ v["2/W"].T + v["2/b"]),
]  # fmt: skip


ROWS = [row[1:] for row in FILES]


def tanh(x):
    import chainette.functions as F

    return F.tanh(x)


def write(path, values):
    if path.suffix == ".npz":
        np.savez(path, **values)
        return serializers.load_npz
    with h5py.File(path, "w") as file:
        for name, value in values.items():
            file[name] = value
    return serializers.load_hdf5


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
@pytest.mark.parametrize(
    ("make", "entries", "shape", "reference"), [row[1:] for row in FILES], ids=[r[0] for r in FILES]
)
def test_a_file_with_chainer_s_keys_loads_and_gives_the_right_output(make, entries, shape, reference, suffix, tmp_path):
    generator = np.random.default_rng(0)
    values = {name: generator.uniform(0.2, 0.9, size).astype("f") for name, size in entries.items()}
    if "N" in values:
        values["N"] = np.array(7)
    link = make()
    write(tmp_path / f"model{suffix}", values)(tmp_path / f"model{suffix}", link)
    x = generator.standard_normal(shape).astype("f")
    with chainette.test_mode():
        y = link.rnn(None, [x])[1][0] if hasattr(link, "rnn") else link(x)
    expected = reference({name: value.astype("d") for name, value in values.items()}, x.astype("d"))
    np.testing.assert_allclose(y.array, expected, rtol=1e-4, atol=1e-5)
