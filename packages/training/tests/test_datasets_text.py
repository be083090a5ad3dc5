"""Lines of text files, beside those that Python's own readline gives."""

from __future__ import annotations

import os
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from chainette.errors import ArgumentError, LoadError, ShapeError
from chainette_training.datasets import TextDataset, text_dataset

ENCODINGS = [
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "utf-32-be",
    "latin-1",
    "shift_jis",
    "gb18030",
    "cp037",
]
NEWLINES = [None, "", "\n", "\r", "\r\n"]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("text") / "text.txt"


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """So that ends of lines fall on the ends of blocks."""
    monkeypatch.setattr(text_dataset, "BLOCK", 8)


def lines(path, **options):
    with open(path, **options) as file:
        return list(file)


@pytest.mark.parametrize("newline", NEWLINES, ids=repr)
@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(max_examples=30, deadline=None)
@given(text=st.text(st.sampled_from("\r\n\r\nab \x0b\x0cä\x85")))
def test_lines_are_those_of_readline(path, encoding, newline, text):
    data = text.encode(encoding, "replace")
    path.write_bytes(data)
    dataset = TextDataset(path, encoding, newline=newline)
    assert list(dataset) == lines(path, encoding=encoding, newline=newline)
    dataset.close()


@settings(deadline=None)
@given(text=st.text(st.sampled_from("\r\n日本\u2028語 a\U0001f600"), min_size=1), data=st.data())
def test_any_line_is_found_at_once(path, text, data):
    path.write_bytes(text.encode())
    expected = lines(path, encoding="utf-8")
    i = data.draw(st.integers(-len(expected), len(expected) - 1))
    assert TextDataset(str(path), encoding="utf-8")[i] == expected[i]


def test_big_endian_text_with_a_mark_is_read(path):
    path.write_bytes(b"\xfe\xff" + "ä\nb".encode("utf-16-be"))
    assert list(TextDataset(path, "utf-16")) == ["ä\n", "b"]


def test_lines_longer_than_a_block_and_many_carriage_returns_are_read(path):
    path.write_bytes(b"a" * 100 + b"\r" * 100 + b"\n")
    assert list(TextDataset(path)) == ["a" * 100 + "\n"] + ["\n"] * 99


def test_an_empty_file_has_no_lines(path):
    path.write_bytes(b"")
    assert list(TextDataset(path)) == []


def test_files_side_by_side_give_tuples_each_with_its_options(tmp_path):
    (tmp_path / "en").write_text("one\ntwo\n")
    (tmp_path / "de").write_bytes("fünf\r\nsechs".encode("latin-1"))
    dataset = TextDataset([tmp_path / "en", tmp_path / "de"], encoding=["utf-8", "latin-1"], newline=[None, ""])
    assert dataset[:] == [("one\n", "fünf\r\n"), ("two\n", "sechs")]
    assert TextDataset([tmp_path / "en"])[0] == "one\n"


def test_a_filter_leaves_lines_out(tmp_path):
    (tmp_path / "a").write_text("1\n22\n333\n")
    (tmp_path / "b").write_text("1\n\n3\n")
    dataset = TextDataset([tmp_path / "a", tmp_path / "b"], filter_func=lambda a, b: len(b) > 1)
    assert list(dataset) == [("1\n", "1\n"), ("333\n", "3\n")]
    assert dataset[-1] == ("333\n", "3\n")
    assert list(TextDataset(tmp_path / "a", filter_func=lambda line: "")) == []


