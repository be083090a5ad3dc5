"""The datasets that are ready to use: the digits, MNIST and its kin, CIFAR-10."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import struct
import tarfile
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

import chainette
from chainette.errors import ArgumentError, DtypeError, LoadError
from chainette_training import datasets
from chainette_training.datasets import (
    TupleDataset,
    get_cifar10,
    get_digits,
    get_fashion_mnist,
    get_fashion_mnist_labels,
    get_kuzushiji_mnist,
    get_kuzushiji_mnist_labels,
    get_mnist,
)
from chainette_training.datasets.errors import DownloadError, MissingFileError

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of the test's own, and no network."""

    def refuse(*arguments, **options):
        raise OSError("no network in tests")

    monkeypatch.setattr("chainette_training.datasets.download._opener", refuse)
    monkeypatch.setenv("CHAINETTE_DATASET_ROOT", str(tmp_path / "cache"))
    return tmp_path / "cache"


# the digits


def test_the_digits_are_split_as_ever():
    (x, t), (x_test, t_test) = (dataset.take(np.arange(len(dataset))) for dataset in get_digits())
    assert x.shape == (1438, 64)
    assert x_test.shape == (359, 64)
    assert x.dtype == np.float32
    assert t.dtype == np.int32
    assert (x.min(), x.max(), x_test.max()) == (0, 1, 1)
    assert np.bincount(t_test).tolist() == [36, 36, 35, 37, 36, 36, 36, 36, 35, 36]
    # of x, t, x_test and t_test as examples/digits/digits.py gave them: results must stay comparable
    digest = hashlib.sha256(b"".join(array.tobytes() for array in (x, t, x_test, t_test)))
    assert digest.hexdigest() == "66f2a54e452ae227d8c257df600c0a03e7e708d754bd342f739728749018f21a"


def test_the_file_of_digits_is_the_one_that_its_note_describes():
    data = files("chainette_training.datasets").joinpath("data", "digits.npz").read_bytes()
    note = files("chainette_training.datasets").joinpath("data", "README.md").read_text()
    assert hashlib.sha256(data).hexdigest() in note
    assert "CC BY 4.0" in note


@pytest.mark.parametrize(("ndim", "shape"), [(1, (64,)), (2, (8, 8)), (3, (1, 8, 8))])
def test_the_digits_have_the_shape_that_is_asked_for(ndim, shape):
    train, test = get_digits(withlabel=False, ndim=ndim)
    assert (train.shape, test.shape) == ((1438, *shape), (359, *shape))
    np.testing.assert_array_equal(train.reshape(-1, 64), get_digits(withlabel=False)[0])


def test_the_digits_have_the_scale_and_dtypes_that_are_asked_for():
    train, _ = get_digits(scale=16.0, dtype=np.float16, label_dtype=np.uint8)
    x, t = train.take(np.arange(len(train)))
    assert (x.dtype, t.dtype, x.max()) == (np.float16, np.uint8, 16)
    with chainette.using_config("dtype", np.float64):
        assert get_digits(withlabel=False)[1].dtype == np.float64


# MNIST


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


IMAGES = {"train": RNG.integers(0, 256, (7, 28, 28), np.uint8), "t10k": RNG.integers(0, 256, (3, 28, 28), np.uint8)}
LABELS = {"train": RNG.integers(0, 10, 7).astype(np.uint8), "t10k": np.array([9, 0, 5], np.uint8)}


def write_mnist(folder, joint="-", is_zipped=True):
    folder.mkdir(parents=True, exist_ok=True)
    for part in IMAGES:
        for kind, array in (("images", IMAGES[part]), ("labels", LABELS[part])):
            data = idx(array)
            name = f"{part}-{kind}{joint}idx{array.ndim}-ubyte{'.gz' if is_zipped else ''}"
            (folder / name).write_bytes(gzip.compress(data) if is_zipped else data)
    return folder


