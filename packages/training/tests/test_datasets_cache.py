"""Where downloaded files are kept, and what is refused before anything is downloaded."""

from __future__ import annotations

import re
import sys

import pytest

from chainette.errors import ArgumentError
from chainette_training.datasets.download import cached_file, dataset_root
from chainette_training.datasets.errors import DownloadError

SHA256 = "0" * 64


@pytest.mark.parametrize("url", ["ftp://host/file", "file:///etc/passwd", "/etc/passwd", "HTTP//x", ""])
def test_only_http_is_spoken(url):
    with pytest.raises(ArgumentError, match=re.escape(f"cached_file: {url!r} (expected http:// or https://)")):
        cached_file(["http://host/file", url], "file", SHA256, 1000)


@pytest.mark.parametrize("name", ["../file", "a/../../file", "/etc/passwd", "", "a\\b", "C:file"])
def test_a_name_must_stay_in_the_cache(name):
    with pytest.raises(ArgumentError, match="expected a path below the cache's folder"):
        cached_file("http://host/file", name, SHA256, 1000)


def test_a_cache_that_cannot_be_written_to_is_told_of(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CHAINETTE_DATASET_ROOT", str(tmp_path / "file"))
    with pytest.raises(DownloadError, match=r"cannot be written to .* Set CHAINETTE_DATASET_ROOT"):
        cached_file("http://host/file", "some/file", SHA256, 1000)


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, "home/.cache/chainette"),
        ("linux", {"XDG_CACHE_HOME": "/xdg"}, "/xdg/chainette"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "home/.cache/chainette"),
        ("darwin", {"XDG_CACHE_HOME": "/xdg"}, "home/Library/Caches/chainette"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/chainette"),
        ("win32", {}, "home/AppData/Local/chainette"),
        ("linux", {"CHAINETTE_DATASET_ROOT": "/data", "XDG_CACHE_HOME": "/xdg"}, "/data"),
        ("linux", {"CHAINETTE_DATASET_ROOT": "~/data"}, "home/data"),
    ],
)
def test_the_cache_is_where_the_system_has_it_or_where_it_is_asked_for(
    tmp_path, monkeypatch, platform, environment, expected
):
    for name in ("CHAINETTE_DATASET_ROOT", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**environment, "HOME": str(tmp_path / "home")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert dataset_root() == tmp_path / expected
