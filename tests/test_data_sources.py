"""The named data sets: how they are found, fetched, verified and read."""

import gzip
import hashlib
import http.server
import io
import logging
import os
import re
import socket
import struct
import subprocess
import sys
import tarfile
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from convlab_cli import progress

import convlab.data as data
from convlab import reading
from convlab.data import sources
from convlab.errors import DataError, SpecError

OWN = os.environ.get("CONVLAB_DATA_DIR")
FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def own(name):
    """The user's own copy of a set, or a skip that says what is missing."""
    if not OWN or not (Path(OWN) / name).is_dir():
        pytest.skip(f"needs {name} in the folder that CONVLAB_DATA_DIR names")
    return OWN


def fails(*words):
    """Expect a DataError of one line with all the words in it."""
    pattern = "".join(f"(?=.*{re.escape(str(word))})" for word in words)
    return pytest.raises(DataError, match=rf"\A{pattern}[^\n]*\Z")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """No test reads the user's own folders, and none may reach a real mirror."""
    monkeypatch.delenv("CONVLAB_DATA_DIR", raising=False)
    folder = tmp_path / "cache"
    monkeypatch.setattr(sources, "cache_folder", lambda: folder)
    for name, spec in sources._IDX_SETS.items():
        monkeypatch.setitem(sources._IDX_SETS, name, replace(spec, mirrors=(closed_address(),)))
    monkeypatch.setattr(sources, "_CIFAR10_MIRRORS", (closed_address(),))
    return folder


def closed_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/"


@pytest.fixture
def server():
    """An HTTP server on this machine: answers[path] is bytes, or (bytes, length to claim)."""
    answers, asked, moved = {}, [], {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            for old, new in moved.items():
                if self.path.startswith(old):
                    self.send_response(302)
                    self.send_header("Location", self.path.replace(old, new))
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
            body = answers.get(self.path)
            if body is None:
                self.send_error(404)
                return
            body, claimed = body if isinstance(body, tuple) else (body, len(body))
            self.send_response(200)
            self.send_header("Content-Length", str(claimed))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()
            if claimed > len(body) and "stall" in self.path:
                released.wait(20)

        def log_message(self, *words):
            pass

    released = threading.Event()
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    running.answers, running.asked, running.moved = answers, asked, moved
    running.address = f"http://127.0.0.1:{running.server_port}/"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield running
    released.set()
    running.shutdown()
    running.server_close()
    thread.join()


def idx(array):
    """The bytes of an IDX file, from its definition."""
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim)
    return header + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8).tobytes()


@pytest.fixture
def tiny(monkeypatch):
    """A small set in the place of mnist: its files, uncompressed, by name."""
    generator = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 20), ("t10k", 7)):
        arrays[f"{part}-images-idx3-ubyte"] = generator.integers(0, 256, (count, 5, 4))
        arrays[f"{part}-labels-idx1-ubyte"] = generator.integers(0, 10, count)
    contents = {name: idx(array) for name, array in arrays.items()}
    install(monkeypatch, contents)
    return arrays, contents


def install(monkeypatch, contents):
    """Publish the checksums of these contents as those of mnist."""
    spec = sources._IDX_SETS["mnist"]

    def published(file):
        content = contents[file.name]
        return replace(
            file,
            download=hashlib.sha256(packed(content)).hexdigest(),
            content=hashlib.sha256(content).hexdigest(),
        )

    spec = replace(
        spec, train=tuple(map(published, spec.train)), test=tuple(map(published, spec.test))
    )
    monkeypatch.setitem(sources._IDX_SETS, "mnist", spec)


def packed(content):
    return gzip.compress(content, mtime=0)


def lay(folder, contents, compressed=True):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        if compressed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content, 1))
        else:
            (folder / name).write_bytes(content)
    return folder


def check_tiny(parts, arrays):
    for part, prefix, split in zip(parts, ("train", "t10k"), ("train", "test"), strict=True):
        assert (part.name, part.split, part.classes) == ("mnist", split, tuple("0123456789"))
        np.testing.assert_array_equal(part.images[:, 0], arrays[f"{prefix}-images-idx3-ubyte"])
        np.testing.assert_array_equal(part.labels, arrays[f"{prefix}-labels-idx1-ubyte"])


