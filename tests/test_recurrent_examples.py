"""The examples with recurrent networks run as a user runs them, and do what their READMEs say."""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rich")

EXAMPLES = Path(__file__).parents[1] / "examples"
LANGUAGE_MODEL = EXAMPLES / "language_model" / "train_rnnlm.py"
NUMBERS = EXAMPLES / "seq2seq" / "train_numbers.py"
# The threads of several tests at once would wait for each other, far longer than they compute.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SMALL_MODEL = ("--epochs", 3, "--units", 32, "--limit", 20_000, "--batch-size", 8, "--sample", 50)
SMALL_TRANSLATOR = ("--epochs", 3, "--units", 50, "--numbers", 2000, "--batch-size", 25, "--learning-rate", 0.01)


def run(script, *arguments, cwd, status=0, timeout=300):
    """Run a script in a process of its own; its output, in which there must be no warning."""
    process = subprocess.run(
        [sys.executable, str(script), *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **ONE_THREAD, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout,
    )
    assert process.returncode == status, process.stdout + process.stderr
    assert "Warning" not in process.stderr
    assert "Traceback" not in process.stderr
    return process.stdout if status == 0 else process.stderr


def table(output):
    """The rows of numbers: the epoch and what was measured; not the time."""
    rows = re.findall(r"^ +(\d+(?: +[\d.]+%?)+) +[\d.]+s$", output, re.MULTILINE)
    return np.array([row.replace("%", "").split() for row in rows], float)


@pytest.fixture
def module(request, monkeypatch):
    """Import a module of an example's folder, as the example does."""
    before = set(sys.modules)

    def load(path):
        monkeypatch.syspath_prepend(EXAMPLES / Path(path).parent)
        return __import__(Path(path).name)

    yield load
    for name in set(sys.modules) - before:
        if str(EXAMPLES) in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]


@pytest.mark.parametrize("script", [LANGUAGE_MODEL, NUMBERS])
def test_help_names_each_option_with_its_default(tmp_path, script):
    output = run(script, "--help", cwd=tmp_path)
    assert script.name in output
    for option in "--epochs", "--batch-size", "--units", "--learning-rate", "--seed", "--device", "--out":
        assert re.search(rf"{option} [^-]*?\(default", output, re.DOTALL), option


# -- the language model ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("links", ["step", "nstep"])
def test_the_language_model_learns_and_is_the_same_when_loaded(tmp_path, links):
    output = run(LANGUAGE_MODEL, *SMALL_MODEL, "--links", links, cwd=tmp_path)
    assert "18,000 characters to learn from, 2,000 held out" in output
    epochs, train, held_out = table(output).T
    assert epochs.tolist() == [1, 2, 3]
    assert train[0] > train[1] > train[2]
    assert held_out[0] > held_out[1] > held_out[2]
    assert held_out[2] < 25
    assert "predicts exactly the same" in output
    written = output.partition("and goes on:\n\n")[2]
    assert len(written) == 51
    with np.load(tmp_path / "out" / "model.npz", allow_pickle=False) as file:
        assert file["embed/W"].shape == file["output/W"].shape == (*file["output/b"].shape, 32)


def test_both_kinds_of_links_make_the_same_network(module):
    model = module("language_model/train_rnnlm")
    import chainette

    x = np.random.default_rng(0).integers(0, 9, (3, 7)).astype("i")
    step, whole = model.StepLSTM(2, 5, 0.0), model.NStepLSTM(2, 5, 0.0)
    for layer, parameters in zip(step, whole.lstm, strict=True):
        for k, gate in enumerate("ifao"):  # how L.NStepLSTM orders its matrices
            rows = slice("aifo".index(gate), None, 4)
            getattr(parameters, f"w{k}").array[:] = layer.upward.W.array[rows]
            getattr(parameters, f"b{k}").array[:] = layer.upward.b.array[rows]
            getattr(parameters, f"w{k + 4}").array[:] = layer.lateral.W.array[rows]
    vectors = np.random.default_rng(1).standard_normal((9, 5)).astype("f")[x]
    for part in vectors[:, :4], vectors[:, 4:]:  # the state goes on
        np.testing.assert_allclose(step(part).array, whole(part).array, atol=1e-6)
    assert chainette.config.train


