"""The examples run as a user runs them, and do what they say."""

import hashlib
import json
import os
import re
import signal
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
TRAIN = EXAMPLES / "digits" / "train.py"
# The threads of several tests at once would wait for each other, far longer than they compute.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SMALL = ("--epochs", "3", "--units", "50")


@pytest.fixture(autouse=True)
def ctrl_c_is_heard():
    """Also where the tests run in the background, in which case a shell lets its children ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


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


NAMES = "epoch", "main/loss", "validation/main/loss", "main/accuracy", "validation/main/accuracy"


def table(folder):
    """The log of a run: epoch, loss in training and in the test, accuracy in both; not the time."""
    lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return np.array([[json.loads(line)[name] for name in NAMES] for line in lines])


def digest(path):
    """The sha256 over all parameters of a saved model."""
    with np.load(path, allow_pickle=False) as file:
        return hashlib.sha256(b"".join(file[key].tobytes() for key in sorted(file))).hexdigest()


# -- the digits ------------------------------------------------------------------------------------------------------


def test_training_on_the_digits_lowers_the_loss_and_leaves_a_model_and_curves(tmp_path):
    output = run(TRAIN, *SMALL, cwd=tmp_path)
    epochs, train_loss, test_loss, train_accuracy, test_accuracy = table(tmp_path / "out").T
    assert epochs.tolist() == [1, 2, 3]
    assert train_loss[0] > train_loss[1] > train_loss[2]
    assert test_loss[0] > test_loss[2]
    assert test_accuracy[2] > 0.75
    assert train_accuracy[2] > train_accuracy[0]
    assert output.startswith("1,438 images to learn from, 359 held out for testing")
    right = int(re.search(r"reads (\d+) of 359 test images right", output)[1])
    assert right == round(359 * test_accuracy[2])
    for name in ("loss.png", "accuracy.png"):
        assert (tmp_path / "out" / name).read_bytes().startswith(b"\x89PNG\r\n")


def test_the_saved_model_is_the_one_whose_accuracy_was_printed(tmp_path):
    from chainette.dataset import concat_examples
    from chainette.datasets import get_digits
    from chainette.functions import linear, relu

    run(TRAIN, *SMALL, cwd=tmp_path)
    x, t = concat_examples(get_digits()[1][:])
    with np.load(tmp_path / "out" / "model.npz") as model:
        h = relu(linear(x, model["l1/W"], model["l1/b"]))
        h = relu(linear(h, model["l2/W"], model["l2/b"]))
        right = (linear(h, model["l3/W"], model["l3/b"]).array.argmax(axis=1) == t).sum()
    assert right == round(359 * table(tmp_path / "out")[-1, 4])


def test_the_same_seed_gives_the_same_numbers_and_another_one_gives_others(tmp_path):
    for seed, folder in ((7, "first"), (7, "second"), (8, "other")):
        run(TRAIN, *SMALL, "--seed", seed, "--out", folder, cwd=tmp_path)
    first, second, other = (table(tmp_path / folder) for folder in ("first", "second", "other"))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()
    assert digest(tmp_path / "first" / "model.npz") == digest(tmp_path / "second" / "model.npz")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
def test_a_run_that_was_interrupted_three_times_ends_like_one_that_was_not(tmp_path):
    """With dropout, so that every random number counts: the same bits in all parameters, and the same log."""
    options = ("--epochs", 24, "--units", 100, "--dropout", 0.3)
    run(TRAIN, *options, "--out", "whole", cwd=tmp_path)
    command = [sys.executable, str(TRAIN), *map(str, options), "--out", "parts", "--resume"]
    for epochs in (2, 9, 16):
        with subprocess.Popen(
            command, cwd=tmp_path, env={**os.environ, **ONE_THREAD}, stdout=subprocess.PIPE, text=True
        ) as process:
            for line in process.stdout:
                if re.match(rf" *{epochs} +[\d.]+ ", line):
                    process.send_signal(signal.SIGINT)
                    break
            rest = process.stdout.read()
        assert process.returncode == 130
        assert "--resume goes on" in rest
        assert not (tmp_path / "parts" / "model.npz").exists()
    run(TRAIN, *options, "--out", "parts", "--resume", cwd=tmp_path)
    np.testing.assert_array_equal(table(tmp_path / "parts"), table(tmp_path / "whole"))
    assert digest(tmp_path / "parts" / "model.npz") == digest(tmp_path / "whole" / "model.npz")


def test_a_finished_run_goes_on_with_more_epochs(tmp_path):
    run(TRAIN, "--epochs", 10, "--units", 30, cwd=tmp_path)
    run(TRAIN, "--epochs", 12, "--units", 30, "--resume", cwd=tmp_path)
    assert table(tmp_path / "out")[:, 0].tolist() == list(range(1, 13))


def test_it_runs_from_its_own_folder_too(tmp_path):
    run("train.py", "--epochs", 1, "--units", 10, "--out", tmp_path / "a" / "b", cwd=TRAIN.parent)
    assert len(table(tmp_path / "a" / "b")) == 1


def test_output_that_is_no_terminal_gets_plain_lines(tmp_path):
    output = run(TRAIN, *SMALL, cwd=tmp_path)
    assert not set(output) & {"\x1b", "\r", "━"}
    assert not [line for line in output.splitlines() if line != line.rstrip()]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_gets_a_progress_bar(tmp_path):
    import pty

    terminal, end = pty.openpty()
    environment = {**os.environ, **ONE_THREAD, "TERM": "xterm", "COLUMNS": "120"}
    environment.pop("NO_COLOR", None)
    command = [sys.executable, str(TRAIN), "--epochs", "8"]
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
    assert "of 8" in shown.decode()
    assert "━" in shown.decode()


@pytest.mark.full
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_main_job_reads_97_percent_of_the_held_out_digits_in_under_a_minute(tmp_path, seed):
    start = time.perf_counter()
    run(TRAIN, "--seed", seed, cwd=tmp_path)
    assert time.perf_counter() - start < 60
    assert table(tmp_path / "out")[-1, 4] >= 0.97


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--epochs", 0), "--epochs must be at least 1"),
        (("--batch-size", -1), "--batch-size must be at least 1"),
        (("--dropout", 1), "--dropout must be at least 0 and below 1"),
        (("--units", "many"), "invalid int value"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(tmp_path, arguments, message):
    assert message in run(TRAIN, *arguments, cwd=tmp_path, status=2)
    assert not list(tmp_path.iterdir())


# -- MNIST -----------------------------------------------------------------------------------------------------------


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def mnist(tmp_path):
    """A folder with four files in MNIST's format, made of the digits at three times their size."""
    from chainette.dataset import concat_examples
    from chainette.datasets import get_digits

    images, labels = concat_examples(get_digits(ndim=2, scale=255)[0][:500])
    images = np.pad(np.kron(images.astype(np.uint8), np.ones((1, 3, 3), np.uint8)), ((0, 0), (2, 2), (2, 2)))
    labels = labels.astype(np.uint8)
    folder = tmp_path / "mnist"
    folder.mkdir()
    (folder / "train-images-idx3-ubyte").write_bytes(idx(images[:400]))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(labels[:400]))
    (folder / "t10k-images-idx3-ubyte").write_bytes(idx(images[400:]))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(labels[400:]))
    return folder


def test_it_learns_from_the_four_files_of_mnist(mnist):
    options = ("--data", mnist, "--epochs", 3, "--units", 50, "--batch-size", 20)
    output = run(EXAMPLES / "mnist" / "train.py", *options, cwd=mnist.parent)
    assert "400 images to learn from, 100 held out" in output
    assert "chainette: " in output
    losses = table(mnist.parent / "out")[:, 1]
    assert losses[0] > losses[1] > losses[2]


def test_a_file_that_is_not_there_gets_one_clear_line(mnist):
    (mnist / "train-images-idx3-ubyte").unlink()
    error = run(EXAMPLES / "mnist" / "train.py", "--data", mnist, cwd=mnist.parent, status=1)
    assert "train.py: get_mnist: " in error
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