# digits


def test_digits_are_there_without_files_or_network(monkeypatch):
    monkeypatch.setenv("CONVLAB_DATA_DIR", "/does/not/exist")
    train, test = data.load("digits")
    assert (len(train), len(test)) == (1437, 360)
    assert (train.split, test.split) == ("train", "test")
    assert train.image_shape == test.image_shape == (1, 28, 28)
    assert train.classes == tuple("0123456789")
    assert np.bincount(test.labels).min() >= 34
    again = data.load("digits")[1]
    np.testing.assert_array_equal(again.images, test.images)


def test_digits_are_the_enlarged_originals():
    from sklearn.datasets import load_digits

    train, test = data.load("digits")
    images = np.concatenate([train.images, test.images])[:, 0].astype(float)
    labels = np.concatenate([train.labels, test.labels])
    originals = load_digits()
    assert np.bincount(labels).tolist() == np.bincount(originals.target).tolist()
    # Bright ink on black, all of the range, with a margin and no hard steps.
    assert images.min() == 0
    assert images.max() == 255
    assert images[:, 0].max() < 80
    assert images[:, :, 0].max() < 80
    # A cell of the grid is 2.8 pixels, after a margin of one cell.
    centres = np.floor((np.arange(8) + 1.5) * 2.8).astype(int)
    sampled = images[:, centres][:, :, centres].reshape(-1, 64)
    flat = originals.data / 16 * 255
    nearest = ((flat**2).sum(axis=1) - 2 * sampled @ flat.T).argmin(axis=1)
    assert (originals.target[nearest] == labels).mean() > 0.99
    assert len(set(nearest)) > 0.95 * len(flat)


def test_digits_can_be_resized():
    train, _ = data.load("digits", image_size=(32, 32), channels=3)
    assert train.image_shape == (3, 32, 32)
    np.testing.assert_array_equal(train.images[:, 0], train.images[:, 2])


# Names


def test_unknown_name_lists_the_names(tmp_path):
    expected = ("digits, mnist, fashion-mnist, cifar10", "a folder of pictures or a file of arrays")
    with fails("unknown data set 'minst'", *expected):
        data.load("minst")
    (tmp_path / "a.txt").write_text("no folder")
    with fails(str(tmp_path / "a.txt"), "expected one column called label"):
        data.load(tmp_path / "a.txt")


def test_settings_are_checked_before_anything_is_fetched():
    with pytest.raises(SpecError, match="got 2"):
        data.load("mnist", channels=2)
    with pytest.raises(SpecError, match="height, width"):
        data.load("mnist", image_size=(0, 28))


# The user's own copies


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("place", ["mnist", "."])
def test_own_copy_in_each_form(tmp_path, tiny, place, compressed):
    arrays, contents = tiny
    lay(tmp_path / "own" / place, contents, compressed)
    check_tiny(data.load("mnist", data_dir=tmp_path / "own"), arrays)


def test_search_order(tmp_path, tiny, cache, monkeypatch):
    arrays, contents = tiny
    damaged = {name: b"\0" for name in contents}
    lay(cache / "mnist", contents)
    check_tiny(data.load("mnist"), arrays)
    lay(tmp_path / "variable/mnist", damaged)
    monkeypatch.setenv("CONVLAB_DATA_DIR", str(tmp_path / "variable"))
    with fails(tmp_path / "variable"):
        data.load("mnist")
    lay(tmp_path / "argument/mnist", contents)
    check_tiny(data.load("mnist", data_dir=tmp_path / "argument"), arrays)


def test_file_of_another_set_in_the_same_folder_is_passed_over(tmp_path, tiny, cache):
    arrays, contents = tiny
    others = {name: content[:-1] + b"\1" for name, content in contents.items()}
    lay(tmp_path / "own", others)
    with fails("is not here", "has other content", tmp_path / "own/train-images-idx3-ubyte.gz"):
        data.load("mnist", data_dir=tmp_path / "own")
    lay(cache / "mnist", contents)
    check_tiny(data.load("mnist", data_dir=tmp_path / "own"), arrays)


