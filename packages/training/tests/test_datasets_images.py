"""Images in files and in zip archives."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import chainette
from chainette.errors import ArgumentError, LoadError, MissingPluginError
from chainette_training.datasets import (
    ImageDataset,
    LabeledImageDataset,
    LabeledZippedImageDataset,
    MultiZippedImageDataset,
    ZippedImageDataset,
)
from chainette_training.datasets.zipped_image_dataset import SIZE_LIMIT

Image = pytest.importorskip("PIL.Image")

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (4, 5, 3), np.uint8)
GREY = RNG.integers(0, 256, (6, 2), np.uint8)


@pytest.fixture
def folder(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "colour.png")
    Image.fromarray(GREY).save(tmp_path / "grey image.png")
    (tmp_path / "broken.png").write_bytes((tmp_path / "colour.png").read_bytes()[:60])
    (tmp_path / "text.png").write_text("no image")
    return tmp_path


@pytest.fixture
def archive(folder):
    path = folder / "images.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.mkdir("images")
        for name in ("colour.png", "grey image.png", "broken.png"):
            file.write(folder / name, f"images/{name}")
    return path


# files


def test_images_come_with_channels_first(folder):
    colour, grey = ImageDataset(["colour.png", "grey image.png"], root=folder)
    np.testing.assert_array_equal(colour, RGB.transpose(2, 0, 1))
    np.testing.assert_array_equal(grey, GREY[np.newaxis])
    for image in (colour, grey):
        assert image.dtype == np.float32
        assert image.flags.c_contiguous
        assert image.flags.writeable


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float64])
def test_images_have_the_dtype_that_is_asked_for(folder, dtype):
    (image,) = ImageDataset([folder / "colour.png"], dtype=dtype)
    assert image.dtype == dtype
    assert image.flags.writeable
    np.testing.assert_array_equal(image, RGB.transpose(2, 0, 1))


def test_without_a_dtype_that_of_the_settings_counts_when_the_dataset_is_made(folder):
    with chainette.using_config("dtype", np.float64):
        dataset = ImageDataset([folder / "colour.png"])
    assert dataset[0].dtype == np.float64


# as Chainer 7.8.1 gives them
@pytest.mark.parametrize(
    ("mode", "channels"),
    [("1", 1), ("L", 1), ("LA", 2), ("P", 1), ("RGB", 3), ("RGBA", 4), ("I;16", 1)],
)
def test_each_mode_has_its_number_of_channels(tmp_path, mode, channels):
    Image.new(mode, (5, 4)).save(tmp_path / "image.png")
    assert ImageDataset([tmp_path / "image.png"])[0].shape == (channels, 4, 5)


def test_paths_may_come_from_a_text_file(folder):
    paths = folder / "paths.txt"
    paths.write_text("colour.png\n\n  grey image.png\r\n")
    for name in (paths, str(paths)):
        assert [image.shape for image in ImageDataset(name, root=folder)] == [(3, 4, 5), (1, 6, 2)]


def test_pairs_may_come_from_a_list_or_from_a_text_file(folder):
    text = folder / "pairs.txt"
    text.write_text("\ufeffcolour.png 3\n\ngrey image.png  -7", encoding="utf-8")
    for pairs in (text, [("colour.png", 3), ["grey image.png", -7]]):
        dataset = LabeledImageDataset(pairs, root=folder, label_dtype=np.int8)
        assert len(dataset) == 2
        (colour, three), (grey, minus_seven) = dataset
        assert (colour.shape, grey.shape) == ((3, 4, 5), (1, 6, 2))
        assert (three, minus_seven) == (3, -7)
        assert three.dtype == minus_seven.dtype == np.int8
        assert three.shape == ()


def test_labels_of_a_floating_dtype_may_be_fractions(folder):
    text = folder / "pairs.txt"
    text.write_text("colour.png 0.5\n")
    assert LabeledImageDataset(text, folder, label_dtype=np.float32)[0][1] == np.float32(0.5)


def test_labels_in_a_list_may_be_arrays(folder):
    assert LabeledImageDataset([("colour.png", [1, 2])], folder)[0][1].tolist() == [1, 2]


@pytest.mark.parametrize("line", ["grey.png", "grey.png three", "grey.png 0.5", "grey.png 300", "7"])
def test_a_wrong_line_is_named(folder, line):
    text = folder / "pairs.txt"
    text.write_text(f"colour.png 3\n\n{line}\n")
    with pytest.raises(LoadError, match=rf"LabeledImageDataset: line 3 of .*pairs.txt' is '{line}' .* fits uint8"):
        LabeledImageDataset(text, label_dtype=np.uint8)


def test_a_list_that_is_no_text_is_refused(folder):
    with pytest.raises(LoadError, match="no text in UTF-8"):
        ImageDataset(folder / "colour.png")


def test_what_is_no_pair_is_named():
    with pytest.raises(ArgumentError, match=r"pair 1 is 'b\.png'"):
        LabeledImageDataset([("a.png", 0), "b.png"])


@pytest.mark.parametrize("name", ["broken.png", "text.png"])
def test_a_file_that_is_no_whole_image_is_named(folder, name):
    with pytest.raises(LoadError, match=f"ImageDataset: .*{name}' cannot be read as an image"):
        ImageDataset([name], folder)[0]
    with pytest.raises(LoadError, match=f"LabeledImageDataset: .*{name}' cannot be read as an image"):
        LabeledImageDataset([(name, 0)], folder)[0]


def test_a_file_that_is_not_there_is_named(folder):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.png"):
        ImageDataset(["nowhere.png"], folder)[0]


def test_an_image_that_unpacks_to_far_more_is_refused(folder, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 9)  # Pillow refuses twice as many
    with pytest.raises(LoadError, match="DecompressionBombError"):
        ImageDataset(["colour.png"], folder)[0]


@pytest.mark.parametrize(
    "make",
    [
        lambda: ImageDataset([]),
        lambda: LabeledImageDataset([]),
        lambda: ZippedImageDataset("images.zip"),
        lambda: MultiZippedImageDataset(["images.zip"]),
        lambda: LabeledZippedImageDataset("images.zip", "labels.txt"),
    ],
)
def test_without_pillow_what_to_install_is_said(monkeypatch, make):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingPluginError, match=r"pip install 'chainette-training\[image\]'"):
        make()


def test_pillow_is_imported_at_first_use_only():
    code = "import sys, chainette_training.datasets; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent).returncode == 0


# zip archives


def test_an_archive_gives_its_images_in_order_and_by_name(archive):
    dataset = ZippedImageDataset(archive)
    assert len(dataset) == 3
    np.testing.assert_array_equal(dataset[0], RGB.transpose(2, 0, 1))
    np.testing.assert_array_equal(dataset["images/grey image.png"], GREY[np.newaxis])
    assert dataset[0].dtype == np.float32
    assert ZippedImageDataset(archive, dtype=np.uint8)[1].dtype == np.uint8


def test_several_archives_come_one_after_the_other(archive):
    dataset = MultiZippedImageDataset([archive, str(archive)], dtype=np.uint8)
    assert len(dataset) == 6
    np.testing.assert_array_equal(dataset[4], GREY[np.newaxis])
    np.testing.assert_array_equal(dataset[-6], RGB.transpose(2, 0, 1))


def test_a_single_name_is_no_list_of_archives(archive):
    with pytest.raises(ArgumentError, match="Write ZippedImageDataset for one archive"):
        MultiZippedImageDataset(str(archive))


def test_an_archive_may_have_labels(archive, folder):
    labels = folder / "labels.txt"
    labels.write_text("images/grey image.png 3\nimages/colour.png 4\n")
    dataset = LabeledZippedImageDataset(archive, labels, np.uint8, np.int64)
    (grey, three), (colour, four) = dataset
    np.testing.assert_array_equal(grey, GREY[np.newaxis])
    np.testing.assert_array_equal(colour, RGB.transpose(2, 0, 1))
    assert (three, four) == (3, 4)
    assert three.dtype == np.int64


def test_labels_of_images_that_are_not_there_are_named_at_once(archive, folder):
    labels = folder / "labels.txt"
    labels.write_text("images/colour.png 3\ngrey image.png 4\n")
    with pytest.raises(LoadError, match=r"names 1 files that are not in .*: grey image.png\."):
        LabeledZippedImageDataset(archive, labels)


def test_what_is_wrong_with_an_archive_is_said(archive, folder):
    with pytest.raises(LoadError, match="cannot be read as a zip archive"):
        ZippedImageDataset(folder / "text.png")
    with pytest.raises(FileNotFoundError):
        ZippedImageDataset(folder / "nowhere.zip")
    with pytest.raises(ArgumentError, match=r"has no file 'nowhere\.png'"):
        ZippedImageDataset(archive)["nowhere.png"]
    with pytest.raises(LoadError, match=r"images.zip/images/broken.png' cannot be read as an image"):
        ZippedImageDataset(archive)[2]


def test_damaged_bytes_in_an_archive_are_a_load_error(archive):
    data = bytearray(archive.read_bytes())
    data[200] ^= 255
    archive.write_bytes(data)
    with pytest.raises(LoadError, match=r"'images/colour.png' in .* cannot be read"):
        ZippedImageDataset(archive)[0]


def test_a_file_that_unpacks_to_far_more_is_refused(archive):
    dataset = ZippedImageDataset(archive)
    dataset._archive().getinfo("images/colour.png").file_size = SIZE_LIMIT + 1
    with pytest.raises(LoadError, match="expected at most"):
        dataset[0]


def test_an_archive_is_opened_anew_where_it_is_unpickled(archive):
    dataset = ZippedImageDataset(archive)
    again = pickle.loads(pickle.dumps(dataset))
    assert again._opened is None
    np.testing.assert_array_equal(again[0], dataset[0])
    assert again._archive() is not dataset._archive()


def test_several_threads_may_read_one_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "images.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for i in range(50):
            stream = io.BytesIO()
            Image.fromarray(np.full((9, 9), i, np.uint8)).save(stream, "png")
            file.writestr(f"{i}.png", stream.getvalue())
    dataset = pickle.loads(pickle.dumps(ZippedImageDataset(tmp_path / "images.zip")))
    with ThreadPoolExecutor(8) as pool:
        for i, image in enumerate(pool.map(dataset.__getitem__, [*range(50)] * 4)):
            assert (image == i % 50).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_opens_the_archive_for_itself(archive):
    dataset = ZippedImageDataset(archive)
    first = dataset[0]
    before = dataset._archive()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside threads, of which pytest may have some
        child = os.fork()
    if child == 0:
        try:
            is_right = (dataset[0] == first).all() and dataset._archive() is not before
        except BaseException:
            is_right = False
        os._exit(0 if is_right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    np.testing.assert_array_equal(dataset[1], GREY[np.newaxis])
    assert dataset._archive() is before