@pytest.fixture
def folder(tmp_path):
    return write_mnist(tmp_path / "files")


KIN = pytest.mark.parametrize("get", [get_mnist, get_fashion_mnist, get_kuzushiji_mnist])


@KIN
@pytest.mark.parametrize("joint", ["-", "."])
@pytest.mark.parametrize("is_zipped", [True, False])
def test_the_four_files_are_read_zipped_or_not_under_either_name(tmp_path, get, joint, is_zipped):
    train, test = get(folder=write_mnist(tmp_path / "files", joint, is_zipped))
    for dataset, part in ((train, "train"), (test, "t10k")):
        assert isinstance(dataset, TupleDataset)
        x, t = dataset.take(np.arange(len(dataset)))
        assert (x.dtype, t.dtype) == (np.float32, np.int32)
        np.testing.assert_array_equal(t, LABELS[part])
        # to the last bit as in Chainer, which multiplies
        np.testing.assert_array_equal(x, IMAGES[part].reshape(-1, 784).astype("f") * np.float32(1 / 255.0))


def test_a_file_that_is_called_zipped_and_is_not_is_read_all_the_same(folder):
    path = folder / "train-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.decompress(path.read_bytes()))
    assert len(get_mnist(folder=folder)[0]) == 7


@pytest.mark.parametrize(("ndim", "shape"), [(1, (784,)), (2, (28, 28)), (3, (1, 28, 28))])
def test_mnist_has_the_shape_that_is_asked_for(folder, ndim, shape):
    train, test = get_mnist(withlabel=False, ndim=ndim, scale=255.0, folder=str(folder))
    assert (train.shape, test.shape) == ((7, *shape), (3, *shape))
    np.testing.assert_array_equal(train, IMAGES["train"].reshape(-1, *shape))


def test_mnist_may_have_three_equal_channels(folder):
    train, _ = get_mnist(withlabel=False, ndim=3, scale=255.0, rgb_format=True, folder=folder)
    assert train.shape == (7, 3, 28, 28)
    assert train.flags.c_contiguous
    assert train.flags.writeable
    for channel in range(3):
        np.testing.assert_array_equal(train[:, channel], IMAGES["train"])


def test_mnist_has_the_dtypes_that_are_asked_for(folder):
    train, _ = get_mnist(dtype=np.float16, label_dtype=np.int8, folder=folder)
    x, t = train[0]
    assert (x.dtype, t.dtype) == (np.float16, np.int8)


GETTERS = {
    "get_digits": (get_digits, {}),
    "get_mnist": (get_mnist, {"folder": "/nowhere"}),
    "get_cifar10": (get_cifar10, {"folder": "/nowhere"}),
}


@pytest.mark.parametrize("name", GETTERS)
def test_wrong_arguments_are_told_before_any_file_is_looked_for(name):
    get, options = GETTERS[name]
    with pytest.raises(ArgumentError, match=rf"{name}: ndim=4 \(expected 1 or "):
        get(ndim=4, **options)
    for dtype in (np.uint8, bool, complex):
        with pytest.raises(DtypeError, match=rf"{name}: dtype={np.dtype(dtype)} \(expected a floating one\)"):
            get(dtype=dtype, **options)


def test_three_channels_need_channels():
    with pytest.raises(ArgumentError, match=r"get_mnist: rgb_format=True with ndim=1 \(expected ndim=3"):
        get_mnist(rgb_format=True, folder="/nowhere")


