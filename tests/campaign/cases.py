"""What a case is, and the tools with which families of cases are written."""

import os
import random
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

SEED = int(os.environ.get("CAMPAIGN_SEED", "0"))
"""Another seed gives another campaign of the same kinds."""

FAILS, WORKS, EITHER = "fails", "works", "either"


def nothing(folder: Path) -> None:
    """The case needs no input of its own."""


@dataclass
class Case:
    """A command and the broken input that it meets.

    ``argv`` without ``convlab``; files of the base folder that it names lie in the case's
    folder before ``make(folder)`` breaks them or adds others.  ``right``: whether it must fail,
    must work, or may do either.  ``code``: Python in place of a command.  ``stdin``, ``stdout``
    and ``stderr``: a file's name, "closed", or "gone" for a pipe that nobody reads.  ``fresh``:
    in an interpreter of its own.  ``endless``: that it goes on is no fault.  ``largest``: the
    bytes that a file may have.
    """

    argv: list[str]
    make: Callable[[Path], None] = nothing
    note: str = ""
    right: str = EITHER
    needs: tuple[str, ...] = ()
    env: dict[str, str | None] = field(default_factory=dict)
    code: str | None = None
    stdin: str = os.devnull
    stdout: str = ""
    stderr: str = ""
    fresh: bool = False
    endless: bool = False
    largest: int = 1 << 30
    kind: str = ""
    number: int = 0

    @property
    def id(self) -> str:
        return f"{self.kind}-{self.number:03}"


def later(argv: list[str], seed: int, build, **settings) -> Case:
    """A case whose input is only made when it is run: ``build(rng, folder, case)``."""
    case = Case(list(argv), **settings)
    case.make = lambda folder: build(random.Random(seed), folder, case)
    return case


def chosen(rng: random.Random, *choices: tuple) -> tuple:
    """One of (note, right, content), the content made only now where it is a function."""
    note, right, content = rng.choice(choices)
    return note, right, content() if callable(content) else content


def written_as(path: Path, content: bytes | str | None, special: str | None) -> None:
    """The broken file: its content, or something in its place that is no file of its kind."""
    if special is not None:
        replace_by(path, special)
    else:
        put(path, content)


KINDS: dict[str, tuple[int, Callable[[random.Random], Iterator[Case]]]] = {}


def kind(name: str, count: int):
    """Register a generator of cases, of which the first ``count`` are tried."""

    def register(generator):
        KINDS[name] = (count, generator)
        return generator

    return register


def all_cases() -> Iterator[Case]:
    """Every case of every kind; the same ones each time."""
    for name, (count, generator) in KINDS.items():
        made = generator(random.Random(f"{SEED} {name}"))
        for number, case in zip(range(count), made, strict=False):
            case.kind, case.number = name, number
            yield case


# --- damage --------------------------------------------------------------------------------


def cut(rng: random.Random, content: bytes) -> bytes:
    return content[: rng.choice([0, 1, 7, 8, len(content) // 2, len(content) - 1])]


def flip(rng: random.Random, content: bytes, among: int | None = None) -> bytes:
    """A few bits are others, among the first bytes or anywhere."""
    damaged = bytearray(content)
    for _ in range(rng.choice([1, 1, 3, 20])):
        damaged[rng.randrange(min(among or len(damaged), len(damaged)))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def splice(rng: random.Random, content: bytes) -> bytes:
    """A piece is missing, doubled or replaced by other bytes."""
    first, last = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    middle = rng.choice([b"", content[first:last] * 2, rng.randbytes(last - first)])
    return content[:first] + middle + content[last:]


def damaged(rng: random.Random, content: bytes) -> bytes:
    return rng.choice([cut, flip, splice])(rng, content)


GARBAGE = [
    b"",
    b"\0",
    b"\n",
    b"\xff\xfe\x00\xd8" * 9,
    b"\xef\xbb\xbf",
    bytes(range(256)) * 4,
    b"PK\x03\x04" + bytes(60),
    b"\x1f\x8b\x08\x00" + bytes(20),
    b"\x89PNG\r\n\x1a\n" + bytes(40),
    b"{}",
    b"[" * 100_000,
    b"\0" * 1_000_000,
]


def put(path: Path, content: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


DEVICES = {"null": 3, "zero": 5, "full": 7}
"""Linux's minor numbers of /dev/null and its relatives, whose major number is 1."""


def device(path: Path, name: str) -> None:
    """A device like /dev/NAME, never the machine's own: a command run as root may replace it."""
    if os.geteuid() == 0:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, DEVICES[name]))
    else:
        path.symlink_to(f"/dev/{name}")


def replace_by(path: Path, what: str) -> None:
    """Put something in a file's place that is no file of its kind."""
    if path.is_dir():
        path.rename(path.with_name(path.name + "-before"))
    else:
        path.unlink(missing_ok=True)
    if what == "folder":
        path.mkdir()
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "loop":
        path.symlink_to(path.name)
    elif what == "dangling":
        path.symlink_to("nowhere")
    elif what in DEVICES:
        device(path, what)
    elif what == "huge":  # 8 GB that take no room
        with path.open("wb") as file:
            file.truncate(8 << 30)
    elif what != "missing":
        raise ValueError(what)


NO_FILES = ("missing", "folder", "fifo", "loop", "dangling", "zero", "null", "huge")