def test_the_language_model_reads_words_of_a_file(tmp_path):
    sentences = ["the cat sat on the mat .", "the dog sat on the log ."]
    text = "\n".join(sentences[i] for i in np.random.default_rng(0).integers(0, 2, 400))
    (tmp_path / "text.txt").write_text(text, encoding="utf-8")
    options = ("--level", "words", "--epochs", 4, "--units", 16, "--dropout", 0, "--optimizer", "sgd", "--sample", 7)
    output = run(LANGUAGE_MODEL, "--text", "text.txt", *options, "--length", 7, "--batch-size", 4, cwd=tmp_path)
    assert "2,520 words to learn from, 280 held out" in output
    assert table(output)[-1, 2] < 1.6  # a coin is thrown in each sentence of 7 words
    written = output.partition("and goes on:\n\n")[2].split()
    assert len(written) == 7
    assert set(written) <= set(text.split())


def test_the_same_seed_gives_the_same_perplexities(tmp_path):
    first, second, other = [run(LANGUAGE_MODEL, *SMALL_MODEL, "--seed", seed, cwd=tmp_path) for seed in (7, 7, 8)]
    np.testing.assert_array_equal(table(first), table(second))
    assert (table(first) != table(other)).any()


def test_the_topics_are_read_without_what_is_repeated(module):
    corpus = module("language_model/corpus")
    text = corpus.python_topics()
    paragraphs = text.split("\n\n")
    assert len(paragraphs) == len(set(paragraphs))
    assert 300_000 < len(text) < sum(map(len, corpus.topics.values()))


def test_symbols_become_numbers_and_text_again(module):
    corpus = module("language_model/corpus")
    train, held_out, vocabulary = corpus.split("abab" * 10 + "\nabc!", "characters")
    assert (len(train), len(held_out)) == (41, 4)
    assert vocabulary.decode(train, "characters") == "abab" * 10 + "\n"
    assert vocabulary.decode(held_out, "characters") == f"ab{corpus.UNKNOWN}{corpus.UNKNOWN}"
    train, held_out, vocabulary = corpus.split("It is, it is. " * 4 + "Once more", "words")
    assert vocabulary.decode(train[-6:], "words") == "It is , it is ."
    assert vocabulary.decode(held_out, "words") == f"{corpus.UNKNOWN} {corpus.UNKNOWN}"
    assert vocabulary.symbols[0] == corpus.UNKNOWN
    np.testing.assert_array_equal(corpus.streams(np.arange(11), 3), [[0, 1, 2], [3, 4, 5], [6, 7, 8]])


def test_windows_hold_each_symbol_of_the_streams_once_with_its_successor(module):
    model = module("language_model/train_rnnlm")
    import chainette

    streams = np.arange(24).reshape(2, 12)
    pairs = list(model.windows(streams, 5, chainette.get_device("cpu")))
    assert [x.shape for x, _ in pairs] == [(2, 5), (2, 5), (2, 1)]
    np.testing.assert_array_equal(np.concatenate([x for x, _ in pairs], axis=1), streams[:, :-1])
    for x, t in pairs:
        np.testing.assert_array_equal(t.reshape(x.shape), x + 1)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--epochs", 0), 2, "--epochs must be at least 1"),
        (("--dropout", 1), 2, "--dropout must be from 0 to below 1"),
        (("--clip", 0), 2, "--clip must be above 0"),
        (("--sample", -1), 2, "--sample must be at least 0"),
        (("--text", "missing.txt"), 1, "missing.txt"),
        (("--limit", 100, "--batch-size", 50), 1, "are too few for 50 streams"),
    ],
)
def test_arguments_that_the_language_model_cannot_serve_get_one_clear_line(tmp_path, arguments, status, message):
    error = run(LANGUAGE_MODEL, *arguments, cwd=tmp_path, status=status)
    assert message in error.splitlines()[-1]


@pytest.mark.full
def test_the_language_model_is_on_the_way_to_what_its_readme_says(tmp_path):
    output = run(LANGUAGE_MODEL, "--epochs", 2, cwd=tmp_path, timeout=1800)  # of 8, at the end of which it is 3.46
    assert table(output)[-1, 2] < 4.7
    assert "predicts exactly the same" in output


# -- the numbers -----------------------------------------------------------------------------------------------------