@pytest.mark.parametrize("missing", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
@KIN
def test_a_folder_without_a_file_is_told_which(folder, get, missing):
    (folder / f"{missing}.gz").unlink()
    with pytest.raises(MissingFileError, match=f"{get.__name__}: {folder} has no file {missing}, ") as caught:
        get(folder=folder)
    assert isinstance(caught.value, FileNotFoundError)


@pytest.mark.parametrize("get", [get_fashion_mnist, get_kuzushiji_mnist])
def test_the_kin_are_never_downloaded_but_may_be_put_into_the_cache(cache, get):
    name = get.__name__.removeprefix("get_").replace("_", "-")
    with pytest.raises(MissingFileError, match=f"{cache / name} has no file"):
        get()
    write_mnist(cache / name)
    assert len(get()[0]) == 7


def test_mnist_may_be_put_into_the_cache_unzipped(cache):
    write_mnist(cache / "mnist", is_zipped=False)
    assert [len(dataset) for dataset in get_mnist()] == [7, 3]


def test_a_zipped_file_in_the_cache_must_be_the_published_one(cache):
    write_mnist(cache / "mnist")
    with pytest.raises(
        LoadError, match=r"train-images-idx3-ubyte.gz is not the file it should be \(expected sha256 440f"
    ):
        get_mnist()


def test_what_cannot_be_downloaded_may_be_put_there_by_hand(cache):
    with pytest.raises(DownloadError, match="no network in tests") as caught:
        get_mnist()
    assert f"Put the file there by hand, as {cache / 'mnist' / 'train-images-idx3-ubyte.gz'}" in str(caught.value)
    assert list((cache / "mnist").iterdir()) == []


DAMAGED = [
    (b"", "begins with nothing"),
    (b"\0\0\x08", r"begins with 00 00 08 \(expected 00 00 08 03, an IDX file of bytes with 3 axes\)"),
    (idx(LABELS["train"]), "begins with 00 00 08 01"),
    (idx(IMAGES["train"])[:-1], r"has 5,487 bytes after its sizes \(7, 28, 28\) \(expected 5,488\)"),
    (idx(IMAGES["train"]) + b"\0", "has more bytes after its sizes"),
    (idx(IMAGES["train"][:6]), r"has 6 images, but .*train-labels-idx1-ubyte.gz has 7 labels"),
    (idx(IMAGES["train"][:, 1:]), r"has pixels of shape \(7, 27, 28\) \(expected images of 28x28\)"),
    (
        bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**31, 28, 28),
        r"speaks of .2147483648, 28, 28. elements .expected at most",
    ),
    (gzip.compress(idx(IMAGES["train"]))[:-100], "is a damaged gzip file"),
    (gzip.compress(idx(IMAGES["train"]))[:-5] + b"12345", "is a damaged gzip file"),
    (b"\x1f\x8b" + b"a" * 100, "is a damaged gzip file"),
]


@pytest.mark.parametrize(("data", "said"), DAMAGED)
def test_a_damaged_file_of_images_is_named(folder, data, said):
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(data)
    with pytest.raises(LoadError, match=f"get_mnist: {path} {said}"):
        get_mnist(folder=folder)


def test_a_label_beyond_nine_is_refused(folder):
    path = folder / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(idx(np.array([1, 10, 2], np.uint8)))
    with pytest.raises(LoadError, match=rf"get_mnist: {path} has a label 10 \(expected 0 to 9\)"):
        get_mnist(folder=folder)


def test_empty_files_are_refused(folder):
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(idx(LABELS["t10k"][:0]))
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(idx(IMAGES["t10k"][:0]))
    with pytest.raises(LoadError, match=r"pixels of shape \(0, 28, 28\)"):
        get_mnist(folder=folder)


def test_the_labels_have_names():
    assert len(get_fashion_mnist_labels()) == len(get_kuzushiji_mnist_labels()) == 10
    assert get_fashion_mnist_labels()[0] == "T-shirt/top"
    assert get_kuzushiji_mnist_labels()[9] == ("wo", "を")


# CIFAR-10

RECORDS = {name: RNG.integers(0, 256, (4, 3073), np.uint8) for name in (f"data_batch_{i}.bin" for i in range(1, 6))}
RECORDS["test_batch.bin"] = RNG.integers(0, 256, (3, 3073), np.uint8)
for records in RECORDS.values():
    records[:, 0] %= 10


