"""Whether a command met its broken input as it should."""

import hashlib
import io
import json
import os
import re
import stat
import xml.etree.ElementTree
from dataclasses import dataclass, field
from pathlib import Path

from .cases import FAILS, WORKS, Case

MOST_MB, MOST_SECONDS, LONGEST_LINE = 1000, 10, 2000
PROBLEMS = {
    "traceback": "tracebacks",
    "leak": "Python's words",
    "memory": "over 1 GB",
    "slow": "over 10 s",
    "half": "half-written",
    "lost": "destroyed",
    "signal": "signals",
    "lines": "other than one line",
    "verdict": "wrong verdict",
}
"""What can be wrong, and its heading in the table."""

# What stands in an error only where nobody has put it into words.
_PYTHON = re.compile(
    r"[A-Z][a-z]\w*(Error|Exception|Warning)\b|Aborted!|NoneType|<class |has no attribute"
    r"|(?<!got )(?<!got \()np\.(float|int|uint|str)|codec can't|invalid literal|index out of"
    r"|not subscriptable|unhashable|positional argument|unexpected keyword|not supported between"
    r"|Exception ignored|takes \d+ argument|\[Errno|cannot reshape|could not broadcast"
    r"|list indices|operands could"
)
_PROGRESS = re.compile(r"(run|entry|page|claim) [\w-]+: |note: |device: |compiling the loops")


@dataclass
class Outcome:
    """What came of a case, and what was wrong with it."""

    status: int
    killed: str
    wall: float
    cpu: float
    peak_mb: float
    out: str = ""
    err: str = ""
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def slow(self) -> bool:
        """Whether it took too long by itself, not because the machine had other work."""
        waited = self.wall > MOST_SECONDS and self.cpu < 1
        return self.killed == "time" or waited or self.cpu > MOST_SECONDS


def snapshot(folder: Path) -> dict[str, str]:
    """Each file below the folder with what it holds."""
    found = {}
    for parent, folders, files in os.walk(os.fsencode(folder)):
        for name in [*folders, *files]:
            path = os.path.join(parent, name)
            what = os.lstat(path)
            key = os.fsdecode(os.path.relpath(path, os.fsencode(folder)))
            if stat.S_ISREG(what.st_mode) and what.st_size < 5e6:
                try:
                    with open(path, "rb") as file:
                        found[key] = hashlib.sha256(file.read()).hexdigest()
                except PermissionError:
                    found[key] = "secret"
            elif stat.S_ISREG(what.st_mode):
                found[key] = f"{what.st_size} {what.st_mtime_ns}"
            else:
                found[key] = stat.filemode(what.st_mode)[0]
    return found


def unreadable(path: Path) -> str:
    """Why a file that a command wrote cannot be read, or nothing."""
    content = path.read_bytes()
    try:
        if content.startswith(b"{"):  # what --json wrote, whatever it is called
            json.loads(content, parse_constant=_no_constant)
        elif path.suffix in (".png", ".gif", ".webp", ".jpg"):
            from PIL import Image

            Image.open(io.BytesIO(content)).load()
        elif path.suffix == ".svg":
            xml.etree.ElementTree.fromstring(content)
        elif path.suffix == ".json":
            json.loads(content, parse_constant=_no_constant)
        elif path.suffix in (".npz", ".npy"):
            import numpy as np

            np.load(io.BytesIO(content), allow_pickle=False)
        elif path.suffix == ".safetensors":
            import safetensors.numpy

            safetensors.numpy.load(content)
        elif path.suffix == ".pdf":
            assert content.startswith(b"%PDF") and content.rstrip().endswith(b"%%EOF"), "cut"
        elif path.suffix == ".html":
            assert content.rstrip().endswith(b"</html>"), "cut"
        elif path.suffix in (".csv", ".toml", ".md", ".txt"):
            content.decode()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _no_constant(word):
    raise ValueError(f"{word} is no JSON")


def left_behind(folder: Path, before: dict[str, str], status: int, mute: bool) -> dict[str, str]:
    """half: what was left unfinished; lost: what was there and is no more.

    ``mute``: standard output or error could not be written.
    """
    after = snapshot(folder)
    half, lost = [], []
    for name, what in after.items():
        path = folder / name
        if what == before.get(name) or name.startswith(("std", "cache/")):
            continue
        if re.search(r"\.(tmp|part|partial)$|^\..+\..+", path.name):
            half.append(f"{name} is left")
        elif what == "d" and status and not any(path.iterdir()):
            half.append(f"{name}/ is empty")
        elif path.is_file() and not path.is_symlink() and (why := unreadable(path)):
            half.append(f"{name} ({why})")
        elif (
            what == "d"
            and (path / "config.json").exists()
            and not (path / "model.safetensors").exists()
        ):
            half.append(f"{name}/ is a run without weights")
    for name, what in before.items():
        # A device or a FIFO is no file that may be replaced: as root it would be /dev/null itself.
        # A new file that is whole is no loss, where only the word of it could not be said.
        replaced = mute and (folder / name).is_file() and not unreadable(folder / name)
        if what != after.get(name) and (status != 0 and not replaced or what in ("c", "p")):
            lost.append(name)
    return {"half": ", ".join(half[:5]), "lost": ", ".join(lost[:5])}


def judge(case: Case, outcome: Outcome, folder: Path, before: dict[str, str]) -> None:
    """Fill in the outcome's problems."""
    found, status, err = {}, outcome.status, outcome.err
    if "Traceback (most recent" in err + outcome.out:
        found["traceback"] = err.strip().split("\n")[-1][:200]
    elif leak := _PYTHON.search(err):
        found["leak"] = leak[0]
    if outcome.killed == "memory" or outcome.peak_mb > MOST_MB:
        found["memory"] = f"{outcome.peak_mb:.0f} MB"
    if outcome.slow and not case.endless and status != 0:  # what is at work may take its time
        found["slow"] = f"{outcome.wall:.0f} s, {outcome.cpu:.0f} s of the CPU"
    if status < 0 and not outcome.killed:
        found["signal"] = f"signal {-status}"
    if not outcome.killed:
        found |= left_behind(folder, before, status, bool(case.stdout or case.stderr))
        lines = [line for line in err.split("\n") if line and not _PROGRESS.match(line)]
        # Who has gone is not told so.
        heard = status != 0 and not case.stderr and case.stdout != "gone"
        heard = heard and "traceback" not in found
        if heard and len(lines) != 1:  # where all went well, notes may stand there
            found["lines"] = f"{len(lines)} lines: {' | '.join(lines)[:300]}"
        if any(
            len(line) > LONGEST_LINE or re.search(r"[\0-\x08\x0b-\x1f\x7f]", line) for line in lines
        ):
            found.setdefault("lines", f"unprintable or endless: {lines[0][:200]!r}")
        if status not in (0, 1, 2) and status > 0:
            found["verdict"] = f"exit status {status}"
        elif (case.right, status == 0) in ((FAILS, True), (WORKS, False)):
            found["verdict"] = f"should be: {case.right}, exit status {status}"
    outcome.problems = {name: why for name, why in found.items() if why}
