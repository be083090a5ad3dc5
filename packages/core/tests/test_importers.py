"""load_model: which plugin reads a file."""

import sys
from types import SimpleNamespace

import pytest

import chainette
from chainette.errors import ArgumentError, MissingPluginError, PluginConflict, PluginWarning
from chainette.hooks import hookimpl
from chainette.importers import importers
from chainette.testing import isolated_plugins


class Reader:
    """Reads files that begin with a mark."""

    def __init__(self, mark):
        self.mark = mark

    def recognizes(self, head, path):
        self.looked = (head, path)
        return head.startswith(self.mark)

    def load(self, path, **options):
        return self.mark, path, options


class Faulty(Reader):
    def recognizes(self, head, path):
        raise ZeroDivisionError("oops")


def plugin(name, **formats):
    """A plugin with these readers, by format name."""
    module = SimpleNamespace(**formats)
    sys.modules[f"readers_of_{name}"] = module

    @hookimpl
    def chainette_importers():
        return {each: f"readers_of_{name}:{each}" for each in formats}

    return SimpleNamespace(chainette_api=1, chainette_importers=chainette_importers, __name__=name)


@pytest.fixture(autouse=True)
def no_modules_left():
    yield
    for name in [name for name in sys.modules if name.startswith("readers_of_")]:
        del sys.modules[name]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(b"BBB" + bytes(1000))
    return path


def test_without_an_importer_it_says_what_to_install(file):
    with isolated_plugins(), pytest.raises(MissingPluginError, match="pip install chainette-caffe-import"):
        chainette.load_model(file)
    assert issubclass(MissingPluginError, ImportError)


def test_the_content_of_the_file_tells_which_reader_is_meant(file):
    a, b = Reader(b"AAA"), Reader(b"BBB")
    with isolated_plugins(plugin("one", a=a), plugin("two", b=b)):
        assert importers() == {"a": a, "b": b}
        assert chainette.load_model(file, strict=True) == (b"BBB", file, {"strict": True})
        assert chainette.load_model(str(file))[1] == str(file)
    head, path = a.looked
    assert (head, path) == (b"BBB" + bytes(509), str(file))


def test_a_file_that_no_reader_knows_is_told_with_the_formats(file):
    with (
        isolated_plugins(plugin("one", a=Reader(b"AAA"), c=Reader(b"CCC"))),
        pytest.raises(ArgumentError, match=r"model\.bin is in none of the formats a, c"),
    ):
        chainette.load_model(file)


def test_a_file_that_is_not_there_is_an_ordinary_error(tmp_path):
    with isolated_plugins(plugin("one", a=Reader(b"A"))), pytest.raises(FileNotFoundError):
        chainette.load_model(tmp_path / "nowhere")


def test_an_empty_file_is_looked_at_too(tmp_path):
    path = tmp_path / "empty"
    path.touch()
    with isolated_plugins(plugin("one", a=Reader(b""))):
        assert chainette.load_model(path)[0] == b""


def test_a_reader_that_fails_to_look_costs_one_warning_and_the_others_go_on(file):
    with isolated_plugins(plugin("bad", a=Faulty(b"A")), plugin("good", b=Reader(b"BBB"))):
        with pytest.warns(PluginWarning, match=r"'bad'.*importer 'a' failed to look at a file: .*oops") as caught:
            assert chainette.load_model(file)[0] == b"BBB"
        assert len(caught) == 1


def test_a_reader_that_cannot_be_imported_costs_one_warning_and_the_others_go_on(file):
    bad = plugin("bad", a=Reader(b"BBB"))
    del sys.modules["readers_of_bad"]
    with isolated_plugins(bad, plugin("good", b=Reader(b"BBB"))):
        with pytest.warns(PluginWarning, match=r"'bad'.*readers_of_bad"):
            assert list(importers()) == ["b"]
        assert chainette.load_model(file)[0] == b"BBB"


def test_an_error_while_loading_is_the_user_s_to_see(file):
    class Corrupt(Reader):
        def load(self, path, **options):
            raise EOFError("the file ends too early")

    with isolated_plugins(plugin("one", b=Corrupt(b"BBB"))), pytest.raises(EOFError, match="too early"):
        chainette.load_model(file)


def test_a_format_that_two_bring_is_a_conflict_only_when_nobody_else_reads_the_file(file):
    contested = plugin("one", x=Reader(b"BBB")), plugin("two", x=Reader(b"BBB"))
    with isolated_plugins(*contested):
        with pytest.raises(PluginConflict, match=r"importers\.x is brought by .*one.* and .*two"):
            chainette.load_model(file)
        assert importers() == {}
    with isolated_plugins(*contested, plugin("three", b=Reader(b"BBB"))):
        assert chainette.load_model(file)[0] == b"BBB"