def as_files(folder, contents):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        (folder / name).write_bytes(data)


def as_inner_files(folder, contents):
    as_files(folder / "cifar-10-batches-bin", contents)


def as_archive(folder, contents):
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder / "cifar-10-binary.tar.gz", "w:gz") as archive:
        for name, data in contents.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


CONTENTS = {"readme.html": b"<p>"} | {name: records.tobytes() for name, records in RECORDS.items()}
FORMS = pytest.mark.parametrize("write", [as_files, as_inner_files, as_archive])


@FORMS
def test_cifar_is_read_from_the_archive_or_from_what_is_in_it(tmp_path, write):
    write(tmp_path / "files", CONTENTS)
    train, test = get_cifar10(scale=255.0, folder=tmp_path / "files")
    assert [len(train), len(test)] == [20, 3]
    x, t = train.take(np.arange(20))
    records = np.concatenate([RECORDS[f"data_batch_{i}.bin"] for i in range(1, 6)])
    assert (x.shape, x.dtype, t.dtype) == ((20, 3, 32, 32), np.float32, np.int32)
    np.testing.assert_array_equal(x.reshape(20, -1), records[:, 1:])
    np.testing.assert_array_equal(t, records[:, 0])
    np.testing.assert_array_equal(test[2][1], RECORDS["test_batch.bin"][2, 0])


def test_cifar_may_be_put_into_the_cache_and_come_flat_without_labels(cache):
    as_archive(cache / "cifar-10", CONTENTS)
    train, test = get_cifar10(withlabel=False, ndim=1, dtype=np.float16)
    assert (train.shape, train.dtype, test.shape) == ((20, 3072), np.float16, (3, 3072))
    assert 0 <= train.min() < train.max() <= 1


def test_nothing_is_unpacked_to_the_disk(tmp_path):
    as_archive(tmp_path / "files", CONTENTS)
    get_cifar10(folder=tmp_path / "files")
    assert [path.name for path in (tmp_path / "files").iterdir()] == ["cifar-10-binary.tar.gz"]


@FORMS
def test_cifar_without_a_file_is_told_which(tmp_path, write):
    write(tmp_path / "files", {name: data for name, data in CONTENTS.items() if name != "data_batch_3.bin"})
    with pytest.raises(MissingFileError, match=r"get_cifar10: .* is without data_batch_3\.bin\."):
        get_cifar10(folder=tmp_path / "files")


@FORMS
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", r"has 0 bytes \(expected images of 3,073 bytes each"),
        (CONTENTS["data_batch_2.bin"][:-1], "has 12,291 bytes"),
        (pickle.dumps({"data": [1]}), "not of the binary version"),
        (b"\x0a" + bytes(3072), r"has a label 10 \(expected 0 to 9\)"),
    ],
)
def test_a_damaged_file_of_cifar_is_named(tmp_path, write, data, said):
    write(tmp_path / "files", CONTENTS | {"data_batch_2.bin": data})
    with pytest.raises(LoadError, match=rf"get_cifar10: .*data_batch_2\.bin .*{said}"):
        get_cifar10(folder=tmp_path / "files")


@pytest.mark.parametrize("damage", [lambda data: data[:1000], lambda data: b"no archive", lambda data: b""])
def test_a_damaged_archive_is_named(tmp_path, damage):
    as_archive(tmp_path, CONTENTS)
    path = tmp_path / "cifar-10-binary.tar.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(LoadError, match=f"get_cifar10: {path} is a damaged archive"):
        get_cifar10(folder=tmp_path)


def test_what_an_archive_links_to_is_not_followed(tmp_path):
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(MissingFileError, match=r"is without data_batch_1\.bin"):
        get_cifar10(folder=tmp_path)


def test_no_module_of_the_datasets_can_unpickle():
    for path in Path(datasets.__file__).parent.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "import pickle" not in text, path
        assert "allow_pickle=True" not in text, path
