"""The examples run as a user runs them, and do what they say."""

import gzip
import hashlib
import os
import re
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("rich")

EXAMPLES = Path(__file__).parents[1] / "examples"
TRAIN = EXAMPLES / "digits" / "train_mlp.py"
DIGITS = EXAMPLES / "digits" / "data" / "digits.npz"
# The threads of several tests at once would wait for each other, far longer than they compute.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SMALL = ("--epochs", "3", "--units", "50")


def run(script, *arguments, cwd, status=0):
    """Run a script in a process of its own; its output, in which there must be no warning."""
    process = subprocess.run(
        [sys.executable, str(script), *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **ONE_THREAD},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.returncode == status, process.stdout + process.stderr
    assert "Warning" not in process.stderr
    assert "Traceback" not in process.stderr
    return process.stdout if status == 0 else process.stderr


def table(output):
    """The rows of train_mlp.py: epoch, loss and accuracy in training, and in the test; not the time."""
    rows = re.findall(r"^ +(\d+) +([\d.]+) +([\d.]+)% +([\d.]+) +([\d.]+)% +[\d.]+s$", output, re.MULTILINE)
    return np.array(rows, float)


# -- the digits ------------------------------------------------------------------------------------------------------


def test_the_digits_are_those_that_their_readme_describes():
    with np.load(DIGITS, allow_pickle=False) as file:
        images, labels = file["images"], file["labels"]
    assert (images.shape, images.dtype, images.min(), images.max()) == ((1797, 8, 8), np.uint8, 0, 16)
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    readme = (DIGITS.parent / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(DIGITS.read_bytes()).hexdigest() in readme
    assert hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest() in readme
    assert DIGITS.stat().st_size < 100_000


def test_a_fifth_of_each_class_is_held_out_and_always_the_same(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES / "digits")
    from digits import load_digits, split

    (_, t), (x_test, t_test) = load_digits()
    np.random.seed(1)
    (_, again), (x_again, _) = load_digits()
    np.testing.assert_array_equal(x_test, x_again)
    np.testing.assert_array_equal(t, again)
    assert (len(t), len(t_test)) == (1438, 359)
    assert np.abs(np.bincount(t_test) - np.bincount(np.concatenate([t, t_test])) / 5).max() <= 0.5
    (rest, _), (held_out, _) = split(np.arange(100), np.repeat([3, 5], 50))
    assert sorted([*rest, *held_out]) == list(range(100))


# -- train_mlp.py ----------------------------------------------------------------------------------------------------


def test_training_on_the_digits_lowers_the_loss_and_leaves_a_model_and_curves(tmp_path):
    output = run(TRAIN, *SMALL, cwd=tmp_path)
    epochs, train_loss, train_accuracy, test_loss, test_accuracy = table(output).T
    assert epochs.tolist() == [1, 2, 3]
    assert train_loss[0] > train_loss[1] > train_loss[2]
    assert test_loss[0] > test_loss[2]
    assert train_accuracy[2] > 75
    assert test_accuracy[2] > 75
    assert "predicts exactly the same" in output
    assert (tmp_path / "out" / "curves.png").read_bytes().startswith(b"\x89PNG\r\n")
    with np.load(tmp_path / "out" / "model.npz", allow_pickle=False) as file:
        shapes = {key: file[key].shape for key in file}
    assert shapes == {
        "l1/W": (50, 64), "l1/b": (50,), "l2/W": (50, 50), "l2/b": (50,), "l3/W": (10, 50), "l3/b": (10,)
    }  # fmt: skip


def test_the_saved_model_is_the_one_whose_accuracy_was_printed(tmp_path):
    from chainette.functions import linear, relu

    output = run(TRAIN, *SMALL, cwd=tmp_path)
    with np.load(DIGITS) as file, np.load(tmp_path / "out" / "model.npz") as model:
        x, t = file["images"].reshape(-1, 64).astype("f") / 16, file["labels"]
        h = relu(linear(x, model["l1/W"], model["l1/b"]))
        h = relu(linear(h, model["l2/W"], model["l2/b"]))
        right = (linear(h, model["l3/W"], model["l3/b"]).array.argmax(axis=1) == t).sum()
    *_, train_accuracy, _, test_accuracy = table(output)[-1]
    assert right == round(1438 * train_accuracy / 100) + round(359 * test_accuracy / 100)


def test_the_same_seed_gives_the_same_numbers_and_another_one_gives_others(tmp_path):
    first, second, other = [
        run(TRAIN, *SMALL, "--seed", seed, "--out", folder, cwd=tmp_path)
        for seed, folder in ((7, "first"), (7, "second"), (8, "other"))
    ]
    np.testing.assert_array_equal(table(first), table(second))
    assert (table(first) != table(other)).any()
    saved = [np.load(tmp_path / folder / "model.npz") for folder in ("first", "second")]
    for key in saved[0]:
        np.testing.assert_array_equal(saved[0][key], saved[1][key])


def test_it_runs_from_its_own_folder_too(tmp_path):
    output = run("train_mlp.py", "--epochs", 1, "--units", 10, "--out", tmp_path / "a" / "b", cwd=TRAIN.parent)
    assert len(table(output)) == 1
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["curves.png", "model.npz"]


def test_output_that_is_no_terminal_gets_plain_lines(tmp_path):
    output = run(TRAIN, *SMALL, cwd=tmp_path)
    assert not set(output) & {"\x1b", "\r", "━"}
    assert not [line for line in output.splitlines() if line != line.rstrip()]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_gets_a_progress_bar(tmp_path):
    import pty

    terminal, end = pty.openpty()
    environment = {**os.environ, **ONE_THREAD, "TERM": "xterm", "COLUMNS": "100"}
    environment.pop("NO_COLOR", None)
    command = [sys.executable, str(TRAIN), *SMALL]
    with subprocess.Popen(command, cwd=tmp_path, stdin=end, stdout=end, stderr=end, env=environment) as process:
        os.close(end)
        shown = b""
        try:
            while block := os.read(terminal, 4096):
                shown += block
        except OSError:  # Linux says so when the other end is closed
            pass
    os.close(terminal)
    assert process.returncode == 0
    assert "of 3" in shown.decode()
    assert "━" in shown.decode()


@pytest.mark.full
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_main_job_reads_97_percent_of_the_held_out_digits_in_under_a_minute(tmp_path, seed):
    start = time.perf_counter()
    output = run(TRAIN, "--seed", seed, cwd=tmp_path)
    assert time.perf_counter() - start < 60
    assert table(output)[-1, 4] >= 97
    assert "predicts exactly the same" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--epochs", 0), "--epochs must be at least 1"),
        (("--batch-size", -1), "--batch-size must be at least 1"),
        (("--data", "mnist"), "--folder"),
        (("--folder", "."), "--data mnist"),
        (("--data", "letters"), "invalid choice"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(tmp_path, arguments, message):
    assert message in run(TRAIN, *arguments, cwd=tmp_path, status=2)
    assert not list(tmp_path.iterdir())


# -- MNIST, in its format --------------------------------------------------------------------------------------------


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def mnist(tmp_path):
    """A folder with four files in MNIST's format, made of the digits at three times their size."""
    with np.load(DIGITS) as file:
        images, labels = file["images"][:500] * 15, file["labels"][:500]
    images = np.pad(np.kron(images, np.ones((1, 3, 3), np.uint8)), ((0, 0), (2, 2), (2, 2)))
    folder = tmp_path / "mnist"
    folder.mkdir()
    (folder / "train-images-idx3-ubyte").write_bytes(idx(images[:400]))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(labels[:400]))
    (folder / "t10k-images-idx3-ubyte").write_bytes(idx(images[400:]))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(labels[400:]))
    return folder


def train_on(folder, status=0):
    arguments = ("--data", "mnist", "--folder", folder, "--epochs", 3, "--units", 50, "--out", folder.parent / "out")
    return run(TRAIN, *arguments, cwd=folder.parent, status=status)


def test_it_learns_from_the_four_files_of_mnist(mnist):
    output = train_on(mnist)
    assert "400 images to learn from, 100 held out" in output
    assert "W (50, 784)" in output
    losses = table(output)[:, 1]
    assert losses[0] > losses[1] > losses[2]


def test_mnist_may_be_gzipped_and_named_with_a_dot(mnist):
    plain = table(train_on(mnist))
    for path in list(mnist.iterdir()):
        (mnist / path.name.replace("-idx", ".idx")).with_suffix(
            ".idx" + path.name.split("-idx")[1] + ".gz"
        ).write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    np.testing.assert_array_equal(table(train_on(mnist)), plain)


def shorten(data):
    return data[:-1]


def lengthen(data):
    return data + b"\0"


def swap_kind(data):
    return bytes([0, 0, 13, data[3]]) + data[4:]


def cut_header(data):
    return data[:6]


def cut_gzip(data):
    return gzip.compress(data)[:-9]


def spoil_gzip(data):
    packed = bytearray(gzip.compress(data))
    packed[len(packed) // 2] ^= 0xFF
    return bytes(packed)


def claim_too_much(data):
    return data[:4] + b"\xff" * 8 + data[12:]


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("train-images-idx3-ubyte", None, "has none of train-images-idx3-ubyte"),
        ("t10k-labels-idx1-ubyte", shorten, "has 99 bytes (expected 100"),
        ("t10k-images-idx3-ubyte", lengthen, "has 78,401 bytes (expected 78,400"),
        ("t10k-images-idx3-ubyte", claim_too_much, "bytes (expected"),
        ("t10k-images-idx3-ubyte", swap_kind, "begins with 00 00 0d 03 (expected 00 00 08 03"),
        ("train-labels-idx1-ubyte", cut_header, "an IDX file"),
        ("train-labels-idx1-ubyte", cut_gzip, "a damaged gzip file"),
        ("train-images-idx3-ubyte", spoil_gzip, "a damaged gzip file"),
        ("t10k-labels-idx1-ubyte", lambda data: idx(np.zeros(99, np.uint8)), "99 labels"),
        ("t10k-labels-idx1-ubyte", lambda data: idx(np.full(100, 10, np.uint8)), "label 10 (expected 0 to 9)"),
        ("t10k-images-idx3-ubyte", lambda data: idx(np.zeros((100, 20, 20), np.uint8)), "expected images of 28x28"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_gets_one_clear_line(mnist, name, damage, message):
    path = mnist / name
    data = path.read_bytes()
    path.unlink()
    if damage is not None:
        path.write_bytes(damage(data))
    error = train_on(mnist, status=1)
    assert message in error
    assert str(mnist) in error
    assert len(error.splitlines()) == 1


# -- the programs ----------------------------------------------------------------------------------------------------


def numbers_after(word, output):
    return [float(number) for number in re.findall(rf"{word} +([\d.]+)", output)]


def test_the_graph_program_prints_the_gradients(tmp_path):
    output = run(EXAMPLES / "programs" / "graph.py", cwd=tmp_path)
    assert re.findall(r"= ([\d.]+)$", output, re.MULTILINE) == ["7.0", "3.0", "2.0"]


@pytest.mark.parametrize("program", ["mlp", "stochastic_depth"])
def test_the_programs_learn_the_digits(tmp_path, program):
    output = run(EXAMPLES / "programs" / f"{program}.py", "--steps", 200, cwd=tmp_path)
    losses = numbers_after("loss", output)
    assert losses[-1] < losses[0] / 2
    assert numbers_after("test accuracy", output)[0] > 80


@pytest.mark.full
@pytest.mark.parametrize("program", ["mlp", "stochastic_depth"])
def test_the_programs_end_above_95_percent(tmp_path, program):
    output = run(EXAMPLES / "programs" / f"{program}.py", cwd=tmp_path)
    assert numbers_after("test accuracy", output)[0] >= 95


def test_the_recurrent_program_learns_to_write_its_sentence(tmp_path):
    program = EXAMPLES / "programs" / "rnn.py"
    output = run(program, "--steps", 2400, cwd=tmp_path)
    perplexities = numbers_after("perplexity", output)
    assert len(perplexities) == 4
    assert perplexities[-1] < 2 < perplexities[0]
    sentence = re.search('TEXT = "(.+)"', program.read_text(encoding="utf-8"))[1]
    written = output.partition("it writes: ")[2].rstrip("\n")
    learnt = [written[i : i + 5] in 2 * sentence for i in range(len(written) - 5)]
    assert sum(learnt) > 0.7 * len(learnt) > 0


def test_the_programs_run_on_nothing_but_what_they_import(tmp_path):
    for program in (EXAMPLES / "programs").glob("*.py"):
        text = program.read_text(encoding="utf-8")
        assert text.startswith('"""'), program
        assert len(text.splitlines()) <= 75, program
        assert "matplotlib" not in text, program
