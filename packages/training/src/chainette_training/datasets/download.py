"""Files from the network: only those whose contents are known beforehand, and only when somebody asks for them."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import IO, Any

from chainette.errors import ArgumentError, LoadError
from chainette_training.datasets.errors import DownloadError

BLOCK = 1 << 16
TRIES = 5  # with one mirror, as long as each brings some of the file
ABANDONED_AFTER = 600.0  # seconds without a change, after which an unfinished file belongs to nobody
PROGRESS_EVERY = 2.0  # seconds


def dataset_root() -> Path:
    """Where files of datasets are kept: in ``CHAINETTE_DATASET_ROOT``, else in ``chainette`` in the user's cache.

    >>> import os, unittest.mock
    >>> with unittest.mock.patch.dict(os.environ, CHAINETTE_DATASET_ROOT="/data"):
    ...     dataset_root().as_posix()
    '/data'
    """
    chosen = os.environ.get("CHAINETTE_DATASET_ROOT")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        cache = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        cache = Path.home() / "Library" / "Caches"
    else:
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        if not os.path.isabs(cache):  # which XDG says to pass over
            cache = Path.home() / ".cache"
    return Path(cache) / "chainette"


def cached_file(urls: str | Sequence[str], name: str, sha256: str, size_limit: int, timeout: float = 30.0) -> Path:
    """The path of a file in the cache; it is downloaded if it is not there.

    Args:
        urls: one address or several, http or https, which are tried in turn.
        name: the file's path under ``dataset_root()``, with ``/`` between folders.
        sha256: the sum of its contents, in hexadecimal. Other contents are never kept under that name.
        size_limit: the most bytes that are taken.
        timeout: how many seconds to wait for a connection, and for each next piece.

    What a broken connection left is continued the next time. Two processes that want one file may both load it;
    neither sees a part of it.

    Raises:
        DownloadError: (an OSError) no mirror gave the file.
        LoadError: (a ValueError) the file is there with other contents.
        ArgumentError: an address is none of http, or ``name`` leads out of the cache.

    >>> cached_file("ftp://example.org/a.gz", "a.gz", "00", 100)
    Traceback (most recent call last):
        ...
    chainette.errors.ArgumentError: cached_file: 'ftp://example.org/a.gz' (expected http:// or https://).
    """
    urls = [urls] if isinstance(urls, str) else list(urls)
    for url in urls:
        if not url.startswith(("http://", "https://")):
            raise ArgumentError(f"cached_file: {url!r} (expected http:// or https://).")
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or PurePosixPath(name).is_absolute() or "\\" in name or ":" in name:
        raise ArgumentError(f"cached_file: name={name!r} (expected a path below the cache's folder).")
    target = dataset_root().joinpath(*parts)
    if target.exists():
        _check_cached(target, sha256)
        return target
    download = _Download(target, sha256.lower(), size_limit, timeout)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        download.claim()
    except OSError as error:
        raise DownloadError(
            f"cached_file: {target.parent} cannot be written to ({error}). "
            "Set CHAINETTE_DATASET_ROOT to another folder."
        ) from error
    try:
        failures = []
        for url in urls:
            failure = download.run(url)
            if failure is None:
                return target
            failures.append(f"\n  {url}: {failure}")
        raise DownloadError(
            f"cached_file: {target.name} could not be had:{''.join(failures)}\n"
            f"Put the file there by hand, as {target} (its sha256 is {sha256})."
        )
    finally:
        download.leave()


class _Failure(Exception):
    """One mirror does not give the file, in words."""


class _Download:
    """A file on its way: a part of it, under a name of its own until it is whole and right."""

    def __init__(self, target: Path, sha256: str, size_limit: int, timeout: float) -> None:
        self.target, self.sha256, self.size_limit, self.timeout = target, sha256, size_limit, timeout
        self.left_by_others = target.with_name(f".{target.name}.part")
        self.part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")

    def claim(self) -> None:
        """Begin with what an earlier download left, if there is such a thing. Who renames it first has it."""
        self.part.touch(exist_ok=False)
        for path in sorted(self.target.parent.glob(f".{self.target.name}*.part")):
            with suppress(FileNotFoundError):  # another process was faster
                is_abandoned = time.time() - path.stat().st_mtime > max(ABANDONED_AFTER, 10 * self.timeout)
                if path == self.left_by_others or is_abandoned:
                    os.utime(path)  # before it has our name: nobody may take it for abandoned again
                    os.replace(path, self.part)
                    return

    def leave(self) -> None:
        """Leave what there is for the next time."""
        with suppress(OSError):
            if self.part.stat().st_size:
                os.replace(self.part, self.left_by_others)
            else:
                self.part.unlink()

    def run(self, url: str) -> str | None:
        """Get the file from one mirror. Returns None, or why it was not to be had."""
        failure = "it was cut off again and again"
        for _ in range(TRIES):
            before = self.part.stat().st_size
            try:
                self._fetch(url)
                if self._finish():
                    return None
                failure = f"the file has another sha256 (expected {self.sha256})"
                self._empty()  # what an earlier download left may be to blame
                if not before:
                    return failure
            except _Failure as error:
                return str(error)
            except (OSError, http.client.HTTPException) as error:
                failure = f"{type(error).__name__}: {getattr(error, 'reason', None) or error}"
                if self.part.stat().st_size <= before:
                    return failure
        return failure

    def _fetch(self, url: str) -> None:
        """Continue the part; from the start, where the server knows no ranges."""
        if self.part.stat().st_size > self.size_limit:
            self._empty()
        have = self.part.stat().st_size
        headers = {"User-Agent": "chainette", "Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        try:
            response = _opener().open(urllib.request.Request(url, headers=headers), timeout=self.timeout)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and have:
                return  # there is no more of it; whether it is right, its sum will tell
            raise _Failure(f"the server answers {error.code} {error.reason}") from None
        with response, open(self.part, "ab") as file:
            if response.status != http.client.PARTIAL_CONTENT:
                have = 0
            elif _first_byte(response.headers.get("Content-Range", "")) != have:
                raise _Failure("the server sends another range than it was asked for")
            file.truncate(have)
            self._copy(response, file, have)

    def _copy(self, response: Any, file: IO[bytes], have: int) -> None:
        length = re.fullmatch(r"\d{1,18}", response.headers.get("Content-Length", ""))
        total = have + int(length[0]) if length else None
        progress = _Progress(self.target.name, total)
        try:
            while max(have, total or 0) <= self.size_limit:
                # read1 gives what has come, so that a connection that hangs later has not been for nothing
                block = response.read1(min(BLOCK, self.size_limit + 1 - have))
                if not block:
                    break
                file.write(block)
                have += len(block)
                progress.show(have)
        finally:
            progress.end()
        if max(have, total or 0) > self.size_limit:
            file.truncate(0)
            raise _Failure(f"the file is larger than the {self.size_limit:,} bytes that are allowed")
        if total is not None and have < total:
            raise http.client.IncompleteRead(b"", total - have)

    def _finish(self) -> bool:
        """Give the file its name, if it is the right one."""
        if _sha256(self.part) != self.sha256:
            return False
        with open(self.part, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(self.part, self.target)
        return True

    def _empty(self) -> None:
        with open(self.part, "wb"):
            pass


class _Progress:
    """One line on a terminal, now and then."""

    def __init__(self, name: str, total: int | None) -> None:
        self.name, self.total = name, total
        self.is_seen = sys.stderr is not None and sys.stderr.isatty()
        self.last = time.monotonic()
        self.has_written = False

    def show(self, have: int) -> None:
        now = time.monotonic()
        if self.is_seen and now - self.last >= PROGRESS_EVERY:
            of = "" if self.total is None else f" of {self.total / 1e6:.1f}"
            print(f"\r{self.name}: {have / 1e6:.1f}{of} MB", end="", file=sys.stderr, flush=True)
            self.last, self.has_written = now, True

    def end(self) -> None:
        if self.has_written:
            print(file=sys.stderr)


def _opener() -> urllib.request.OpenerDirector:
    """Follows redirects to http and https, and to nothing else: not to files, not to ftp."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener


def _first_byte(content_range: str) -> int | None:
    found = re.match(r"bytes (\d+)-", content_range)
    return int(found[1]) if found else None


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_cached(path: Path, sha256: str) -> None:
    found = _sha256(path)
    if found != sha256.lower():
        raise LoadError(
            f"cached_file: {path} is not the file it should be (expected sha256 {sha256}, got {found}). "
            "Remove it, and it is downloaded anew."
        )