def test_named_folder_must_exist(tmp_path, tiny, monkeypatch):
    with fails("data_dir", "existing folder", tmp_path / "none"):
        data.load("mnist", data_dir=tmp_path / "none")
    monkeypatch.setenv("CONVLAB_DATA_DIR", str(tmp_path / "none"))
    with fails("CONVLAB_DATA_DIR", "existing folder", tmp_path / "none"):
        data.load("mnist")


def test_own_copy_can_be_resized(tmp_path, tiny):
    lay(tmp_path / "mnist", tiny[1])
    train, test = data.load("mnist", data_dir=tmp_path, image_size=(8, 8), channels=3)
    assert train.image_shape == test.image_shape == (3, 8, 8)


def own_with(tmp_path, contents, name, content, suffix=""):
    """Lay all files, one of them with other bytes; returns its path."""
    folder = lay(tmp_path / "own/mnist", contents, compressed=False)
    (folder / name).unlink()
    path = folder / (name + suffix)
    path.write_bytes(content)
    return path


def load_own(tmp_path):
    return data.load("mnist", data_dir=tmp_path / "own")


def test_truncated_gzip(tmp_path, tiny):
    content = packed(tiny[1][FILES[0]])
    for length in (len(content) // 2, len(content) - 3, 5):
        path = own_with(tmp_path, tiny[1], FILES[0], content[:length], ".gz")
        with fails(path, "whole gzip file", "truncated"):
            load_own(tmp_path)


def test_damaged_gzip(tmp_path, tiny):
    content = bytearray(packed(tiny[1][FILES[0]]))
    path = own_with(tmp_path, tiny[1], FILES[0], b"<html>not found</html>", ".gz")
    with fails(path, "expected a gzip file", "damaged"):
        load_own(tmp_path)
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with fails(path, "expected"):
        load_own(tmp_path)


def test_wrong_magic_number(tmp_path, tiny):
    contents = tiny[1]
    path = own_with(tmp_path, contents, FILES[1], contents[FILES[0]])
    with fails(path, "magic number 2049 of IDX labels", "got 2051"):
        load_own(tmp_path)
    path = own_with(tmp_path, contents, FILES[0], contents[FILES[1]])
    with fails(path, "magic number 2051 of IDX images", "got 2049"):
        load_own(tmp_path)
    path = own_with(tmp_path, contents, FILES[0], contents[FILES[0]][:7])
    with fails(path, "header of 16 bytes", "got 7 bytes"):
        load_own(tmp_path)


@pytest.mark.parametrize("change", [-1, 1])
def test_header_and_bytes_disagree(tmp_path, tiny, change):
    content = (tiny[1][FILES[0]] + b"\0")[: len(tiny[1][FILES[0]]) + change]
    path = own_with(tmp_path, tiny[1], FILES[0], content)
    with fails(path, "20 x 5 x 4", "expected 400 bytes", f"got {400 + change}"):
        load_own(tmp_path)


def test_header_of_nonsense_allocates_nothing(tmp_path, tiny):
    header = struct.pack(">4I", 2051, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    path = own_with(tmp_path, tiny[1], FILES[0], header)
    with fails(path, f"expected {0xFFFFFFFF**3} bytes", "got 0"):
        load_own(tmp_path)


def test_images_and_labels_disagree(tmp_path, tiny):
    arrays, contents = tiny
    path = own_with(tmp_path, contents, FILES[1], idx(arrays[FILES[1]][:19]))
    with fails("20 images", path.parent / FILES[0], "19 labels", path):
        load_own(tmp_path)


def test_wrong_content(tmp_path, tiny):
    content = tiny[1][FILES[2]][:-1] + b"\0"
    assert content != tiny[1][FILES[2]]
    path = own_with(tmp_path, tiny[1], FILES[2], content)
    expected, got = (hashlib.sha256(c).hexdigest() for c in (tiny[1][FILES[2]], content))
    with fails(path, f"of mnist (SHA-256 {expected})", f"got SHA-256 {got}"):
        load_own(tmp_path)


def test_label_without_a_class(tmp_path, tiny, monkeypatch):
    contents = dict(tiny[1])
    contents[FILES[3]] = contents[FILES[3]][:-1] + b"\x0a"
    install(monkeypatch, contents)
    lay(tmp_path / "own/mnist", contents)
    with fails("mnist (test)", "labels 0 to 9", "to 10"):
        load_own(tmp_path)


def test_unreadable_file(tmp_path, tiny, monkeypatch):
    def refused(path):
        raise PermissionError(13, "Permission denied")

    lay(tmp_path / "own/mnist", tiny[1])
    monkeypatch.setattr(reading, "open_file", refused)
    with fails(tmp_path / "own/mnist/train-images", "cannot be read (Permission denied)"):
        load_own(tmp_path)


@pytest.mark.parametrize(
    "rename",
    [
        str.upper,
        lambda name: name.replace("-idx", ".idx"),
        lambda name: f"{name}.gz",  # not packed, whatever its name
        lambda name: name,  # packed, whatever its name
        lambda name: f"{name}.GZ",
    ],
    ids=["upper case", "points", "gz in name alone", "gz in content alone", "GZ"],
)
def test_the_content_decides(tmp_path, tiny, request, rename):
    arrays, contents = tiny
    folder = tmp_path / "own/mnist"
    folder.mkdir(parents=True)
    for name, content in contents.items():
        unpacked = "alone" not in request.node.name or "name" in request.node.name
        as_it_lies = content if unpacked and "GZ]" not in request.node.name else packed(content)
        (folder / rename(name)).write_bytes(as_it_lies)
    check_tiny(load_own(tmp_path), arrays)


def test_what_is_no_file_is_not_waited_for(tmp_path, tiny):
    folder = lay(tmp_path / "own/mnist", tiny[1], compressed=False)
    (folder / FILES[0]).unlink()
    os.mkfifo(folder / FILES[0])
    with fails(folder / FILES[0], "expected a regular file, got a named pipe"):
        load_own(tmp_path)


def test_read_idx_pair(tmp_path, tiny):
    folder = lay(tmp_path, tiny[1])
    images, labels = data.read_idx_pair(folder / f"{FILES[2]}.gz", str(folder / f"{FILES[3]}.gz"))
    assert images.shape == (7, 1, 5, 4)
    assert labels.dtype == np.int64
    with fails("20 images", "7 labels"):
        data.read_idx_pair(folder / f"{FILES[0]}.gz", folder / f"{FILES[3]}.gz")


# Downloads


def mirrors(monkeypatch, *addresses):
    spec = replace(sources._IDX_SETS["mnist"], mirrors=addresses)
    monkeypatch.setitem(sources._IDX_SETS, "mnist", spec)


def publish(server, contents, folder="good/"):
    for name, content in contents.items():
        server.answers[f"/{folder}{name}.gz"] = packed(content)
    return server.address + folder


def left_in(cache):
    return sorted(path.name for path in cache.rglob("*") if path.is_file())


def test_download_once(server, tiny, cache, monkeypatch, capfd, caplog):
    arrays, contents = tiny
    mirrors(monkeypatch, publish(server, contents))
    with caplog.at_level(logging.INFO, logger="convlab"):
        check_tiny(data.load("mnist"), arrays)
    assert sorted(server.asked) == sorted(f"/good/{name}.gz" for name in FILES)
    assert left_in(cache / "mnist") == sorted(f"{name}.gz" for name in FILES)
    check_tiny(data.load("mnist"), arrays)
    assert len(server.asked) == 4
    assert capfd.readouterr() == ("", "")
    assert f"{server.address}good/{FILES[0]}.gz" in caplog.text


def test_a_download_shows_how_far_it_is(server, tiny, cache, monkeypatch):
    class Terminal(io.StringIO):
        encoding = "utf-8"

        def isatty(self):
            return True

    mirrors(monkeypatch, publish(server, tiny[1]))
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress.downloads():
        data.load("mnist")
    lines = sys.stderr.getvalue().split("\n")
    addresses = [line.split("\r")[-1] for line in lines if "downloading" in line]
    assert addresses == [f"downloading {server.address}good/{name}.gz" for name in FILES]
    drawn = [part for line in lines for part in line.split("\r") if "[" in part]
    assert drawn and all(re.match(r"download  \[#+\]  100%  ", part) for part in drawn)
    assert lines[-1].endswith("\r")  # nothing is left of the bar


def test_every_mirror_is_asked_over_https():
    """Of the table as it is shipped, not as the tests have it."""
    shipped = subprocess.run(
        [
            *(sys.executable, "-c"),
            "from convlab.data import sources as s; print(*s._CIFAR10_MIRRORS,"
            " *(m for spec in s._IDX_SETS.values() for m in spec.mirrors))",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert len(shipped) == 4
    assert all(address.startswith("https://") for address in shipped)


def test_a_download_is_not_sent_on_to_plain_http_and_has_a_limit(server, tiny, cache, monkeypatch):
    mirrors(monkeypatch, publish(server, tiny[1]))
    server.moved["/old/"] = "/good/"
    mirrors(monkeypatch, server.address + "old/")
    with fails(f"{FILES[0]}.gz (expected https, was sent on to plain http)"):
        data.load("mnist")
    assert not [path for path in server.asked if path.startswith("/good/")]
    mirrors(monkeypatch, server.address + "good/")
    monkeypatch.setattr(sources, "MAX_DOWNLOAD", 100)
    with fails(f"{FILES[0]}.gz (more than 100 bytes)"):
        data.load("mnist")
    assert left_in(cache) == []


def test_own_files_are_not_downloaded(server, tiny, tmp_path, monkeypatch):
    arrays, contents = tiny
    mirrors(monkeypatch, publish(server, contents))
    lay(tmp_path / "mnist", {name: contents[name] for name in FILES[:3]})
    check_tiny(data.load("mnist", data_dir=tmp_path), arrays)
    assert server.asked == [f"/good/{FILES[3]}.gz"]


@pytest.mark.parametrize("answer", ["404", "garbage", "other", "half", "closed"])
def test_second_mirror_is_asked(server, tiny, cache, monkeypatch, answer):
    arrays, contents = tiny
    first = closed_address() if answer == "closed" else server.address + "bad/"
    for name, content in contents.items():
        whole = packed(content)
        bad = {
            "garbage": b"<html>sign in to this network</html>",
            "other": packed(content + b"\0"),
            "half": (whole[: len(whole) // 2], len(whole)),
        }.get(answer)
        if bad:
            server.answers[f"/bad/{name}.gz"] = bad
    mirrors(monkeypatch, first, publish(server, contents))
    check_tiny(data.load("mnist"), arrays)
    assert left_in(cache) == sorted(f"{name}.gz" for name in FILES)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [("404", "HTTP status 404"), ("garbage", "wrong checksum"), ("half", "broken off")],
)
def test_all_mirrors_failing_leaves_nothing(server, tiny, cache, monkeypatch, answer, reason):
    whole = packed(tiny[1][FILES[0]])
    bad = {"garbage": b"garbage", "half": (whole[:50], len(whole))}.get(answer)
    if bad:
        server.answers[f"/bad/{FILES[0]}.gz"] = bad
    offline = closed_address()
    mirrors(monkeypatch, server.address + "bad/", offline)
    with fails(
        f"{FILES[0]}.gz of mnist",
        f"{server.address}bad/{FILES[0]}.gz ({reason})",
        f"{offline}{FILES[0]}.gz (no connection)",
        f"put it into {cache / 'mnist'}",
        "CONVLAB_DATA_DIR",
    ):
        data.load("mnist")
    assert left_in(cache) == []


def test_silent_mirror(server, tiny, cache, monkeypatch):
    from pooch import HTTPDownloader

    server.answers[f"/stall/{FILES[0]}.gz"] = (b"\x1f\x8b", 1000)
    impatient = lambda **options: HTTPDownloader(timeout=0.2, **options)  # noqa: E731
    monkeypatch.setattr("pooch.HTTPDownloader", impatient)
    mirrors(monkeypatch, server.address + "stall/")
    with fails(f"{server.address}stall/{FILES[0]}.gz (no"):
        data.load("mnist")
    assert left_in(cache) == []


def test_cache_that_cannot_be_written(server, tiny, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(sources, "cache_folder", lambda: tmp_path / "file")
    mirrors(monkeypatch, publish(server, tiny[1]))
    with fails(f"{FILES[0]}.gz", f"put it into {tmp_path / 'file' / 'mnist'}"):
        data.load("mnist")


def test_killed_download_leaves_no_final_name(server, tiny, cache, monkeypatch):
    """A process that dies half way leaves at most a temporary file, which the next deletes."""
    server.answers[f"/stall/{FILES[0]}.gz"] = (bytes(500_000), 1_000_000)
    code = f"""
        from pathlib import Path
        from convlab.data import sources
        sources.cache_folder = lambda: Path({str(cache)!r})
        sources._fetch("mnist", "{FILES[0]}.gz", ("{server.address}stall/",), "sha256:00", [])
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)])
    try:
        deadline = time.monotonic() + 20
        while not any(path.stat().st_size for path in cache.glob("mnist/*")):
            assert time.monotonic() < deadline and child.poll() is None
            time.sleep(0.02)
    finally:
        child.kill()
        child.wait()
    assert child.returncode != 0
    assert not (cache / "mnist" / f"{FILES[0]}.gz").exists()
    assert len(left_in(cache / "mnist")) == 1
    mirrors(monkeypatch, publish(server, tiny[1]))
    check_tiny(data.load("mnist"), tiny[0])
    assert left_in(cache / "mnist") == sorted(f"{name}.gz" for name in FILES)


# CIFAR-10

CIFAR_CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()  # noqa: SIM905


@pytest.fixture
def cifar(monkeypatch):
    """CIFAR-10 with 3 images a file: the files by name, images and labels."""
    generator = np.random.default_rng(0)
    names = [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]
    images = generator.integers(0, 256, (6, 3, 3, 32, 32), dtype=np.uint8)
    labels = generator.integers(0, 10, (6, 3))
    files = {
        name: b"".join(
            bytes([label]) + image.tobytes()
            for image, label in zip(images[number], labels[number], strict=True)
        )
        for number, name in enumerate(names)
    }
    files["batches.meta.txt"] = ("\n".join(CIFAR_CLASSES) + "\n\n").encode()
    monkeypatch.setattr(sources, "_CIFAR10_RECORDS", 3)
    return files, images, labels


def archive(files, monkeypatch):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in {"readme.html": b"<html>", **files}.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    checksum = hashlib.sha256(stream.getvalue()).hexdigest()
    monkeypatch.setattr(sources, "_CIFAR10_SHA256", checksum)
    return stream.getvalue()


def check_cifar(parts, images, labels):
    train, test = parts
    assert (train.name, train.split, test.split) == ("cifar10", "train", "test")
    assert train.classes == tuple(CIFAR_CLASSES)
    np.testing.assert_array_equal(train.images, images[:5].reshape(15, 3, 32, 32))
    np.testing.assert_array_equal(train.labels, labels[:5].ravel())
    np.testing.assert_array_equal(test.images, images[5])
    np.testing.assert_array_equal(test.labels, labels[5])


@pytest.mark.parametrize("place", [".", "cifar10"])
def test_cifar_archive_and_folder(tmp_path, cifar, place, monkeypatch):
    files, images, labels = cifar
    folder = tmp_path / "own" / place
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "cifar-10-binary.tar.gz"
    path.write_bytes(archive(files, monkeypatch))
    check_cifar(data.load("cifar10", data_dir=tmp_path / "own"), images, labels)
    path.unlink()
    (folder / "cifar-10-batches-bin").mkdir()
    for name, content in files.items():
        (folder / "cifar-10-batches-bin" / name).write_bytes(content)
    check_cifar(data.load("cifar10", data_dir=tmp_path / "own"), images, labels)


def test_cifar_download(server, cifar, cache, monkeypatch):
    files, images, labels = cifar
    server.answers["/cifar-10-binary.tar.gz"] = archive(files, monkeypatch)
    with fails("cifar-10-binary.tar.gz of cifar10", "(no connection)", cache / "cifar10"):
        data.load("cifar10")
    monkeypatch.setattr(sources, "_CIFAR10_MIRRORS", (server.address,))
    for _ in range(2):
        check_cifar(data.load("cifar10"), images, labels)
    assert left_in(cache) == ["cifar-10-binary.tar.gz"]
    assert len(server.asked) == 1


def test_cifar_archives_that_do_not_fit(tmp_path, cifar, monkeypatch):
    files = cifar[0]
    path = tmp_path / "cifar-10-binary.tar.gz"
    whole = archive(files, monkeypatch)
    for content in (whole[: len(whole) // 2], whole[:-100], b"<html>not found</html>", b""):
        path.write_bytes(content)
        with fails(path, "expected a whole tar.gz", "truncated or damaged"):
            data.load("cifar10", data_dir=tmp_path)
    path.write_bytes(archive({name: files[name] for name in list(files)[1:]}, monkeypatch))
    with fails(path, "expected data_batch_1.bin in it"):
        data.load("cifar10", data_dir=tmp_path)
    path.write_bytes(whole)  # no longer the one whose checksum is published
    with fails(
        path, "published archive (SHA-256", f"got SHA-256 {hashlib.sha256(whole).hexdigest()}"
    ):
        data.load("cifar10", data_dir=tmp_path)


def test_cifar_archives_unpack_to_no_more_than_their_limit(tmp_path, cifar, monkeypatch):
    path = tmp_path / "cifar-10-binary.tar.gz"
    path.write_bytes(archive(cifar[0], monkeypatch))
    for name, limit, message in (
        ("MAX_UNPACKED", 30_000, "expected at most 30,000 bytes unpacked"),
        ("MAX_FILE", 5_000, "expected at most 5,000 bytes of data_batch_1.bin, got 9,219"),
        ("MAX_DOWNLOAD", 1_000, "expected at most 1,000 bytes, got more"),
    ):
        with monkeypatch.context() as patched, fails(path, message):
            patched.setattr(sources, name, limit)
            data.load("cifar10", data_dir=tmp_path)


def test_links_and_devices_in_an_archive_are_no_files(tmp_path, cifar, monkeypatch):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for kind, name in zip(
            (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE),
            cifar[0],
            strict=False,
        ):
            member = tarfile.TarInfo(f"/../../{name}")
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
    path = tmp_path / "own/cifar-10-binary.tar.gz"
    path.parent.mkdir()
    path.write_bytes(stream.getvalue())
    with fails(path, "expected data_batch_1.bin, data_batch_2.bin"):
        data.load("cifar10", data_dir=path.parent)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["cifar-10-binary.tar.gz", "own"]


def test_cifar_files_that_do_not_fit(tmp_path, cifar):
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for name, content in cifar[0].items():
        (folder / name).write_bytes(content)
    path = folder / "data_batch_4.bin"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with fails(path, "3 records of 3073 bytes (9219 bytes)", "got 9218 bytes"):
        data.load("cifar10", data_dir=tmp_path)
    path.write_bytes(b"\x0a" + whole[1:])
    with fails("cifar10 (train)", "labels 0 to 9", "to 10"):
        data.load("cifar10", data_dir=tmp_path)
    path.unlink()
    with fails(path, "cannot be read"):
        data.load("cifar10", data_dir=tmp_path)
    path.write_bytes(whole)
    (folder / "batches.meta.txt").write_text("cat\ndog\n")
    with fails(folder / "batches.meta.txt", "names of 10 classes", "got 2"):
        data.load("cifar10", data_dir=tmp_path)


# The published sets, where the user has them


@pytest.mark.parametrize(
    ("name", "first_labels", "mean"),
    [
        # The labels and the mean of the training set that every course quotes.
        ("mnist", [5, 0, 4, 1, 9, 2, 1, 3, 1, 4], 0.1307),
        ("fashion-mnist", [9, 0, 0, 3, 0, 2, 7, 2, 5, 5], 0.2860),
    ],
)
def test_published_idx_sets(name, first_labels, mean):
    train, test = data.load(name, data_dir=own(name))
    assert train.images.shape == (60000, 1, 28, 28)
    assert test.images.shape == (10000, 1, 28, 28)
    assert train.labels[:10].tolist() == first_labels
    assert train.channel_statistics()[0][0] == pytest.approx(mean, abs=5e-5)
    assert np.bincount(test.labels).sum() == 10000
    if name == "fashion-mnist":
        assert np.bincount(train.labels).tolist() == [6000] * 10
        assert train.classes[9] == "Ankle boot"


def test_published_folder_of_pictures():
    root = Path(own("cats-dogs")) / "cats-dogs" / "test"
    train, test = data.load(root)
    assert train.classes == ("cat", "dog")
    assert train.image_shape == (3, 32, 32)
    assert np.bincount(train.labels).tolist() == [400, 400]
    assert np.bincount(test.labels).tolist() == [100, 100]
