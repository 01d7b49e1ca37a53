"""The data sets that have a name, where to find them and how to download them."""

from __future__ import annotations

import errno
import gzip
import hashlib
import importlib.util
import logging
import os
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urljoin

import numpy as np

from convlab.data.composed import composed_windows
from convlab.data.dataset import Dataset, stratified_split
from convlab.data.folder import HELD_OUT, SPLIT_SEED, ReadPicture, holds_pictures, read_folder
from convlab.data.idx import Content, decode_pair, read_content
from convlab.data.kept import kept
from convlab.data.own_files import data_files, is_data_file, read_files
from convlab.data.pictures import check_size_and_channels, fit_images
from convlab.data.scenes import scene_crops
from convlab.data.shards import read_shards, shards_name, shards_of
from convlab.errors import DataError
from convlab.files import replacing
from convlab.names import meant
from convlab.reading import Readable, open_file

logger = logging.getLogger(__name__)

VARIABLE = "CONVLAB_DATA_DIR"
"""The environment variable that names a folder of the user's own copies."""

_DIGIT_CLASSES = tuple("0123456789")


@dataclass(frozen=True)
class _IdxFile:
    name: str  # without .gz
    download: str  # SHA-256 of the published .gz
    content: str  # SHA-256 of what is in it


@dataclass(frozen=True)
class _IdxSet:
    mirrors: tuple[str, ...]
    classes: tuple[str, ...]
    train: tuple[_IdxFile, _IdxFile]  # images, labels
    test: tuple[_IdxFile, _IdxFile]


