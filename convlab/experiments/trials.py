"""Trials: measured once, whoever asks, kept in a folder, and shared out among workers.

The folder says which trials are done and, by its leases, which are being measured, so that any
number of processes that run the same trials in one folder, on one machine or many, do each once.
Who runs them writes; workers only measure, so they need not see the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import convlab
from convlab.errors import RunError
from convlab.experiments import program, sources
from convlab.files import make_folder, write_atomically
from convlab.leases import Lease, Leases
from convlab.reading import read_json
from convlab.training.executors import Workers, alone

# One training or measurement, as plain values: everything that determines its figures.
Trial = Mapping[str, Any]
# A trial's settings and the figures that it gave.
Record = dict[str, Any]
Measure = Callable[[Trial], dict[str, Any]]

_SOON, _LATE = 0.05, 1.0  # seconds between two looks at what others are doing


@dataclass(frozen=True)
class Done:
    """One trial's record, whether it was kept from an earlier run, and the seconds it took.

    ``number``: its place among the trials, from 0; ``contents``: which copies of the data sets it
    read, by their names; ``stale``: whether it is kept from a program that was not today's.
    """

    record: Record
    kept: bool
    seconds: float
    contents: Mapping[str, str]
    number: int = 0
    stale: bool = False

    @property
    def time(self) -> str:
        """How long it took, or that it was kept."""
        return "kept" if self.kept else f"{self.seconds:.1f} s"


def trials_text(done: Sequence[Done], now: float) -> str:
    """How many trials there are and how long they took, ``now`` seconds of it in this process."""
    kept, seconds = sum(one.kept for one in done), sum(one.seconds for one in done)
    before = f", {kept} of them kept from before; {now:.1f} s now" if kept else ""
    return f"{len(done)} trials, {seconds:.1f} s of measuring{before}"


def stale_text(done: Sequence[Done]) -> list[str]:
    """What to say of results that another program has measured; nothing if there are none."""
    count = sum(one.stale for one in done)
    kept = f"{count} of {len(done)} results are stale"
    text = f"note: {kept}: the code that measured them has changed; --force measures them again"
    return [text] if count else []


@dataclass
class Trials:
    """The trials of one name, how each is measured, and the folder that keeps what they gave.

    ``name`` tells them from others in the folder; ``force`` measures stale ones again.
    """

    name: str
    trials: Sequence[Trial]
    measure: Measure
    folder: Path
    force: bool = False
    _leases: Leases = field(init=False)

    def __post_init__(self) -> None:
        self._leases = Leases(self.folder / "trials")

    def run(self, workers: Workers | None = None) -> Iterator[Done]:
        """Measure all trials, or take what the folder has kept of them, as they are done.

        A trial's figures are kept as soon as they are available, so stopping costs what is being
        measured; what was measured on another copy of its data is measured again.  Raises RunError
        if the folder cannot be written, a file in it cannot be read, or no workers are left.
        """
        kept = self.folder / "trials"
        folders = (kept, self.folder, *self.folder.parents)
        made = [one for one in folders if not os.path.exists(one)]
        make_folder(self.folder)
        make_folder(kept)
        if not os.access(kept, os.W_OK):
            raise RunError(f"{self.folder}: expected a folder that can be written")
        try:
            yield from self._run(alone() if workers is None else workers)
        finally:
            for empty in made:  # if not even one trial has finished
                with contextlib.suppress(OSError):
                    empty.rmdir()

    def _run(self, workers: Workers) -> Iterator[Done]:
        waiting = list(range(len(self.trials)))
        running: dict[Future, tuple[int, Lease]] = {}
        pause = _SOON
        try:
            while waiting or running:
                before = len(waiting)
                for number in list(waiting):
                    if len(running) >= workers.count:
                        break
                    found = self._begin(number, workers, running)
                    if found is not None:
                        waiting.remove(number)
                    if isinstance(found, Done):
                        yield found
                ended = wait(running, pause, FIRST_COMPLETED).done
                for future in ended:
                    number, lease = running.pop(future)
                    done = self._end(number, lease, future, workers)
                    if done is None:  # its worker has died, or it was taken over
                        waiting.insert(0, number)
                    else:
                        yield done
                pause = _SOON if ended or len(waiting) < before else min(_LATE, 2 * pause)
                if not running and waiting and pause > _SOON:  # others are at work
                    time.sleep(pause * random.uniform(0.5, 1.0))
        finally:
            for future, (_, lease) in running.items():
                future.cancel()
                lease.release()

    def texts(self) -> list[str]:
        """Each trial by what distinguishes it from the others."""
        keys = [key for key in self.trials[0] if key not in ("seed", "spec")]
        telling = [k for k in keys if len({json.dumps(trial.get(k)) for trial in self.trials}) > 1]
        return [
            ", ".join([*(str(trial.get(key)) for key in telling), f"seed {trial.get('seed', 0)}"])
            for trial in self.trials
        ]

    def path(self, trial: Trial) -> Path:
        """Where a trial's figures are kept: a name that its settings and the version determine."""
        settings = {"experiment": self.name, "convlab": convlab.__version__, "trial": trial}
        text = json.dumps(settings, sort_keys=True)
        digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
        return self.folder / "trials" / f"{digest}.json"

    def _begin(self, number: int, workers: Workers, running: dict) -> Done | Future | None:
        """What is kept of a trial, or its measurement, which has begun; None if others do it."""
        path = self.path(self.trials[number])
        if (kept := self._kept(path, number)) is not None:
            return kept
        make_folder(path.parent)  # another process may have found it empty and deleted it
        lease = self._leases.take(path.stem)
        if lease is None:
            return None
        try:
            if (kept := self._kept(path, number)) is not None:  # since the first look
                lease.release()
                return kept
            future = workers.submit(measured, self.measure, dict(self.trials[number]))
        except BaseException:
            lease.release()
            raise
        running[future] = number, lease
        return future

    def _end(self, number: int, lease: Lease, future: Future, workers: Workers) -> Done | None:
        """Keep what a worker has measured; None if that has to be done again, or by others."""
        try:
            result = workers.result(future)
            if result is None or not lease.held:
                return None
            figures, seconds, contents, code = result
            if code != (own := program.digest(self.measure)):
                raise RunError(
                    f"{workers.name}: expected workers with this version of convlab (code {own}),"
                    f" got {code}"
                )
            trial = self.trials[number]
            content = {"trial": trial, "figures": figures, "seconds": seconds}
            content |= {"contents": contents, "code": code}
            path = self.path(trial)
            make_folder(path.parent)
            write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())
            # New figures are read back too: they must not differ from kept ones.
            return self._read(path, number, kept=False)
        finally:
            lease.release()

    def _kept(self, path: Path, number: int) -> Done | None:
        """What is kept of a trial, if that is of use."""
        if not path.exists():
            return None
        found = self._read(path, number, kept=True)
        if found.stale and self.force:
            return None
        same = all(sources.content(name) == copy for name, copy in found.contents.items())
        return found if same else None

    def _read(self, path: Path, number: int, kept: bool) -> Done:
        trial = self.trials[number]
        try:
            content = read_json(path)
            figures, seconds = dict(content["figures"]), float(content["seconds"])
            stale = content.get("code") != program.digest(self.measure)
            record = {**trial, **figures}
            return Done(record, kept, seconds, dict(content["contents"]), number, stale)
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            raise RunError(
                f"{path}: expected the figures of a trial, they cannot be read; delete the file and"
                " it is measured again"
            ) from None


_one = threading.Lock()  # seeds and threads are those of a process


def measured(measure: Measure, trial: Trial) -> tuple[dict, float, dict[str, str], str]:
    """In a worker: a trial's figures, their seconds, the data's copies and the code's digest."""
    with _one:
        begin = time.perf_counter()
        with sources.recorded() as names:
            figures = measure(trial)
        seconds = time.perf_counter() - begin
        contents = {name: sources.content(name) for name in sorted(names)}
        return figures, seconds, contents, program.digest(measure)