def test_files_of_different_lengths_are_refused_with_their_lengths(tmp_path):
    (tmp_path / "a").write_text("1\n2\n3\n")
    (tmp_path / "b").write_text("1\n2\n")
    with pytest.raises(ShapeError, match="the files have 3, 2 lines"):
        TextDataset([tmp_path / "a", tmp_path / "b"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"encoding": ["utf-8", "utf-8"]}, r"encoding has 2 entries \(expected 1"),
        ({"errors": []}, r"errors has 0 entries \(expected 1"),
        ({"newline": ["", ""]}, r"newline has 2 entries \(expected 1"),
        ({"newline": "a"}, r"newline='a' \(expected one of None, '', "),
        ({"errors": "wrong"}, r"errors='wrong' .*Write 'strict' or 'replace'"),
        ({"encoding": "klingon"}, "encoding='klingon' is none for text"),
        ({"encoding": "hex"}, "encoding='hex' is none for text"),
        ({"encoding": "undefined"}, "encoding='undefined' is none for text"),
        ({"encoding": "utf-7"}, "encoding='utf-7': a line of it cannot be read without those before"),
        ({"encoding": "iso2022_jp"}, "encoding='iso2022_jp': a line of it cannot be read"),
        ({"encoding": "unicode_escape"}, "encoding='unicode_escape': a line of it cannot be read"),
    ],
)
def test_wrong_options_are_refused(path, options, said):
    path.write_text("a\n")
    with pytest.raises(ArgumentError, match=f"TextDataset: {said}"):
        TextDataset([path], **options)


def test_there_must_be_a_file(tmp_path):
    with pytest.raises(ArgumentError, match="paths is empty"):
        TextDataset([])
    with pytest.raises(FileNotFoundError, match="nowhere"):
        TextDataset(tmp_path / "nowhere")


def test_a_line_that_cannot_be_decoded_is_named(path):
    path.write_bytes(b"one\n\xff\n")
    dataset = TextDataset(path, "utf-8")
    assert dataset[0] == "one\n"
    with pytest.raises(LoadError, match=r"line 2 of .*text.txt' is no text in utf-8 .*errors='replace'"):
        dataset[1]
    assert TextDataset(path, "utf-8", errors="replace")[1] == "\ufffd\n"


def test_a_file_that_has_changed_is_noticed(path):
    path.write_text("one\ntwo\n")
    dataset = TextDataset(path)
    with open(path, "rb+") as file:
        file.truncate(5)
    assert dataset[0] == "one\n"
    with pytest.raises(LoadError, match="has changed since its lines were counted"):
        dataset[1]
    with pytest.raises(LoadError, match="has changed since its lines were counted"):
        pickle.loads(pickle.dumps(dataset))[0]


def test_a_closed_or_unpickled_dataset_opens_its_file_again(path, monkeypatch):
    path.write_text("one\ntwo\n")
    dataset = TextDataset(path)
    again = pickle.loads(pickle.dumps(dataset))
    dataset.close()
    dataset.close()
    monkeypatch.chdir(path.parent.parent)
    assert dataset[1] == again[1] == "two\n"


def test_the_dataset_may_be_moved_to_another_folder_by_a_relative_path(path, monkeypatch):
    path.write_text("one\n")
    monkeypatch.chdir(path.parent)
    dataset = TextDataset(path.name)
    monkeypatch.chdir("/")
    assert pickle.loads(pickle.dumps(dataset))[0] == "one\n"


@pytest.mark.parametrize("has_pread", [True, False])
def test_several_threads_may_read_one_file(path, monkeypatch, has_pread):
    if not has_pread:
        monkeypatch.delattr(os, "pread", raising=False)
    path.write_text("".join(f"{i}\n" for i in range(1000)))
    dataset = pickle.loads(pickle.dumps(TextDataset(path)))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(dataset.__getitem__, [*range(1000)] * 4)) == [f"{i}\n" for i in range(1000)] * 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_opens_the_file_for_itself(path):
    path.write_text("one\ntwo\n")
    dataset = TextDataset(path)
    before = dataset._files[0]._open()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside threads, of which pytest may have some
        child = os.fork()
    if child == 0:
        try:
            is_right = dataset[1] == "two\n" and dataset._files[0]._open() is not before
        except BaseException:
            is_right = False
        os._exit(0 if is_right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert dataset[0] == "one\n"
    assert dataset._files[0]._open() is before


def test_a_line_costs_eight_bytes(path):
    path.write_text("a\n" * 1000)
    starts = TextDataset(path)._files[0]._starts
    assert starts.dtype == np.int64
    assert len(starts) == 1001
