"""Data sets: found, verified, read; subsamples; and every way a file can be wrong."""

import gzip
import hashlib
import os
import struct
import sys

import numpy as np
import pytest
import torch

from learnprop.simulations import datasets
from learnprop.simulations.dataset_catalogue import DATASETS, DataSet, File, dataset_named
from learnprop.simulations.dataset_files import data_folders, find_folder, read_cifar, read_idx
from learnprop.simulations.datasets import class_supply, draw_rows, load_dataset
from learnprop.simulations.networks.image_batches import image_batch
from learnprop.simulations.networks.members import make_pool


def idx(array):
    """IDX bytes by the format's definition, not by our reader."""
    return b"\0\0\x08" + struct.pack(f">B{array.ndim}I", array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A data set of 6 training and 4 test images of 28 x 28, in a folder of its own."""
    rng = np.random.default_rng(0)
    arrays = [
        rng.integers(256, size=(6, 28, 28), dtype=np.uint8),
        np.array([0, 1, 2, 0, 1, 2], np.uint8),
        rng.integers(256, size=(4, 28, 28), dtype=np.uint8),
        np.array([0, 1, 2, 2], np.uint8),
    ]
    names = [file.path for file in DATASETS["mnist"].files]
    home = tmp_path / "data" / "tiny"
    home.mkdir(parents=True)
    files = []
    for name, array in zip(names, arrays, strict=True):
        (home / name).write_bytes(gzip.compress(idx(array)))
        files.append(File(name, hashlib.sha256(idx(array)).hexdigest()))
    dataset = DataSet("tiny", "Tiny", (1, 28, 28), ("a", "b", "c"), "http://x/", tuple(files))
    monkeypatch.setitem(DATASETS, "tiny", dataset)
    monkeypatch.setenv("LEARNPROP_DATA", os.pathsep.join([str(tmp_path / "no"), str(home.parent)]))
    datasets._read.cache_clear()
    yield home, arrays
    datasets._read.cache_clear()


def test_files_are_read_as_they_were_written(tiny):
    _, (images, labels, test_images, test_labels) = tiny
    found = load_dataset("tiny")
    assert np.array_equal(found.images, images[:, None])
    assert np.array_equal(found.test_images, test_images[:, None])
    assert found.labels.dtype == found.test_labels.dtype == np.int64
    assert np.array_equal(found.labels, labels)
    assert np.array_equal(found.test_labels, test_labels)


def test_content_is_verified_and_not_how_it_was_compressed(tiny):
    home, (images, *_) = tiny
    path = home / DATASETS["tiny"].files[0].path
    path.write_bytes(gzip.compress(idx(images), compresslevel=1, mtime=77))
    assert np.array_equal(load_dataset("tiny").images, images[:, None])


def test_without_pooch_data_are_read_from_folders_that_are_named(tiny, monkeypatch):
    home, (images, *_) = tiny
    assert len(data_folders("x")) == 4  # the control: x, two of the environment, pooch's
    monkeypatch.setitem(sys.modules, "pooch", None)
    assert len(data_folders("x")) == 3
    assert np.array_equal(load_dataset("tiny").images, images[:, None])
    monkeypatch.delenv("LEARNPROP_DATA")
    datasets._read.cache_clear()
    assert np.array_equal(load_dataset("tiny", str(home.parent)).images, images[:, None])
    with pytest.raises(ValueError, match=r"tiny is not here \(looked in no folder\)"):
        load_dataset("tiny")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda b: b[: len(b) // 2], "train-images.*is corrupted or truncated"),
        (lambda b: b[:40] + bytes([b[40] ^ 255]) + b[41:], "train-images.*(corrupted|not the pub)"),
        (lambda _: b"not gzip at all", "train-images.*is corrupted or truncated"),
        (lambda _: b"", "train-images.*(corrupted|not the published)"),
        (
            lambda _: gzip.compress(idx(np.zeros((6, 28, 28), np.uint8))),
            "train-images.*is not the published file: SHA-256",
        ),
    ],
)
def test_a_wrong_file_is_named_and_refused(tiny, damage, message):
    path = tiny[0] / DATASETS["tiny"].files[0].path
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=message):
        load_dataset("tiny")


def test_a_missing_file_is_named(tiny):
    (tiny[0] / DATASETS["tiny"].files[3].path).unlink()
    with pytest.raises(ValueError, match=r"t10k-labels-idx1-ubyte.gz cannot be read: No such file"):
        load_dataset("tiny")


def test_where_data_are_looked_for(tiny, tmp_path, monkeypatch):
    home, _ = tiny
    monkeypatch.setattr(
        "learnprop.simulations.dataset_files.own_folder", lambda: tmp_path / "cache"
    )
    assert data_folders("~nobody/x")[0].name == "x"
    assert data_folders(str(tmp_path))[0] == tmp_path
    assert data_folders()[-1] == tmp_path / "cache"
    files = DATASETS["tiny"].files
    assert find_folder("tiny", files, data_folders()) == home
    monkeypatch.delenv("LEARNPROP_DATA")
    with pytest.raises(ValueError, match=r"dataset tiny is not here \(looked in .*cache\)"):
        load_dataset("tiny")
    assert load_dataset("tiny", str(home.parent)).labels.tolist() == [0, 1, 2, 0, 1, 2]


def test_no_such_data_set():
    with pytest.raises(ValueError, match=r"dataset must be one of digits, .*, got 'imagenet'"):
        dataset_named("imagenet")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\0\0\x0d\x01" + bytes(8), "x is no IDX file of unsigned bytes"),
        (b"\0\0\x08", "x is no IDX file"),
        (b"\0\0\x08\x01\0\0\0\x03ab", "x holds 2 values, but is of shape"),
        (b"\0\0\x08\x02\0\0\0\x03", "x holds 8 bytes, but a header of 2 axes"),
        (b"\0\0\x08\x03\0\0\0\x01\0\0", "x holds 10 bytes, but a header of 3 axes"),
        (b"\0\0\x08\x00a", "x holds 5 bytes, but a header of 0 axes"),
        (b"\0\0\x08\x03" + 2 * b"\x80\0\0\0" + b"\0\0\0\x04", "x holds 0 values, but is of"),
        (b"\0\0\x08\x46" + 70 * b"\0\0\0\x01" + b"a", "x is of shape .*maximum"),
        (b"\0\0\x08\x01\0\0\0\x01ab", "x holds 2 values"),
    ],
)
def test_what_is_not_idx(content, message):
    with pytest.raises(ValueError, match=message):
        read_idx(content, "x")


def test_cifar_records_are_a_label_and_three_planes():
    planes = np.arange(2 * 3072).astype(np.uint8).reshape(2, 3, 32, 32)
    content = b"".join(
        bytes([k]) + plane.tobytes() for k, plane in zip((9, 4), planes, strict=True)
    )
    images, labels = read_cifar(content, "x")
    assert np.array_equal(images, planes)
    assert labels.tolist() == [9, 4]
    with pytest.raises(ValueError, match="x holds 3074 bytes, no multiple of 3073"):
        read_cifar(content[:3074], "x")


def test_digits_are_brought_to_28_by_28():
    """Mean and place of the ink are those of the 8 x 8 originals."""
    from sklearn.datasets import load_digits

    small, large = load_digits().images / 16, load_dataset("digits").images[:, 0] / 255
    # bilinear interpolation keeps a mean up to the border, where half a pixel is extrapolated
    assert np.abs(small.mean(axis=(1, 2)) - large.mean(axis=(1, 2))).max() < 0.02
    blocks = large[:, :28, :28].reshape(-1, 4, 7, 4, 7).mean(axis=(2, 4))
    halves = small.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4))
    assert np.corrcoef(blocks.ravel(), halves.ravel())[0, 1] > 0.99


def test_draws_have_the_sizes_and_share_no_image():
    labels = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], (30, 20, 9)))
    supply = class_supply(labels, np.array([]), 3)
    assert supply.tolist() == [20, 14, 6]
    train, test = draw_rows(labels, supply, np.random.default_rng(1), hold_out=True)
    assert np.bincount(labels[train]).tolist() == [20, 14, 6]
    assert np.bincount(labels[test]).tolist() == [10, 6, 3]
    assert sorted([*train, *test]) == list(range(59))  # nothing twice, and nothing is left
    other, none = draw_rows(labels, (5, 5, 5), np.random.default_rng(2), hold_out=False)
    assert len(set(other)) == 15
    assert len(none) == 0
    assert class_supply(labels, np.array([0]), 3).tolist() == [30, 20, 9]


def test_every_image_is_drawn_with_the_same_probability():
    labels, hits, n = np.repeat([0, 1], (12, 6)), np.zeros(18), 2000
    for seed in range(n):
        train, _ = draw_rows(labels, (4, 2), np.random.default_rng(seed), hold_out=True)
        hits[train] += 1
    # one in three of each class: binomial, n p (1 - p)
    assert np.abs(hits - n / 3).max() < 4 * np.sqrt(n * 2 / 9)


published = pytest.mark.parametrize(
    ("name", "n_train", "mean", "sd"),
    [  # moments of pixels / 255 as they are quoted wherever these data are used
        ("mnist", 60_000, 0.1307, 0.3081),
        ("fashion-mnist", 60_000, 0.2860, 0.3530),
        ("kmnist", 60_000, 0.1918, 0.3483),
        ("cifar10", 50_000, 0.4734, 0.2516),
    ],
)


@published
def test_published_data_sets(name, n_train, mean, sd):
    try:
        found = load_dataset(name)
    except ValueError as error:
        pytest.skip(str(error))
    assert found.images.shape == (n_train, *dataset_named(name).shape)
    assert len(found.test_images) == len(found.test_labels) == 10_000
    assert set(found.labels.tolist()) == set(range(10)) == set(found.test_labels.tolist())
    values = np.arange(256) / 255
    share = np.bincount(found.images.ravel(), minlength=256) / found.images.size
    assert abs(share @ values - mean) < 1e-4
    assert abs(np.sqrt(share @ values**2 - (share @ values) ** 2) - sd) < 1e-4
    pool = make_pool(
        found, "own", torch.device("cpu")
    )  # warns of nothing, though files are read-only
    batch = image_batch(pool.test_images, torch.arange(10_000)[None])
    assert batch.shape == (1, 10_000, *dataset_named(name).shape)
    assert abs(float(batch.mean())) < 0.05
