"""Leases: which of several processes, on one machine or many, does a piece of work.

A lease is a file in a folder that all of them see.  Its name ends in a number, and whoever makes
the file with the highest number has the work; making a file that is not there yet is the one step
that a file system, also one shared over a network, gives to one process alone.  The holder writes
to its file from time to time.  Where that stops, the holder has died: after ``PATIENCE`` seconds by
the watcher's own clock, or at once if it was a process of the same machine, another process makes
the file with the next number.  Numbers only rise while there is work, so nobody takes away what
somebody else has just taken over (a fencing token, Kleppmann 2017, Designing Data-Intensive
Applications, chapter 8).  No clocks are compared, and nothing is locked.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading
import time
from functools import lru_cache
from pathlib import Path

import psutil

from convlab.errors import RunError

PATIENCE = 60.0
"""Seconds without a sign of life after which a holder on another machine counts as dead."""
BEAT = 5.0
"""Seconds between two signs of life."""

_COUNT = 12  # digits of the number of signs, so that each is written over the one before
_WIDEST = 500  # bytes of a lease


class Lease:
    """A piece of work that is this process's own until ``release``; made by ``Leases.take``."""

    def __init__(self, path: Path, handle: int):
        self.path = path
        self._handle = handle
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def _beat(self) -> None:
        count = 0
        while not self._released.wait(BEAT):
            count += 1
            with contextlib.suppress(OSError):  # a full disk: others may think that it died
                os.lseek(self._handle, 0, os.SEEK_SET)
                os.write(self._handle, b"%0*d" % (_COUNT, count))
                os.fsync(self._handle)  # over a network others see it when it is there

    @property
    def held(self) -> bool:
        """Whether nobody has taken the work over, as after a long sleep of this machine."""
        name, number = _split(self.path.name)
        return number == _highest(self.path.parent, name)

    def release(self) -> None:
        """Give the work back, whether it is done or not."""
        if not self._released.is_set():
            self._released.set()
            self._thread.join()
            os.close(self._handle)
            name, number = _split(self.path.name)
            # Its own last: till then it has the highest number.
            for old in range(number + 1):
                with contextlib.suppress(OSError):
                    os.unlink(self.path.with_name(f"{name}.{old}"))


class Leases:
    """What one process knows of the leases in a folder; ``take`` asks for one by its name."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._seen: dict[str, tuple[bytes, float]] = {}

    def take(self, name: str) -> Lease | None:
        """A lease, or None while somebody else has it.  Raises RunError if it cannot be written."""
        number = _highest(self.folder, name)
        if number is not None and not self._is_dead(f"{name}.{number}"):
            return None
        path = self.folder / f"{name}.{0 if number is None else number + 1}"
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        except (FileExistsError, FileNotFoundError):  # another was faster; the folder is gone
            return None
        except OSError as error:
            raise RunError(f"{path}: cannot be written: {error.strerror}") from None
        try:
            os.write(handle, b"%0*d %s\n" % (_COUNT, 0, _own_name().encode()))
            os.fsync(handle)
            # Those who take over a number that has just been given back may make two numbers at
            # once: the lower one gives way, and so does one whose predecessor is gone.
            mine = _highest(self.folder, name) == (0 if number is None else number + 1)
            if mine and (number is None or (self.folder / f"{name}.{number}").exists()):
                return Lease(path, handle)
        except OSError as error:
            _drop(path, handle)
            raise RunError(f"{path}: cannot be written: {error.strerror}") from None
        _drop(path, handle)
        return None

    def _is_dead(self, name: str) -> bool:
        """Whether the holder of a lease has died, as far as this process has watched it."""
        try:
            with open(self.folder / name, "rb") as file:
                content = file.read(_WIDEST)
        except OSError:  # given back in the meantime
            return False
        if _has_ended(content[_COUNT:].decode(errors="replace").strip()):
            return True
        now = time.monotonic()
        before, since = self._seen.get(name, (None, now))
        if content != before:
            self._seen[name] = content, now
            return False
        return now - since > PATIENCE


def _drop(path: Path, handle: int) -> None:
    os.close(handle)
    with contextlib.suppress(OSError):
        os.unlink(path)


def _split(name: str) -> tuple[str, int]:
    stem, _, number = name.rpartition(".")
    return stem, int(number)


def _highest(folder: Path, name: str) -> int | None:
    """The highest number of a lease in a folder; None if nobody has it."""
    pattern = re.compile(rf"{re.escape(name)}\.([0-9]+)")
    try:
        found = [match for each in os.listdir(folder) if (match := pattern.fullmatch(each))]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RunError(f"{folder}: cannot be read: {error.strerror}") from None
    return max((int(match[1]) for match in found), default=None)


# --- processes ------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _machine() -> str:
    """This machine since it was started, as far as its processes can see each other."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    with contextlib.suppress(OSError):
        parts.append(os.readlink("/proc/self/ns/pid"))
    return "/".join(parts).replace(" ", "")


def _own_name() -> str:
    """This process, as no other one is called: its machine, number and start."""
    return f"{_machine()} {os.getpid()} {_started(os.getpid())}"


def _started(process: int) -> str:
    """What tells a running process from a later one with the same number; "" if there is none."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(errors="replace")
    except FileNotFoundError:
        return "running" if not os.path.exists("/proc/self") and psutil.pid_exists(process) else ""
    except OSError:
        return "running"
    state, *numbers = text.rpartition(")")[2].split()  # the name before may have any letters
    return "" if state in "ZX" else numbers[18]  # the clock's ticks since the machine's start


def _has_ended(name: str) -> bool:
    """Whether a process, by its name, was one of this machine and has ended."""
    machine, _, rest = name.partition(" ")
    number, _, started = rest.partition(" ")
    return machine == _machine() and number.isdigit() and _started(int(number)) != started
