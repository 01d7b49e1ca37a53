"""Data sets on the disk: the IDX files of MNIST and its relatives, the archive of CIFAR-10."""

import gzip
import io
import itertools
import struct
import tarfile

import numpy as np

from . import cases
from .cases import EITHER, FAILS, GARBAGE, NO_FILES, chosen, damaged, later, put

SETS = ("mnist", "fashion-mnist")
FILES = [
    f"{part}-{name}-ubyte"
    for part, name in itertools.product(("train", "t10k"), ("images-idx3", "labels-idx1"))
]
USES = [
    ["render", "neighbours", "SET", "--data-dir", "data", "-o", "out.png"],
    ["render", "image", "test:3", "--data", "SET", "--data-dir", "data", "-o", "out.png"],
    ["train", "--data", "SET", "--data-dir", "data", "--epochs", "1", "--limit", "2", "--quiet"],
]


def idx(magic, *sizes, content=None, length=None):
    count = int(np.prod(sizes, dtype=object)) if length is None else length
    body = bytes(min(count, 1 << 22)) if content is None else content
    return struct.pack(f">{1 + len(sizes)}I", magic, *(size % (1 << 32) for size in sizes)) + body


def idx_file(rng, labels: bool):
    """(note, right, content) of one file, before gzip."""
    magic, big = 2049 if labels else 2051, (1 << 32) - 1
    sizes = (10,) if labels else (10, 28, 28)
    good = idx(magic, *sizes)
    return chosen(
        rng,
        ("another ten", FAILS, good),
        ("the other's magic", FAILS, idx(4100 - magic, *sizes)),
        ("magic 0", FAILS, idx(0, *sizes)),
        ("little-endian", FAILS, struct.pack("<4I", magic, 10, 28, 28) + bytes(7840)),
        ("floats", FAILS, idx(magic | 0xD00, *sizes)),
        ("4 billion", FAILS, idx(magic, *[big] * len(sizes))),
        ("none", FAILS, idx(magic, *[0] * len(sizes))),
        ("one more than there are", FAILS, idx(magic, 11, *sizes[1:], length=len(good) - 4)),
        ("of 0 x 28", FAILS, idx(magic, 10, *([0, 28] if len(sizes) > 1 else []))),
        ("a header alone", FAILS, good[:8]),
        ("damaged", FAILS, damaged(rng, good)),
        ("garbage", FAILS, rng.choice(GARBAGE)),
        ("2 GB", FAILS, idx(magic, 1 << 21, *([32, 32] if len(sizes) > 1 else []))),
    )


def bomb(megabytes: int) -> bytes:
    """Zeros in gzip, a thousandth of their size."""
    return gzip.compress(bytes(1 << 20)) * megabytes


def build_idx(own, folder, case):
    name = own.choice(SETS)
    case.argv[case.argv.index("SET")] = name
    place = folder / "data" / (name if own.random() < 0.8 else "")
    case.right, notes = FAILS, []
    whole = own.random() < 0.3
    place.mkdir(parents=True)
    for file in FILES:
        labels = "labels" in file
        note, _, content = idx_file(own, labels)
        if whole and file != FILES[0]:
            note, content = "whole", idx(*((2049, 10) if labels else (2051, 10, 28, 28)))
        way = own.choice(["plain", "gz", "gz", "cut gz", "gz by name", "upper", "odd", "bomb"])
        path, special = place / file, None
        if way == "gz":
            path, content = place / f"{file}.gz", gzip.compress(content)
        elif way == "cut gz":
            path, content = place / f"{file}.gz", damaged(own, gzip.compress(content))
        elif way == "gz by name":
            path = place / f"{file}.gz"
        elif way == "upper":
            path = place / own.choice([file.upper(), file.replace("-idx", ".idx")])
        elif way == "odd":
            special = note = own.choice(NO_FILES)
        elif way == "bomb":
            path, content = place / f"{file}.gz", bomb(own.choice([200, 1500]))
        cases.written_as(path, content, special)
        notes.append(f"{note} ({way})")
    case.note = f"{name}: {', '.join(notes)}"


@cases.kind("idx", 80)
def idx_sets(rng):
    while True:
        yield later(rng.choice(USES), rng.getrandbits(32), build_idx)


# --- CIFAR-10 ------------------------------------------------------------------------------

FOLDER = "cifar-10-batches-bin"
BATCHES = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]


def member(name, size=0, type_=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, type_, link
    return info


TARS = "links hard above absolute folders devices doubled empty short cut bomb"
STRANGE = {
    "links": [tarfile.SYMTYPE],
    "hard": [tarfile.LNKTYPE],
    "folders": [tarfile.DIRTYPE],
    "devices": [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE],
}


def archive(rng) -> tuple[str, bytes]:
    """(note, content) of an archive whose members are not what they should be."""
    note, out = rng.choice(TARS.split()), io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as tar:
        for file in (*BATCHES, "batches.meta.txt"):
            name = {"above": "../../", "absolute": "/nowhere/"}.get(note, "") + f"{FOLDER}/{file}"
            if note in STRANGE:
                tar.addfile(member(name, 0, rng.choice(STRANGE[note]), "/etc/passwd"))
                continue
            size = 0 if note == "empty" else 10 if "meta" in file else 3073
            if note == "bomb" and file == BATCHES[0]:
                size = 1_200_000_000
            for _ in range(2 if note == "doubled" else 1):
                tar.addfile(member(name, size), io.BytesIO(bytes(size)))
    content = out.getvalue()
    return note, content[: len(content) // 2] if note == "cut" else content


def build_cifar(own, folder, case):
    case.argv[case.argv.index("SET")], case.right = "cifar10", FAILS
    place = folder / "data" / own.choice(["", "cifar10"])
    how = own.randrange(10)
    if how < 5:
        case.note, content = archive(own)
        put(place / "cifar-10-binary.tar.gz", content)
    elif how < 7:
        case.note = "damaged or garbage"
        content = own.choice([damaged(own, archive(own)[1]), own.choice(GARBAGE)])
        put(place / "cifar-10-binary.tar.gz", content)
    elif how < 8:
        case.note = own.choice(NO_FILES)
        place.mkdir(parents=True, exist_ok=True)
        cases.replace_by(place / "cifar-10-binary.tar.gz", case.note)
    else:
        case.note, inside = "a folder", place / FOLDER
        put(inside / "batches.meta.txt", own.choice([b"", b"a b", b"\xff\n" * 10, b"a\n" * 10]))
        label = own.choice([0, 9, 10, 255])
        for name in BATCHES:
            size = own.choice([0, 3073, 30_730_000, 30_730_000, 30_730_000])
            put(inside / name, bytes([label]) * size)
        case.right = EITHER


@cases.kind("cifar", 40)
def cifar(rng):
    while True:
        yield later(rng.choice(USES), rng.getrandbits(32), build_cifar)
