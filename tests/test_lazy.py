"""Images that stay in their files: the same bits as in memory, flat memory, .tar files, damage."""

import contextlib
import gzip
import io
import json
import os
import re
import struct
import subprocess
import sys
import tarfile
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convlab import data, training
from convlab.data.lazy import VARIABLE, LazyImages, ahead
from convlab.data.shards import NEAR, shards_of
from convlab.errors import DataError

COMMAND = Path(sys.executable).with_name("convlab")
COUNT, SIDE = 90, 12
NETWORK = """input = "64x64x3"
[[layer]]
type = "Conv2d"
out_channels = 2
kernel_size = 16
stride = 16
[[layer]]
type = "Flatten"
[[layer]]
type = "Linear"
out_features = "classes"
"""


def pixels(count=COUNT, side=SIDE):
    """Images (count, H, W, 3), whose classes 0 and 1 take turns and differ in brightness."""
    drawn = np.random.default_rng(4).integers(0, 128, (count, side, side, 3), np.uint8)
    return drawn + (np.arange(count) % 2 * 100).astype(np.uint8)[:, None, None, None]


def png(image):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def archive(path, *files):
    """A .tar file of (name, content), or of (TarInfo, content)."""
    with tarfile.open(path, "w") as tar:
        for name, content in files:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def examples(images, first=0):
    for number, image in enumerate(images, first):
        yield f"{number:05}.png", png(image)
        yield f"{number:05}.cls", str(number % 2).encode()


def in_folder(root):
    for number, image in enumerate(pixels()):
        (root / f"class{number % 2}").mkdir(exist_ok=True)
        (root / f"class{number % 2}" / f"{number:05}.png").write_bytes(png(image))
    return root