_IDX_SETS = {
    "mnist": _IdxSet(
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        classes=_DIGIT_CLASSES,
        train=(
            _IdxFile(
                "train-images-idx3-ubyte",
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            _IdxFile(
                "train-labels-idx1-ubyte",
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
        ),
        test=(
            _IdxFile(
                "t10k-images-idx3-ubyte",
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            ),
            _IdxFile(
                "t10k-labels-idx1-ubyte",
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ),
    ),
    "fashion-mnist": _IdxSet(
        mirrors=("https://storage.googleapis.com/tensorflow/tf-keras-datasets/",),
        classes=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        train=(
            _IdxFile(
                "train-images-idx3-ubyte",
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            ),
            _IdxFile(
                "train-labels-idx1-ubyte",
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            ),
        ),
        test=(
            _IdxFile(
                "t10k-images-idx3-ubyte",
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            ),
            _IdxFile(
                "t10k-labels-idx1-ubyte",
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
        ),
    ),
}

NAMES = ("digits", *_IDX_SETS, "cifar10", "scenes")
"""The names that load takes."""

MAX_DOWNLOAD = 200_000_000
"""The most bytes of a download; the largest published file, CIFAR-10's, has 170,052,171."""
MAX_UNPACKED = 200_000_000
"""The most bytes of an archive, unpacked; CIFAR-10's has 184,386,560."""
MAX_FILE = 50_000_000
"""The most bytes of one file of a published set, unpacked."""

EXPECTED = f"{', '.join(NAMES)}, a folder of pictures or a file of arrays"

SCENES_OF = "scenes:"
"""Begins the name of the windows of scenes that are composed of a folder's pictures."""

_SCENE_CROPS = 40_000, 5_000  # training and test
_WINDOWS = 20_000, 2_500  # the same, of a folder's pictures

_CIFAR10_MIRRORS = ("https://www.cs.toronto.edu/~kriz/",)
_CIFAR10_ARCHIVE = "cifar-10-binary.tar.gz"
_CIFAR10_FOLDER = "cifar-10-batches-bin"
_CIFAR10_SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
_CIFAR10_RECORDS = 10_000  # in each file
_CIFAR10_RECORD = 1 + 3 * 32 * 32  # a byte of label, then red, green, blue
_CIFAR10_TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
_CIFAR10_TEST = ("test_batch.bin",)
_CIFAR10_CLASSES = "batches.meta.txt"
_CIFAR10_FILES = (*_CIFAR10_TRAIN, *_CIFAR10_TEST, _CIFAR10_CLASSES)


IMPORTED = "imported"
"""What a run has in place of a data set if its network was trained elsewhere."""


def located(source: str) -> str:
    """A data set as every folder understands it: a name as it is, a path by the whole of it.

    Raises DataError for no name.
    """
    if not source:
        raise DataError(f"data: expected {EXPECTED}, got ''")
    if source.startswith(SCENES_OF):
        return SCENES_OF + located(source.removeprefix(SCENES_OF))
    return str(_path(source).resolve()) if source != IMPORTED and _is_own(source) else source


def is_source(source: str) -> bool:
    """Whether a data set has this name, or a folder, or a file that is one of data by its name."""
    path = _path(source)
    is_file = is_data_file(path) and os.path.isfile(path)
    own = bool(source) and (is_file or os.path.isdir(path) or bool(shards_of(path)))
    return source in NAMES or own


def short_name(source: str) -> str:
    """A data set in the names of runs: a path without the way to it, a file without its kind."""
    path = _path(source)
    is_file = source not in NAMES and not os.path.isdir(path) and _is_own(source)
    return shards_name(path) if is_file else path.name


def _path(source: str | os.PathLike) -> Path:
    return Path(os.path.expanduser(source))  # Path's own fails for a user that there is not


def _is_own(source: str | os.PathLike) -> bool:
    path = _path(source)
    return bool(source) and source not in NAMES and (os.path.exists(path) or bool(shards_of(path)))


def load(
    source: str | os.PathLike,
    *,
    data_dir: str | os.PathLike | None = None,
    image_size: tuple[int, int] | None = None,
    channels: int | None = None,
    download: bool = True,
    skip_damaged: bool = False,
    windows: int | None = None,
    read: ReadPicture | None = None,
    lazy: bool = False,
    limit: tuple[int, int] | None = None,
) -> tuple[Dataset, Dataset]:
    """Load a data set as (train, test).

    source: a name in NAMES, the path of a folder of pictures (read_folder
        describes its layout), of .tar files (read_shards) or of arrays and tables
        (read_files), or of one of these files.  A string that is a name means it.
    data_dir: a folder with the user's own copies, searched first; then the one
        that CONVLAB_DATA_DIR names, then the user's cache folder.  A file is
        looked for as DIR/SET/FILE and DIR/FILE, plain or .gz, and its content
        is verified by its published checksum.  What is not found is downloaded
        into the cache folder, unless download is False.
    image_size: (H, W) in pixels, channels: 1 or 3, to resize and convert to;
        None keeps those of the set.
    skip_damaged: go on without the pictures of a folder that cannot be read.
    windows: of scenes, only so many of the first ones; None for all, which are
        kept in the cache folder.
    read: what makes bytes of a picture in a folder, as for read_folder.
    lazy: leave images of one's own that do not fit in memory in their files, as LazyImages.
    limit: count and seed of limit_per_class, if it follows: a folder's other pictures for training
        need not be read.

    digits: 1,797 handwritten digits (Alpaydin, Kaynak 1998, UCI), part of
        scikit-learn, so no file and no network.  Each 8x8 grid of ink counts 0
        to 16 gets a margin of one cell, is enlarged to 28x28 (bicubic) and
        sharpened (contrast 1.6 about half ink), which gives strokes as smooth
        as handwriting.  A fixed stratified split: 1,437 and 360.
    mnist: LeCun, Cortes, Burges; fashion-mnist: Xiao, Rasul, Vollgraf 2017.
        60,000 and 10,000 images of 28x28, grey.
    cifar10: Krizhevsky 2009, the binary version.  50,000 and 10,000 images of
        32x32, RGB.
    scenes: windows of generated scenes of mnist's digits, 28x28, with an eleventh class
        for those without a digit in the middle (scenes.scene_crops).  40,000 and 5,000.
    scenes:FOLDER: the same of the pictures in a folder, one of whose classes is called
        background (composed.composed_windows).  20,000 and 2,500.

    Raises DataError for an unknown name, a file that cannot be found, fetched
    or read, and SpecError for a wrong size or number of channels.
    """
    check_size_and_channels(image_size, channels)
    if source == IMPORTED:
        raise DataError(
            "imported: expected a data set or pictures, an imported network brings none with it;"
            " for pictures made from many, name their folder by --data-dir"
        )
    if isinstance(source, str) and source.startswith(SCENES_OF):
        folder = source.removeprefix(SCENES_OF)
        kinds: dict[str, Any] = {"download": download, "skip_damaged": skip_damaged}
        kinds |= {"image_size": image_size, "channels": channels}
        parts = load(folder, data_dir=data_dir, **kinds)
        return _windows(composed_windows, parts, _WINDOWS, windows)
    if source not in NAMES:
        return _own(source, image_size, channels, skip_damaged, read, lazy, limit)
    if source == "digits":
        train, test = _digits()
    elif source == "cifar10":
        train, test = _cifar10(data_dir, download)
    elif source == "scenes":
        mnist = load("mnist", data_dir=data_dir, download=download)
        train, test = _windows(scene_crops, mnist, _SCENE_CROPS, windows)
    else:
        train, test = (
            _idx_split(source, _IDX_SETS[source], split, data_dir, download)
            for split in ("train", "test")
        )
    return (
        replace(train, images=fit_images(train.images, image_size, channels)),
        replace(test, images=fit_images(test.images, image_size, channels)),
    )


def _own(
    source: str | os.PathLike,
    image_size: tuple[int, int] | None,
    channels: int | None,
    skip_damaged: bool,
    read: ReadPicture | None,
    lazy: bool,
    limit: tuple[int, int] | None,
) -> tuple[Dataset, Dataset]:
    """The user's own pictures, or arrays and tables.  Raises DataError if there are none."""
    if not _is_own(source):
        raise DataError(
            f"unknown data set {os.fspath(source)!r}: expected {EXPECTED}{meant(source, NAMES)}"
        )
    path = _path(source)
    form: dict[str, Any] = {"image_size": image_size, "channels": channels, "lazy": lazy}
    pictures = path.is_dir() and holds_pictures(path)
    if not pictures and shards_of(path):
        return read_shards(path, **form, skip_damaged=skip_damaged)
    if pictures or (path.is_dir() and not data_files(path)):
        return read_folder(path, **form, skip_damaged=skip_damaged, read=read, limit=limit)
    return read_files(path, **form)


def _windows(
    compose: Callable[..., Dataset],
    parts: tuple[Dataset, Dataset],
    counts: tuple[int, int],
    most: int | None,
) -> tuple[Dataset, Dataset]:
    """Windows of scenes of the training and the test images, by the seeds 0 and 1."""
    train, test = (
        kept(compose, images, count, seed, cache_folder() / "scenes")
        if most is None
        else compose(images, min(count, most), seed=seed)
        for seed, (images, count) in enumerate(zip(parts, counts, strict=True))
    )
    return train, test


def _digits() -> tuple[Dataset, Dataset]:
    from PIL import Image

    grids, labels = _digit_grids()
    # A margin of one cell: the originals touch the edge, where a stroke could
    # not fade out and a 5x5 kernel would see half of it.
    inked = np.pad(grids.reshape(-1, 8, 8) / 16, ((0, 0), (1, 1), (1, 1))).astype(np.float32)
    images = np.empty((len(inked), 1, 28, 28), np.uint8)
    for image, grid in zip(images, inked, strict=True):
        smooth = np.asarray(Image.fromarray(grid).resize((28, 28), Image.Resampling.BICUBIC))
        # A grid counts the ink of a binary drawing, whose edges were sharp.
        image[0] = np.rint(np.clip((smooth - 0.5) * 1.6 + 0.5, 0, 1) * 255)
    whole = Dataset("digits", "train", images, labels.astype(np.int64), _DIGIT_CLASSES)
    train, held_out = stratified_split(whole, HELD_OUT, SPLIT_SEED)
    return train, replace(held_out, split="test")


def _digit_grids() -> tuple[np.ndarray, np.ndarray]:
    """Ink counts (count, 64) and labels (count,) of scikit-learn's digits.

    Its file is read directly from the package: importing scikit-learn takes a second.
    """
    package = importlib.util.find_spec("sklearn")
    folders = package.submodule_search_locations if package else None
    for folder in folders or ():
        path = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if path.is_file():
            with gzip.open(path, "rt", encoding="ascii") as lines:
                table = np.array([line.split(",") for line in lines], dtype=np.float64)
            return table[:, :-1], table[:, -1]
    from sklearn.datasets import load_digits

    return load_digits(return_X_y=True)


def cache_folder() -> Path:
    """The folder for downloads; it need not exist yet."""
    import pooch

    return Path(pooch.os_cache("convlab"))


def _search_folders(data_dir: str | os.PathLike | None) -> list[Path]:
    """The folders to search, in order.  Raises DataError for a named one that does not exist."""
    named = {"data_dir": data_dir, VARIABLE: os.environ.get(VARIABLE)}
    folders = []
    for setting, value in named.items():
        if value:
            folder = Path(value).expanduser()
            if not folder.is_dir():
                raise DataError(f"{setting}: expected an existing folder, got {folder}")
            folders.append(folder)
    return [*folders, cache_folder()]


def _fetch(
    name: str, file: str, mirrors: tuple[str, ...], checksum: str, rejected: list[Path]
) -> Path:
    """Download a file from the first mirror that has it, into the cache folder.

    Its final name never holds part of it, nor anything with another checksum.
    """
    folder = cache_folder() / name
    failures = []
    for mirror in mirrors:
        try:
            os.makedirs(folder, exist_ok=True)
            with replacing(folder / file) as content:
                _download(mirror + file, content, folder)
                kind, _, wanted = checksum.partition(":")
                if _digest(content, kind) != wanted:
                    raise ValueError
            return folder / file
        except (OSError, ValueError) as error:  # requests' errors are OSErrors
            failures.append(f"{mirror}{file} ({_reason(error)})")
    unfit = f"; {', '.join(map(str, rejected))} has other content" if rejected else ""
    raise DataError(
        f"{file} of {name} is not here and could not be downloaded from "
        f"{' or '.join(failures)}: put it into {folder}, or into the folder {name} "
        f"of a folder that data_dir or {VARIABLE} names{unfit}"
    )


def _download(url: str, file: BinaryIO, folder: Path) -> None:
    """Download into a file, for ``folder``.  Raises OSError, also for a redirect to plain http."""
    import pooch

    bounded = _Bounded(file)

    def look(response, **_):
        target = urljoin(response.url, response.headers.get("location", ""))
        if response.is_redirect and not target.startswith("https://"):
            raise OSError(errno.EPROTONOSUPPORT, "expected https, was sent on to plain http")
        if not response.is_redirect:
            logger.info("downloading %s to %s", url, folder)
        length = response.headers.get("content-length", "")
        bounded.total = int(length) if length.isdecimal() else 0

    download = pooch.HTTPDownloader(chunk_size=1 << 16, hooks={"response": look})
    download(url, bounded, None)


class _Bounded:
    """A file that accepts at most MAX_DOWNLOAD bytes, and logs how many of ``total`` it has."""

    def __init__(self, file: BinaryIO):
        self._file, self.flush = file, file.flush
        self.done = self.total = 0

    def write(self, content: bytes) -> int:
        self.done += len(content)
        if self.done > MAX_DOWNLOAD:
            raise OSError(errno.EFBIG, f"more than {MAX_DOWNLOAD:,} bytes")
        logger.debug("%d of %d bytes", self.done, self.total)
        return self._file.write(content)


def _digest(file: BinaryIO, kind: str) -> str:
    """The checksum of a whole file, by hashlib's name for the algorithm."""
    digest = hashlib.new(kind)
    file.seek(0)
    while part := file.read(1 << 20):
        digest.update(part)
    return digest.hexdigest()


def _reason(error: Exception) -> str:
    """Why a download failed, in a few words."""
    from requests import exceptions

    if isinstance(error, exceptions.HTTPError) and error.response is not None:
        return f"HTTP status {error.response.status_code}"
    if isinstance(error, exceptions.Timeout):
        return "no answer in time"
    if isinstance(error, exceptions.ChunkedEncodingError):
        return "broken off"
    if isinstance(error, exceptions.ConnectionError):
        return "no connection"
    if isinstance(error, ValueError):
        return "wrong checksum"
    return getattr(error, "strerror", None) or type(error).__name__


def _called(folder: Path, name: str) -> list[Path]:
    """The files of a folder with this name, in any case and with dots for hyphens.

    Those that end in .gz come last.
    """
    try:
        entries = sorted(path for path in folder.iterdir() if not path.is_dir())
    except OSError:
        return []
    names = [path.name.lower().replace(".", "-") for path in entries]
    return [
        path
        for ending in ("", "-gz")
        for path, found in zip(entries, names, strict=True)
        if found == f"{name}{ending}"
    ]


def _find_idx(
    name: str, spec: _IdxSet, file: _IdxFile, data_dir: str | os.PathLike | None, download: bool
) -> Content:
    """The content of an IDX file, from the first place that has it."""
    rejected = []
    for folder in _search_folders(data_dir):
        for path in _called(folder / name, file.name):
            return read_content(path, MAX_FILE)
        # Outside the set's own folder the file may belong to another set, since
        # they share their names.  Only the content tells.
        for path in _called(folder, file.name):
            content = read_content(path, MAX_FILE)
            if hashlib.sha256(content.data).hexdigest() == file.content:
                return content
            rejected.append(path)
    if not download:
        raise DataError(f"{file.name} of {name} is not here")
    checksum = f"sha256:{file.download}"
    return read_content(_fetch(name, f"{file.name}.gz", spec.mirrors, checksum, rejected), MAX_FILE)


def _idx_split(
    name: str, spec: _IdxSet, split: str, data_dir: str | os.PathLike | None, download: bool
) -> Dataset:
    files = getattr(spec, split)
    contents = [_find_idx(name, spec, file, data_dir, download) for file in files]
    # Decoded first: a wrong magic number or count says more than a checksum.
    images, labels = decode_pair(*contents)
    for file, content in zip(files, contents, strict=True):
        checksum = hashlib.sha256(content.data).hexdigest()
        if checksum != file.content:
            raise DataError(
                f"{content.path}: expected the published {file.name} of {name} "
                f"(SHA-256 {file.content}), got SHA-256 {checksum}; replace or remove the file"
            )
    return Dataset(name, split, images, labels, spec.classes)


def _cifar10(data_dir: str | os.PathLike | None, download: bool) -> tuple[Dataset, Dataset]:
    place, files = _find_cifar10(data_dir, download)
    classes = tuple(files[_CIFAR10_CLASSES].decode("ascii", "replace").split())
    if len(classes) != 10:
        raise DataError(
            f"{place / _CIFAR10_CLASSES}: expected the names of 10 classes, got {len(classes)}"
        )
    return (
        _cifar10_split("train", _CIFAR10_TRAIN, place, files, classes),
        _cifar10_split("test", _CIFAR10_TEST, place, files, classes),
    )


def _cifar10_split(
    split: str,
    names: tuple[str, ...],
    place: Path,
    files: dict[str, bytes],
    classes: tuple[str, ...],
) -> Dataset:
    for name in names:
        expected = _CIFAR10_RECORDS * _CIFAR10_RECORD
        if len(files[name]) != expected:
            raise DataError(
                f"{place / name}: expected {_CIFAR10_RECORDS} records of {_CIFAR10_RECORD} bytes "
                f"({expected} bytes), got {len(files[name])} bytes"
            )
    records = np.concatenate([np.frombuffer(files[name], np.uint8) for name in names])
    records = records.reshape(-1, _CIFAR10_RECORD)
    images = records[:, 1:].reshape(-1, 3, 32, 32)
    return Dataset("cifar10", split, images, records[:, 0].astype(np.int64), classes)


def _find_cifar10(
    data_dir: str | os.PathLike | None, download: bool
) -> tuple[Path, dict[str, bytes]]:
    """The files of CIFAR-10 by name, and the folder or archive that held them."""
    for folder in _search_folders(data_dir):
        for place in (folder / "cifar10", folder):
            if os.path.isdir(place / _CIFAR10_FOLDER):
                return _open_folder(place / _CIFAR10_FOLDER)
            if os.path.isfile(place / _CIFAR10_ARCHIVE):
                return _open_archive(place / _CIFAR10_ARCHIVE)
    if not download:
        raise DataError(f"{_CIFAR10_ARCHIVE} is not here")
    checksum = f"sha256:{_CIFAR10_SHA256}"
    return _open_archive(_fetch("cifar10", _CIFAR10_ARCHIVE, _CIFAR10_MIRRORS, checksum, []))


def _open_folder(folder: Path) -> tuple[Path, dict[str, bytes]]:
    return folder, {name: read_content(folder / name, MAX_FILE).data for name in _CIFAR10_FILES}


def _open_archive(path: Path) -> tuple[Path, dict[str, bytes]]:
    contents, digest = {}, hashlib.sha256()
    try:
        with open_file(path) as file:
            if os.fstat(file.fileno()).st_size > MAX_DOWNLOAD:
                raise DataError(f"{path}: expected at most {MAX_DOWNLOAD:,} bytes, got more")
            # As a stream: only what is read is unpacked.
            with (
                gzip.open(file) as unpacked,
                # Only read is called on a stream.
                tarfile.open(  # type: ignore[call-overload]
                    fileobj=_Limited(path, unpacked), mode="r|"
                ) as archive,
            ):
                for member in archive:
                    name = os.path.basename(member.name)
                    if name in _CIFAR10_FILES and member.isfile():
                        contents[name] = _extracted(path, archive, member)
            file.seek(0)
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except (EOFError, RecursionError, zlib.error, gzip.BadGzipFile, tarfile.TarError) as error:
        raise DataError(
            f"{path}: expected a whole tar.gz, got a truncated or damaged one ({error})"
        ) from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    missing = [name for name in _CIFAR10_FILES if name not in contents]
    if missing:
        raise DataError(f"{path}: expected {', '.join(missing)} in it, got none")
    if digest.hexdigest() != _CIFAR10_SHA256:
        raise DataError(
            f"{path}: expected the published archive (SHA-256 {_CIFAR10_SHA256}), got SHA-256"
            f" {digest.hexdigest()}; replace or remove the file"
        )
    return path, contents


def _extracted(path: Path, archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    if member.size > MAX_FILE:
        raise DataError(
            f"{path}: expected at most {MAX_FILE:,} bytes of {os.path.basename(member.name)}, got"
            f" {member.size:,}"
        )
    content = archive.extractfile(member)
    return b"" if content is None else content.read()  # None: not a regular file


class _Limited:
    """A stream that ends in a DataError after MAX_UNPACKED bytes."""

    def __init__(self, path: Path, stream: Readable):
        self.path, self.stream, self.left = path, stream, MAX_UNPACKED

    def read(self, size: int) -> bytes:
        if size > self.left:
            raise DataError(f"{self.path}: expected at most {MAX_UNPACKED:,} bytes unpacked")
        content = self.stream.read(size)
        self.left -= len(content)
        return content
