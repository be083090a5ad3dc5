"""Files from the network, from a server in this process: nothing here leaves the machine."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from chainette.errors import ChainetteError, LoadError
from chainette_training.datasets import download
from chainette_training.datasets.download import cached_file
from chainette_training.datasets.errors import DownloadError

DATA = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """What the server does is said by the first folder of the path."""

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        way = self.path.split("/")[1]
        asked = self.headers.get("Range")
        self.server.requests.append((way, asked))
        with suppress(BrokenPipeError, ConnectionResetError):  # the other side has heard enough
            getattr(self, way)(int(re.match(r"bytes=(\d+)-$", asked)[1]) if asked else 0, bool(asked))

    def send(self, data, status=200, length=None, **headers):
        self.send_response(status)
        if length != "unsaid":
            self.send_header("Content-Length", str(len(data) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def part(self, data, start, end=None):
        self.send(data[start:end], 206, len(data) - start, Content_Range=f"bytes {start}-{len(data) - 1}/{len(data)}")

    def good(self, start, is_part):
        if is_part and start >= len(DATA):
            self.send_error(416)
        elif is_part:
            self.part(DATA, start)
        else:
            self.send(DATA)

    def without_ranges(self, start, is_part):
        self.send(DATA)

    def without_length(self, start, is_part):
        self.send(DATA, length="unsaid")

    def cut(self, start, is_part):
        """100,000 bytes at a time."""
        if is_part:
            self.part(DATA, start, start + 100_000)
        else:
            self.send(DATA[:100_000], length=len(DATA))

    def cut_without_ranges(self, start, is_part):
        self.send(DATA[:100_000], length=len(DATA))

    def always_cut_early(self, start, is_part):
        if is_part:
            self.part(DATA, start, start + 10)
        else:
            self.send(DATA[:10], length=len(DATA))

    def another_range(self, start, is_part):
        if is_part:
            self.part(DATA, start - 1)
        else:
            self.send(DATA[:100_000], length=len(DATA))

    def wrong(self, start, is_part):
        self.send(DATA[:-1] + b"?")

    def wrong_once_cut(self, start, is_part):
        """Bad contents first, then what is asked for."""
        if is_part:
            self.part(DATA, start)
        elif len(self.server.requests) == 1:
            self.send(b"?" * 100_000, length=len(DATA))
        else:
            self.send(DATA)

    def hangs(self, start, is_part):
        self.send(DATA[start : start + 1000], length=len(DATA))
        self.server.is_done.wait(20)

    def missing(self, start, is_part):
        self.send_error(404)

    def moved(self, start, is_part):
        self.send(b"", 302, Location="/good/file")

    def moved_to_a_file(self, start, is_part):
        self.send(b"", 302, Location="file:///etc/passwd")

    def moved_to_ftp(self, start, is_part):
        self.send(b"", 302, Location="ftp://localhost/file")

    def moved_forever(self, start, is_part):
        self.send(b"", 302, Location="/moved_forever/file")

    def endless(self, start, is_part):
        self.send(b"", length="unsaid")
        for _ in range(1000):
            self.wfile.write(bytes(1 << 16))

    def nonsense_length(self, start, is_part):
        self.send(DATA, length="9" * 5000)


@pytest.fixture
def server(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.requests, server.is_done = [], threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield SimpleNamespace(requests=server.requests, url=lambda way: f"http://127.0.0.1:{server.server_port}/{way}/file")
    server.is_done.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("CHAINETTE_DATASET_ROOT", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def get(server):
    def get(*ways, size_limit=1_000_000, timeout=5.0, sha256=SHA256):
        return cached_file([server.url(way) for way in ways], "some/file.bin", sha256, size_limit, timeout)

    return get


def names(root):
    return sorted(path.name for path in (root / "some").iterdir())


@pytest.mark.parametrize("way", ["good", "without_ranges", "without_length", "moved", "nonsense_length"])
def test_a_file_is_downloaded_once(server, get, root, way):
    path = get(way)
    assert path == root / "some" / "file.bin"
    assert path.read_bytes() == DATA
    assert names(root) == ["file.bin"]
    count = len(server.requests)
    assert get(way) == path
    assert len(server.requests) == count


def test_one_address_needs_no_list(server, root):
    assert cached_file(server.url("good"), "a", SHA256.upper(), 1_000_000).read_bytes() == DATA


@pytest.mark.skipif(sys.platform == "win32", reason="the modes are those of POSIX")
def test_the_file_has_the_mode_that_any_new_file_has(get, root):
    path = get("good")
    path.with_name("other").touch()
    assert path.stat().st_mode == path.with_name("other").stat().st_mode


def test_a_file_that_was_cut_is_continued_where_it_broke_off(server, get):
    assert get("cut").read_bytes() == DATA
    assert server.requests == [("cut", None), ("cut", "bytes=100000-"), ("cut", "bytes=200000-")]


def test_what_one_mirror_began_another_continues(server, get):
    assert get("another_range", "good").read_bytes() == DATA
    assert server.requests[-1] == ("good", "bytes=100000-")


def test_what_was_begun_is_continued_the_next_time(server, get, root):
    with pytest.raises(DownloadError, match="IncompleteRead"):
        get("cut_without_ranges")
    assert names(root) == [".file.bin.part"]
    assert get("good").read_bytes() == DATA
    assert server.requests[-1] == ("good", "bytes=100000-")
    assert names(root) == ["file.bin"]


def test_a_server_that_knows_no_ranges_sends_all_of_it_again(server, get):
    with pytest.raises(DownloadError):
        get("cut_without_ranges")
    assert get("without_ranges").read_bytes() == DATA
    assert server.requests[-1] == ("without_ranges", "bytes=100000-")


def test_a_server_that_cuts_again_and_again_is_given_up(server, get):
    with pytest.raises(DownloadError, match="IncompleteRead"):
        get("always_cut_early")
    assert len(server.requests) == download.TRIES


def test_a_whole_part_needs_no_more_bytes(server, get, root):
    (root / "some").mkdir(parents=True)
    (root / "some" / ".file.bin.part").write_bytes(DATA)
    assert get("good").read_bytes() == DATA
    assert server.requests == [("good", "bytes=300000-")]


@pytest.mark.parametrize("left", [b"?" * 1000, DATA + b"?", b"?" * 2_000_000], ids=len)
def test_a_wrong_part_is_thrown_away(server, get, root, left):
    (root / "some").mkdir(parents=True)
    (root / "some" / ".file.bin.part").write_bytes(left)
    assert get("good").read_bytes() == DATA
    assert server.requests[-1] == ("good", None)
    assert names(root) == ["file.bin"]


def test_a_part_that_a_bad_server_began_is_fetched_anew(server, get):
    assert get("wrong_once_cut").read_bytes() == DATA
    assert [asked for _, asked in server.requests] == [None, "bytes=100000-", None]


def test_the_next_mirror_is_asked_where_one_fails(server, get):
    assert get("missing", "wrong", "good").read_bytes() == DATA
    assert [way for way, _ in server.requests] == ["missing", "wrong", "good"]


def test_a_file_with_another_sum_is_never_kept(get, root):
    with pytest.raises(DownloadError, match=f"another sha256 \\(expected {SHA256}\\)"):
        get("wrong")
    assert names(root) == []


def test_a_file_in_the_cache_with_another_sum_is_left_alone_and_told_of(server, get, root):
    (root / "some").mkdir(parents=True)
    (root / "some" / "file.bin").write_bytes(b"by hand")
    with pytest.raises(LoadError, match=r"file\.bin is not the file it should be .* Remove it"):
        get("good")
    assert (root / "some" / "file.bin").read_bytes() == b"by hand"
    assert server.requests == []


@pytest.mark.parametrize("way", ["good", "without_length", "endless"])
def test_a_file_that_is_too_large_is_not_taken(get, root, way):
    with pytest.raises(DownloadError, match="larger than the 299,999 bytes that are allowed"):
        get(way, size_limit=299_999)
    assert names(root) == []


def test_a_file_of_exactly_the_limit_is_taken(get):
    assert get("without_length", size_limit=300_000).read_bytes() == DATA


def test_a_server_that_hangs_is_left_after_the_time_out_and_what_came_is_kept(get, root):
    start = time.monotonic()
    with pytest.raises(DownloadError, match="timed out"):
        get("hangs", timeout=0.2)
    assert time.monotonic() - start < 10
    assert (root / "some" / ".file.bin.part").stat().st_size == 1000


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("missing", "the server answers 404 Not Found"),
        ("moved_to_a_file", "the server answers 302"),
        ("moved_to_ftp", "unknown url type: ftp"),
        ("moved_forever", "the server answers 302"),
    ],
)
def test_every_mirror_is_named_with_what_was_wrong_and_where_to_put_the_file(server, get, root, way, said):
    with pytest.raises(DownloadError) as caught:
        get(way, "missing")
    text = str(caught.value)
    assert f"\n  {server.url(way)}: " in text
    assert said in text
    assert f"\n  {server.url('missing')}: the server answers 404 Not Found\n" in text
    assert f"Put the file there by hand, as {root / 'some' / 'file.bin'} (its sha256 is {SHA256})" in text
    assert isinstance(caught.value, OSError)
    assert isinstance(caught.value, ChainetteError)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/file", "http://", "http://127.0.0.1:port/file", "http://a b/"])
def test_where_no_server_answers_that_is_said(server, url):
    with pytest.raises(DownloadError, match="could not be had"):
        cached_file(url, "some/file.bin", SHA256, 1000, 2.0)


def test_an_interruption_leaves_what_there_is(get, root, monkeypatch):
    def interrupt(progress, have):
        if have >= 100_000:
            raise KeyboardInterrupt

    monkeypatch.setattr(download._Progress, "show", interrupt)
    with pytest.raises(KeyboardInterrupt):
        get("good")
    assert names(root) == [".file.bin.part"]
    assert DATA.startswith((root / "some" / ".file.bin.part").read_bytes())


def test_several_at_once_all_get_the_file(get, root):
    with ThreadPoolExecutor(8) as pool:
        assert {path.read_bytes() for path in pool.map(get, ["cut", "good"] * 8)} == {DATA}
    assert [name for name in names(root) if not name.endswith(".part")] == ["file.bin"]


def test_a_part_that_another_process_is_writing_is_not_touched(get, root):
    (root / "some").mkdir(parents=True)
    living = root / "some" / ".file.bin.0123.part"
    living.write_bytes(DATA[:1000])
    assert get("good").read_bytes() == DATA
    assert living.read_bytes() == DATA[:1000]


def test_a_part_that_nobody_writes_any_more_is_taken_over(server, get, root):
    (root / "some").mkdir(parents=True)
    abandoned = root / "some" / ".file.bin.0123.part"
    abandoned.write_bytes(DATA[:1000])
    long_ago = time.time() - download.ABANDONED_AFTER - 60
    os.utime(abandoned, (long_ago, long_ago))
    assert get("good").read_bytes() == DATA
    assert server.requests == [("good", "bytes=1000-")]
    assert names(root) == ["file.bin"]


def test_a_part_that_another_process_takes_first_is_left_to_it(server, get, root, monkeypatch):
    (root / "some").mkdir(parents=True)
    part = root / "some" / ".file.bin.part"
    part.write_bytes(DATA[:1000])
    monkeypatch.setattr(download.os, "utime", lambda path: Path(path).unlink())
    assert get("good").read_bytes() == DATA
    assert server.requests == [("good", None)]


class Terminal:
    def __init__(self):
        self.written = []

    def isatty(self):
        return True

    def write(self, text):
        self.written.append(text)

    def flush(self):
        pass


def test_progress_is_one_line_on_a_terminal(get, monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setattr(download, "PROGRESS_EVERY", 0)
    get("good")
    written = "".join(terminal.written)
    assert written.startswith("\rfile.bin: 0.")
    assert written.endswith("\rfile.bin: 0.3 of 0.3 MB\n")
    assert written.count("\n") == 1


def test_progress_of_unknown_length_is_told_without_it(get, monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setattr(download, "PROGRESS_EVERY", 0)
    get("without_length")
    assert "".join(terminal.written).endswith("\rfile.bin: 0.3 MB\n")


@pytest.mark.parametrize("stream", [None, "captured"])
def test_elsewhere_nothing_is_written(get, monkeypatch, capsys, stream):
    if stream is None:
        monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(download, "PROGRESS_EVERY", 0)
    get("good")
    assert capsys.readouterr().err == ""