def in_tar(root):
    for shard in range(3):
        part = slice(shard * COUNT // 3, (shard + 1) * COUNT // 3)
        archive(root / f"data-{shard:03}.tar", *examples(pixels()[part], part.start))
    return root / "data-{000..002}.tar"


def in_npy(root):
    np.save(root / "x_train.npy", (pixels() / 255).astype(np.float32))
    np.save(root / "y_train.npy", np.arange(COUNT) % 2)
    return root


def in_npz(root):
    np.savez(root / "set.npz", x_train=pixels(), y_train=np.arange(COUNT) % 2)
    return root / "set.npz"


def in_idx(root):
    grey = pixels()[..., 0]
    header = struct.pack(">4B3I", 0, 0, 8, 3, *grey.shape)
    (root / "emnist-x-train-images-idx3-ubyte").write_bytes(header + grey.tobytes())
    labels = struct.pack(">4BI", 0, 0, 8, 1, COUNT) + bytes(n % 2 for n in range(COUNT))
    (root / "emnist-x-train-labels-idx1-ubyte").write_bytes(labels)
    return root


KINDS = {"folder": in_folder, "tar": in_tar, "npy": in_npy, "npz": in_npz, "idx": in_idx}


def trained(source, **settings):
    settings = {"epochs": 2, "batch_size": 16, "rate": 0.01, **settings}
    settings = training.Settings(data=str(source), **settings)
    task = training.prepare(settings)
    trainer = training.Trainer(settings, task)
    for _ in trainer.fit():
        pass
    found = training.evaluate(task.network, task.test, task.scaling)
    return task, trainer.network.state_dict() | {"test": found.probabilities}


@pytest.mark.parametrize("augment", ["none", "shift=1,rotate=9"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_network_from_files_as_from_memory(tmp_path, monkeypatch, kind, augment):
    source = KINDS[kind](tmp_path)
    both = []
    for megabytes in ("1000", "0"):
        monkeypatch.setenv(VARIABLE, megabytes)
        both.append(trained(source, augment=augment))
        for part in (both[-1][0].train, both[-1][0].validation, both[-1][0].test):
            assert isinstance(part.images, LazyImages if megabytes == "0" else np.ndarray)
    (whole, expected), (lazy, got) = both
    assert lazy.digest() == whole.digest()
    assert lazy.dark_background == whole.dark_background
    assert lazy.scaling == whole.scaling
    assert expected.keys() == got.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(got[name], values, name)


def test_lazy_images_are_indexed_as_an_array_is():
    images = np.random.default_rng(0).integers(0, 256, (9, 3, 4, 5), np.uint8)
    lazy = LazyImages(lambda rows: images[rows], images.shape[1:], len(images))
    for index in (4, -1, slice(2, 7, 2), np.array([5, 0, 5]), [1], (slice(None), 0), (..., 2)):
        np.testing.assert_array_equal(lazy[index], images[index])
    assert (lazy.shape, len(lazy), lazy.nbytes) == (images.shape, 9, images.nbytes)
    np.testing.assert_array_equal(lazy.subset(np.array([7, 3]))[1], images[3])
    assert lazy[np.array([], int)].shape == (0, 3, 4, 5)
    with pytest.raises(IndexError):
        lazy[9]


def test_readers_are_ahead_by_a_bounded_number():
    begun, started = threading.Lock(), []

    def read(number):
        with begun:
            started.append(number)
        return number

    from convlab.kernels import device

    most = min(8, device.get_num_threads()) + 1
    results = ahead(read, iter(range(1000)))
    for expected in range(40):
        assert next(results) == expected
        time.sleep(0.002)
        assert len(started) <= expected + 1 + most
    results.close()
    assert len(started) < 40 + 2 * most


def test_warnings_are_as_before_after_pictures_were_read_in_threads(tmp_path):
    before = list(warnings.filters)
    data.load(in_folder(tmp_path))
    assert list(warnings.filters) == before


def test_a_limit_that_is_no_number_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "2 GB")
    with pytest.raises(DataError, match=rf"\A{VARIABLE}: expected .* megabytes, got '2 GB'\Z"):
        training.Settings(data=str(in_folder(tmp_path))).datasets()


# --- memory ---------------------------------------------------------------------------------


def many(root, kind, count):
    root.mkdir()
    images = pixels(16, 64)
    if kind == "npy":
        stored = np.lib.format.open_memmap(root / "x_train.npy", "w+", np.uint8, (count, 64, 64, 3))
        for first in range(0, count, 16):
            stored[first : first + 16] = images[: len(stored[first : first + 16])]
        np.save(root / "y_train.npy", np.arange(count) % 2)
        return root
    few = [*examples(images)]
    files = (
        (f"{number:05}{suffix}", few[number % 16 * 2 + at][1])
        for number in range(count)
        for at, suffix in enumerate((".png", ".cls"))
    )
    archive(root / "data.tar", *files)
    return root


def peak(root, megabytes):
    """The most memory in MB that a training holds, in a process of its own."""
    network, run = root.with_suffix(".toml"), root.with_suffix(".run")
    network.write_text(NETWORK)
    code = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    words = f"train --model {network} --data {root} --epochs 1 --lr 0.001 --quiet -o {run}"
    done = subprocess.run(
        [sys.executable, "-c", code, COMMAND, *words.split(), "--exist-ok"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {VARIABLE: str(megabytes)},
    )
    return int(done.stdout.split()[-1]) / 1024


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="kilobytes in ru_maxrss")
@pytest.mark.parametrize("kind", ["npy", "tar"])
def test_memory_stays_flat_however_many_pictures_there_are(tmp_path, kind):
    megabytes, count = 10, 7200  # of 12 kB each: 88 MB
    small = peak(many(tmp_path / "small", kind, 1600), megabytes)
    large = peak(many(tmp_path / "large", kind, count), megabytes)
    # The system counts what it keeps of a mapped file, more or less of it from run to run.
    assert large < small + 40
    assert peak(tmp_path / "large", 1000) > small + 60  # in memory it shows


# --- .tar files -----------------------------------------------------------------------------


def test_shards_have_the_order_labels_names_and_splits_of_their_files(tmp_path):
    images = pixels(12)
    described = [
        ("a/0.png", png(images[0])),
        ("a/0.json", json.dumps({"caption": "x", "label": 1}).encode()),
        ("a/1.seg.png", b"not the picture"),
        ("a/1.jpg", png(images[1])),
        ("a/1.txt", b"0\n"),
        ("b/1.cls", b"1"),
        ("b/1.png", png(images[2])),
        ("readme", b"no example"),
    ]
    archive(tmp_path / "train-0.tar", *described)
    archive(tmp_path / "train-1.tar", *examples(images[4:8], 4))
    archive(tmp_path / "val-0.tar", *examples(images[8:], 8))
    (tmp_path / "classes.txt").write_text("dark\nlight\n")
    train, test = data.load(tmp_path)
    assert train.classes == ("dark", "light")
    assert train.labels.tolist() == [1, 0, 1, 0, 1, 0, 1]
    assert test.labels.tolist() == [0, 1, 0, 1]
    expected = images[[0, 1, 2, 4, 5, 6, 7]].transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(train.images, expected)
    np.testing.assert_array_equal(test.images, images[8:].transpose(0, 3, 1, 2))
    one, _ = data.load(tmp_path / "train-1.tar")
    assert len(one) == 2  # a picture of each class is held out
    named = [path.name for path in shards_of(tmp_path / "train-{0..1}.tar")]
    assert named == ["train-0.tar", "train-1.tar"]


@pytest.mark.parametrize("near", [5, 100])
def test_a_shuffled_epoch_mixes_what_is_near(near):
    count = 400
    images, labels = np.zeros((count, 1, 1, 1), np.uint8), np.zeros(count, np.int64)
    mixed = data.Dataset("x", "train", images, labels, ("a", "b"), near)
    order = mixed.order(np.random.default_rng(3))
    assert sorted(order) == [*range(count)]
    # What is at a place was in the buffer, which has had only so many to take from.
    assert (order < np.arange(count) + near).all()
    assert (order[:-near] != np.arange(count - near)).mean() > 0.5
    np.testing.assert_array_equal(order, mixed.order(np.random.default_rng(3)))
    assert (order != mixed.order(np.random.default_rng(4))).any()
    # Each of the first ``near`` is as likely to be the first: 4,000 draws, 6 sigma.
    first = [mixed.order(np.random.default_rng([9, n]))[0] for n in range(4000 if near < 9 else 0)]
    counts = np.bincount(first, minlength=near)
    assert not first or abs(counts - 800).max() < 6 * (4000 * 0.2 * 0.8) ** 0.5


def test_batches_of_shards_follow_that_order(tmp_path):
    train, _ = data.load(in_tar(tmp_path))
    assert train.near == NEAR
    near = data.Dataset("x", "train", train.images, train.labels, train.classes, 7)
    scaling = data.Scaling((1.0,) * 3, (0.0,) * 3)
    batches = data.Batches(near, 10, seed=5, scaling=scaling)
    shown = np.concatenate([x for x, _ in batches.epoch(2)])
    order = near.order(np.random.default_rng([5, 2, 0]))
    np.testing.assert_array_equal(shown, train.images[order])


def link(kind):
    info = tarfile.TarInfo("00002.png")
    info.type, info.linkname = kind, "/etc/passwd"
    return info


GOOD = [*examples(pixels(6))]
UNFIT = {
    "cut off": (GOOD, lambda b: b[:1400], "cut off|truncated|unexpected end"),
    "damaged header": (GOOD, lambda b: b[:2048] + b"\xa5" * 512 + b[2560:], "damaged"),
    "no archive": (GOOD, lambda b: b"\xa5" * 3000, "damaged one"),
    "empty": (GOOD, lambda b: b"", "damaged one"),
    "gzip": (GOOD, gzip.compress, "got gzip; unpack it"),
    "symbolic link": ([*GOOD, (link(tarfile.SYMTYPE), b"")], None, "00002.png: .*got a link"),
    "hard link": ([*GOOD, (link(tarfile.LNKTYPE), b"")], None, "00002.png: .*got a link"),
    "device": ([*GOOD, (link(tarfile.CHRTYPE), b"")], None, "got a link or a device"),
    "no label": ([*GOOD, ("9.png", GOOD[0][1])], None, "expected a label .* next to 9.png"),
    "no picture": ([*GOOD, ("9.cls", b"1")], None, "expected a picture next to 9.cls"),
    "twice": ([*GOOD[:2], *GOOD[:1]], None, "expected 00000.png once"),
    "apart": ([GOOD[0], GOOD[2], GOOD[1], GOOD[3]], None, "next to 00000.png"),
    "label": ([*GOOD[:-1], ("00005.cls", b"\xff\xfe")], None, "00005.cls: expected a label"),
    "json": ([*GOOD[:-1], ("00005.json", b'{"x": 1}')], None, "00005.json: expected a label"),
    "one class": (GOOD[:2], None, "expected 2 to 5,000 classes, got 1"),
    "nothing": ([], None, "expected pictures with labels, got none"),
    "picture": (
        [("00000.png", GOOD[0][1][:150]), *GOOD[1:]],
        None,
        "x.tar: 00000.png: expected a whole picture",
    ),
}


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("case", UNFIT)
def test_an_archive_that_does_not_fit_is_one_line(tmp_path, monkeypatch, case, lazy):
    files, damage, words = UNFIT[case]
    path = archive(tmp_path / "x.tar", *files)
    if damage is not None:
        path.write_bytes(damage(path.read_bytes()))
    monkeypatch.setenv(VARIABLE, "0" if lazy else "100")
    with pytest.raises(DataError, match=rf"\A(?=[^\n]*({words}))[^\n]*x\.tar[^\n]*\Z"):
        data.load(path, lazy=lazy)


def test_a_missing_shard_is_named(tmp_path):
    in_tar(tmp_path)
    with pytest.raises(DataError, match=r"data-003.tar: cannot be read \(No such file"):
        data.load(tmp_path / "data-{000..003}.tar")


def test_nothing_is_written_whatever_the_names_in_an_archive(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    names = ["../../out", "/tmp/out", "a/../../../out", "..\\out"]
    files = [
        (f"{name}{at}{suffix}", content)
        for at, name in enumerate(names)
        for suffix, content in ((".png", GOOD[0][1]), (".cls", str(at % 2).encode()))
    ]
    archive(inside / "x.tar", *files)
    with contextlib.chdir(inside) if hasattr(contextlib, "chdir") else contextlib.nullcontext():
        train, test = data.load(inside / "x.tar")
    assert len(train) + len(test) == 3  # a name that begins with a dot is a hidden file's
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["inside", "x.tar"]


@pytest.mark.parametrize("megabytes", ["0", "100"])
def test_damaged_pictures_in_archives_are_left_out_if_asked_for(tmp_path, monkeypatch, megabytes):
    monkeypatch.setenv(VARIABLE, megabytes)
    files = [("00000.png", b"damaged"), *GOOD[1:3], ("00001.cls", b"1"), *GOOD[4:]]
    archive(tmp_path / "x.tar", *files)
    with pytest.warns(UserWarning, match=r"left out 1 damaged: .*x\.tar: 00000\.png: expected"):
        train, test = data.load(tmp_path / "x.tar", skip_damaged=True, lazy=True)
    assert len(train) + len(test) == 5


@pytest.mark.parametrize("kind", ["folder", "tar", "npy"])
def test_what_breaks_during_training_is_one_line_that_names_the_file(tmp_path, monkeypatch, kind):
    monkeypatch.setenv(VARIABLE, "0")
    source = KINDS[kind](tmp_path)
    train, _ = training.Settings(data=str(source)).datasets()
    broken = {"folder": "class0/00000.png", "tar": "data-000.tar", "npy": "x_train.npy"}[kind]
    path = tmp_path / broken
    path.write_bytes(path.read_bytes()[:200])
    batches = data.Batches(train, 30, scaling=data.Scaling.between(0, 1, 3))
    with pytest.raises(DataError, match=rf"\A[^\n]*{re.escape(broken)}[^\n]*\Z"):
        for _ in batches.epoch(0):
            pass