def test_the_translator_learns_and_is_the_same_when_loaded(tmp_path):
    output = run(NUMBERS, *SMALL_TRANSLATOR, cwd=tmp_path)
    assert "1,800 numbers to learn from, 200 held out" in output
    epochs, loss, train, held_out = table(output).T
    assert epochs.tolist() == [1, 2, 3]
    assert loss[0] > loss[1] > loss[2]
    assert loss[2] < 0.6
    assert train[2] > 20
    assert held_out[2] > 20
    assert "predicts exactly the same" in output
    assert re.findall(r"^ +\d{6}  [a-z, -]+", output, re.MULTILINE)  # examples are shown
    with np.load(tmp_path / "out" / "model.npz", allow_pickle=False) as file:
        assert file["output/W"].shape == (34, 50)
        assert file["encoder/1/w7"].shape == (50, 50)


def test_a_batch_of_many_lengths_is_translated_as_each_number_alone(module):
    train_numbers = module("seq2seq/train_numbers")
    number_words = train_numbers.number_words
    import chainette

    chainette.seed(0)
    model = train_numbers.Translator(8)
    numbers = [7, 123_456, 40, 9_999, 5]
    sources = [number_words.to_digits(n) for n in numbers]
    targets = [number_words.to_tokens(number_words.in_words(n)) for n in numbers]
    assert model.translate(sources) == [model.translate([source])[0] for source in sources]
    losses = [model([source], [target]).item() for source, target in zip(sources, targets, strict=True)]
    lengths = [len(target) + 1 for target in targets]
    assert model(sources, targets).item() == pytest.approx(np.average(losses, weights=lengths), rel=1e-5)


def test_the_words_are_those_of_the_doctests_and_can_be_told_apart(module):
    number_words = module("seq2seq/number_words")
    failed, tried = doctest.testmod(number_words)
    assert tried > 3
    assert failed == 0
    numbers = [*range(3000), *range(3000, 1_000_000, 997), 999_999]
    texts = [number_words.in_words(n) for n in numbers]
    assert len(set(texts)) == len(texts)
    assert all(number_words.to_text(number_words.to_tokens(text)) == text for text in texts)
    for n in -1, 1_000_000:
        with pytest.raises(ValueError, match="expected 0 to 999,999"):
            number_words.in_words(n)


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (20, "twenty"),
        (99, "ninety-nine"),
        (100, "one hundred"),
        (110, "one hundred and ten"),
        (1000, "one thousand"),
        (1001, "one thousand and one"),
        (1100, "one thousand, one hundred"),
        (21_321, "twenty-one thousand, three hundred and twenty-one"),
        (500_000, "five hundred thousand"),
        (999_999, "nine hundred and ninety-nine thousand, nine hundred and ninety-nine"),
    ],
)
def test_numbers_are_read_in_english(module, n, text):
    assert module("seq2seq/number_words").in_words(n) == text


def test_the_words_are_those_of_num2words(module):
    num2words = pytest.importorskip("num2words").num2words
    in_words = module("seq2seq/number_words").in_words
    for n in (*range(2000), *range(2000, 1_000_000, 137)):
        assert in_words(n) == num2words(n)


@pytest.mark.parametrize("count", [60, 1000, 20_000])
def test_numbers_of_each_length_are_drawn_once_and_a_tenth_is_held_out(module, count):
    draw = module("seq2seq/number_words").draw
    train, held_out = draw(count, seed=0)
    assert (len(train), len(held_out)) == (count - count // 10, count // 10)
    numbers = {*train.tolist(), *held_out.tolist()}
    assert len(numbers) == count
    assert {len(str(n)) for n in numbers} == {1, 2, 3, 4, 5, 6}
    np.testing.assert_array_equal(draw(count, seed=0)[1], held_out)


@pytest.mark.parametrize("arguments", [("--epochs", 0), ("--numbers", 59), ("--batch-size", 0), ("--units", 0)])
def test_arguments_that_the_translator_cannot_serve_are_refused(tmp_path, arguments):
    assert f"{arguments[0]} must be at least" in run(NUMBERS, *arguments, cwd=tmp_path, status=2)


@pytest.mark.full
def test_the_translator_reaches_what_its_readme_says(tmp_path):
    output = run(NUMBERS, "--epochs", 2, cwd=tmp_path, timeout=1800)
    assert table(output)[-1, 3] >= 98
    assert "predicts exactly the same" in output
