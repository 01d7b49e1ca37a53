"""Building: what has changed is remade, by the commands of the catalogue."""

from __future__ import annotations

import hashlib
import io
import json
import multiprocessing
import os
import re
import shlex
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing.synchronize import Event
from pathlib import Path

from convlab_gallery.catalog import DATA, PHOTO, Catalog, Claim, Entry, Film, Item, Page, Run
from PIL import Image, PngImagePlugin

import convlab
from convlab import data as data_sets
from convlab import get_num_threads, random, set_num_threads
from convlab.errors import ConvlabError, DataError, RunError
from convlab.experiments import Result, read_result
from convlab.files import is_free, locked, make_folder, write_atomically
from convlab.reading import read_json
from convlab.training.run_folder import MODEL

MANIFEST = "gallery.json"
FOLDERS = ("pictures", "data", "runs")
PHOTO_CREDIT = "china.jpg by danielbuechele, CC BY 2.0, from scikit-learn"
FILES = ("picture", "picture_dark", "still", "still_dark", "numbers")
"""The files of an entry in the manifest, relative to the gallery's folder; stills are None unless
it moves."""
RECORD = (*FILES, "width", "height", "alt", "hash")
"""What the manifest knows of an entry or a claim: also its size in pixels, and what it was made
from."""
FILM_RECORD = ("file", "still", "width", "height", "alt", "hash")
PAGE_RECORD = ("file", "hash")
"""What the manifest knows of a page."""

_FILE = re.compile(r"((pictures|data)/)?[a-z0-9][a-z0-9-]*\.(png|svg|gif|mp4|json|html)")
_MAKING = ".making"  # for incomplete files, in a separate folder for each process

# What a training depends on; a new figure is no reason to train again.
_LEARNING = ("kernels", "data", "models", "models/specs", "training")
_LIBRARIES = ("matplotlib", "numba", "numpy", "pillow", "scikit-learn", "scipy")


@dataclass(frozen=True)
class Outcome:
    """The outcome of a run, entry, page or claim: "made", "kept" as nothing had changed, or
    "failed"."""

    kind: str
    id: str
    state: str
    seconds: float = 0.0
    error: str | None = None


def build(
    catalog: Catalog,
    out: Path,
    *,
    data: str = DATA,
    only: Sequence[str] = (),
    films: bool = False,
    force: bool = False,
) -> Iterator[Outcome]:
    """Make those of a catalogue's pictures and pages that have changed, and yield each outcome.

    out: the gallery's folder, made if necessary: pictures/ (light and dark, and
        the first frame of what moves), data/ (the numbers), runs/ (what was
        trained), the pages and gallery.json, which knows what each was made from.
    data: the data set that the runs are trained on, as ``convlab train`` takes it.
    only: the ids of what to consider; without one all, ``films`` if they are wanted.  force:
    make them, and the runs they need, even if nothing has changed.

    The commands run in that folder, side by side, one process for each of ``get_num_threads()``
    threads.  A picture that fails leaves its older one as it was.

    Raises SpecError for an unknown id, DataError for an unknown data set, and RunError for a folder
    that holds something else or cannot be written, and if a process was killed.
    """
    items = catalog.chosen(only, films)
    if not data_sets.is_source(data):
        raise DataError(f"unknown data set {data!r}: expected {data_sets.EXPECTED}")
    data = data_sets.located(data)  # the commands run in the gallery's folder
    make_folder(out)
    with locked(out):
        try:
            yield from _Builder(catalog, out, data, force).make(items)
        finally:
            for folder in FOLDERS:
                with suppress(OSError):  # there is something in it
                    os.rmdir(out / folder)


def read_manifest(out: Path) -> dict:
    """What a gallery's folder holds: its data set; its runs, entries, pages and claims by id.

    Raises RunError if there is none, or if it is another program's.
    """
    path = out / MANIFEST
    try:
        manifest = read_json(path)
        if not isinstance(manifest["data"], str) or not isinstance(manifest["runs"], dict):
            raise TypeError
        for kind, fields in (
            ("entries", RECORD),
            ("films", FILM_RECORD),
            ("pages", PAGE_RECORD),
            ("claims", RECORD),
        ):
            # A gallery of an older version has only entries.
            for record in manifest.setdefault(kind, {}).values():
                if record.keys() != set(fields):
                    raise TypeError
                if not all(_FILE.fullmatch(file) for file in files_of(record)):
                    raise ValueError  # files of the gallery's folder, and no others
                if not {type(record.get(side, 0)) for side in ("width", "height")} <= {int}:
                    raise TypeError
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise RunError(f"{path}: expected what convlab gallery wrote, got something else") from None
    return manifest


def files_of(record: dict) -> list[str]:
    """The files of a record, from the gallery's folder."""
    return sorted({record[kind] for kind in (*FILES, "file") if record.get(kind) is not None})


class _Builder:
    """One build: what is in progress and what is known about it."""

    def __init__(self, catalog: Catalog, out: Path, data: str, force: bool):
        self.catalog, self.out, self.data, self.force = catalog, out, data, force
        self.manifest = _opened(out, data)
        self.libraries = [f"{name} {version(name)}" for name in _LIBRARIES]
        package, commands = Path(convlab.__file__).parent, catalog.commands
        learning = [package, *(package / name for name in _LEARNING)]
        self.learning = _digest_of_sources(
            [*(path for folder in learning for path in _sources(folder, "*")), *commands.training]
        )
        self.drawing = _digest_of_sources([*_sources(package, "**/*"), *commands.sources])
        self.models: dict[str, str | None] = {}  # of finished runs; None: failed
        self.under_way: dict[Future, tuple[Run | Item, str]] = {}
        # Threads of OpenMP do not survive a fork.
        method = multiprocessing.get_context("spawn")
        self.stopped = method.Event()
        self.processes, self.started = get_num_threads(), 0
        self.pool = ProcessPoolExecutor(
            self.processes, method, _start, (str(out), self.stopped, catalog.commands.run)
        )

    def make(self, items: Sequence[Item]) -> Iterator[Outcome]:
        """Runs first, then each item as soon as its runs are ready, the longest first."""
        todo = [
            *self.catalog.needed(items),
            *sorted(items, key=lambda item: not getattr(item, "animated", isinstance(item, Film))),
        ]
        try:
            photo = self.out / PHOTO
            if not photo.exists() and any("photo" in item.places for item in items):
                write_atomically(photo, _photograph())
            while todo or self.under_way:
                able = (item for item in todo if self.needs(item) <= self.models.keys())
                item = next(able, None) if len(self.under_way) < self.processes else None
                if item is None:
                    for future in wait(self.under_way, return_when=FIRST_COMPLETED).done:
                        yield self.finish(future)
                    continue
                todo.remove(item)
                outcome = self.begin_run(item) if isinstance(item, Run) else self.begin_item(item)
                if outcome is not None:
                    yield outcome
            self.discard_others()
        except BrokenProcessPool:
            raise RunError(
                "a process that makes pictures was ended by the system: is there enough memory?"
            ) from None
        finally:
            self.stopped.set()
            self.pool.shutdown(cancel_futures=True)
            for making in self.out.glob(f"{_MAKING}*"):
                shutil.rmtree(making, ignore_errors=True)
            self.save()

    def needs(self, item: Run | Item) -> set[str]:
        """The ids of the runs that it needs."""
        return set() if isinstance(item, Run) else {r.id for r in self.catalog.needed([item])}

    def begin_run(self, run: Run) -> Outcome | None:
        """Start a training, unless there is an outcome already."""
        typed, folder = self.catalog.training(run, self.data), run.folder(self.data)
        made_from = _digest(typed, self.learning, self.libraries)
        known = self.manifest["runs"].get(run.id, {})
        model = _digest_of_file(self.out / folder / MODEL)
        if not self.force and known == {"hash": made_from, "model": model}:
            self.models[run.id] = model
            return Outcome("run", run.id, "kept")
        words = shlex.split(typed)
        try:
            _check_own(self.out / folder)
        except RunError as error:
            self.models[run.id] = None
            return Outcome("run", run.id, "failed", error=str(error))
        quietly = [*words, "-o", folder, "--exist-ok", "--quiet"]
        self.submit(run, made_from, _train, quietly, words)
        return None

    def begin_item(self, item: Item) -> Outcome | None:
        """Start an entry, a page or a claim, unless there is an outcome already."""
        kind, records, function = _KINDS[type(item)]
        missing = [run for run in self.needs(item) if self.models[run] is None]
        if missing:
            error = f"the run {missing[0]} that it needs was not trained"
            return Outcome(kind, item.id, "failed", error=error)
        inputs = {run: self.models[run] for run in sorted(self.needs(item))}
        if isinstance(item, Claim):
            todo = str(item.path.resolve())
            inputs["results"] = _digest_of_file(item.path)
        else:
            todo = self.catalog.typed(item, self.data)
            inputs["typed"] = todo
        if "photo" in item.places:
            inputs["photo"] = _digest_of_file(self.out / PHOTO)
        made_from = _digest(inputs, self.drawing, self.libraries)
        known = self.manifest[records].get(item.id)
        if (
            not self.force
            and known is not None
            and known["hash"] == made_from
            and all((self.out / file).is_file() for file in files_of(known))
        ):
            return Outcome(kind, item.id, "kept")
        self.submit(item, made_from, function, item, todo)
        return None

    def submit(self, item: Run | Item, made_from: str, function: Callable, *arguments) -> None:
        """Give a run or an item to the next free process."""
        # The pool starts a process when all its processes are busy.  Ctrl-C in that moment is lost,
        # so the work is limited to as many as there are.
        starts = self.started < self.processes and len(self.under_way) >= self.started
        self.started += starts
        with _ignored_interrupts() if starts else nullcontext():
            future = self.pool.submit(function, *arguments)
        self.under_way[future] = item, made_from

    def finish(self, future: Future) -> Outcome:
        """The outcomes of what is done, recorded in the manifest."""
        item, made_from = self.under_way.pop(future)
        kind, records, _ = _KINDS[type(item)]
        try:
            seconds, made = future.result()
        except (RunError, OSError) as error:
            if kind == "run":
                self.models[item.id] = None
            return Outcome(kind, item.id, "failed", error=str(error))
        if kind == "run":
            model = _digest_of_file(self.out / item.folder(self.data) / MODEL)
            self.models[item.id] = model
            made = {"model": model}
        self.manifest[records][item.id] = {"hash": made_from, **made}
        self.save()  # what is made is not remade after a crash
        return Outcome(kind, item.id, "made", round(seconds, 3))

    def discard_others(self) -> None:
        """Delete the files of what the catalogue no longer has."""
        known = {item.id for item in self.catalog.chosen(films=True)}
        for records in ("entries", "films", "pages", "claims"):
            for name in self.manifest[records].keys() - known:
                for file in files_of(self.manifest[records].pop(name)):
                    (self.out / file).unlink(missing_ok=True)

    def save(self) -> None:
        """Write the manifest."""
        text = json.dumps(self.manifest, indent=1, sort_keys=True, ensure_ascii=False)
        write_atomically(self.out / MANIFEST, f"{text}\n".encode())


def _opened(out: Path, data: str) -> dict:
    """The manifest of the gallery's folder, which is created if it does not exist."""
    if not is_free(out, (), MANIFEST):
        if not (out / MANIFEST).is_file():
            raise RunError(
                f"{out}: expected an empty folder or one of convlab gallery, there is no {MANIFEST}"
            )
        manifest = read_manifest(out)
        if manifest["data"] != data:
            raise RunError(
                f"{out}: holds the gallery of {manifest['data']}; name another folder with -o"
                f" for that of {data}"
            )
    else:
        manifest = {"data": data, "runs": {}, "entries": {}, "films": {}, "pages": {}, "claims": {}}
    for folder in FOLDERS:
        _check_own(out / folder)
    for making in out.glob(f"{_MAKING}*"):
        _check_own(making)
    manifest["convlab"] = version("convlab")
    # The first thing in the folder, so that it is recognised as ours.
    write_atomically(out / MANIFEST, json.dumps(manifest).encode())
    for folder in FOLDERS:
        make_folder(out / folder)
    for making in out.glob(f"{_MAKING}*"):
        shutil.rmtree(making, ignore_errors=True)
    return manifest


def _check_own(folder: Path) -> None:
    """Raise RunError for a link: the results would be outside the gallery."""
    if folder.is_symlink():
        raise RunError(f"{folder}: expected a folder of the gallery's own, got a link")


def _photograph() -> bytes:
    credit = PngImagePlugin.PngInfo()
    credit.add_text("Copyright", PHOTO_CREDIT)
    buffer = io.BytesIO()
    Image.fromarray(data_sets.photograph("china")).save(buffer, "PNG", pnginfo=credit)
    return buffer.getvalue()


# --- what things were made from -----------------------------------------------------------


def _sources(folder: Path, pattern: str) -> list[Path]:
    suffixes = (".py", ".toml", ".html", ".css", ".js")
    return [path for path in folder.glob(pattern) if path.suffix in suffixes]


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _digest_of_file(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def _digest_of_sources(paths: Sequence[Path]) -> str:
    return _digest(*(f"{path.name} {_digest_of_file(path)}" for path in sorted(set(paths))))


@contextmanager
def _ignored_interrupts() -> Iterator[None]:
    # Inherited by new processes: otherwise Ctrl-C would print a traceback of their imports.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


# --- in the processes that make pictures --------------------------------------------------

_stopped: Event
_run: Callable[[Sequence[str]], None]


def _start(folder: str, stopped: Event, run: Callable[[Sequence[str]], None]) -> None:
    global _stopped, _run
    _stopped, _run = stopped, run
    threading.Thread(target=_end_with_parent, daemon=True).start()
    variable = data_sets.sources.VARIABLE
    if os.environ.get(variable):
        os.environ[variable] = os.path.abspath(os.environ[variable])
    os.chdir(folder)
    sys.stdin = io.TextIOWrapper(io.BytesIO())  # a command that reads it must not wait
    set_num_threads(1)  # as there are as many processes as threads


def _end_with_parent() -> None:
    # A pool's process would wait for work forever, and hold the lock of the run it trains.
    parent = multiprocessing.parent_process()
    assert parent is not None, "a pool has started this process"
    parent.join()
    os._exit(1)


def _call(words: Sequence[str], typed: Sequence[str]) -> None:
    """Run a command here; files that it writes name it as ``typed``.  Raises RunError."""
    if _stopped.is_set():
        raise RunError("stopped")
    random.manual_seed(0)  # as a separate process would begin
    sys.argv = list(typed)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            _run(words)
    except ConvlabError as error:
        raise RunError(str(error)) from None
    except Exception as error:
        message = " ".join(f"{type(error).__name__}: {error}".split())
        raise RunError(f"a mistake in convlab: {message}") from None
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _train(words: Sequence[str], typed: Sequence[str]) -> tuple[float, None]:
    begin = time.perf_counter()
    _call(words, typed)
    return time.perf_counter() - begin, None


def _draw(entry: Entry, typed: str) -> tuple[float, dict]:
    """Make an entry's files and, once all exist, move them into place."""
    begin = time.perf_counter()
    words = shlex.split(typed)
    light, dark = entry.picture, _beside(entry.picture, "-dark")
    folder = _making(entry.id)
    make_folder(folder)
    try:
        numbers = folder / f"{entry.id}.json"
        _call([*_written_to(words, folder / light), "--json-file", str(numbers)], words)
        pictures = [light]
        if "--theme" not in words:  # otherwise the theme is what it is about
            typed_dark = [*_written_to(words, dark), "--theme", "dark"]
            _call(_written_to(typed_dark, folder / dark), typed_dark)
            pictures.append(dark)
        stills = [_still(folder / picture) for picture in pictures] if entry.animated else []
        alt = json.loads(numbers.read_text(encoding="utf-8"))["description"].strip()
        if not alt:
            raise RunError("expected a description of the picture as its alternative text")
        width, height = _size(folder / light)
        record = _moved(pictures, stills, numbers)
    finally:
        shutil.rmtree(folder)
    return time.perf_counter() - begin, record | {"width": width, "height": height, "alt": alt}


def _moved(pictures: Sequence[str], stills: Sequence[str], numbers: Path) -> dict:
    """Move what was made, with its numbers, into place; returns the files for the manifest."""
    for file in (*pictures, *stills):
        os.replace(numbers.with_name(file), Path("pictures", file))
    os.replace(numbers, Path("data", numbers.name))
    return {
        "picture": f"pictures/{pictures[0]}",
        "picture_dark": f"pictures/{pictures[-1]}",
        "still": f"pictures/{stills[0]}" if stills else None,
        "still_dark": f"pictures/{stills[-1]}" if stills else None,
        "numbers": f"data/{numbers.name}",
    }


def _film(film: Film, typed: str) -> tuple[float, dict]:
    """Make a film and, once it exists, move it into place with its first frame."""
    begin = time.perf_counter()
    words = shlex.split(typed)
    folder = _making(film.id)
    make_folder(folder)
    try:
        made, numbers = folder / f"{film.id}.mp4", folder / f"{film.id}.json"
        _call([*_written_to(words, made), "--json-file", str(numbers)], words)
        import av  # which the film was made with

        with av.open(str(made)) as container:
            first = next(container.decode(video=0)).to_image()
        buffer = io.BytesIO()
        first.save(buffer, "PNG")
        still = Path("pictures", f"{film.id}-still.png")
        write_atomically(still, buffer.getvalue())
        alt = json.loads(numbers.read_text(encoding="utf-8"))["description"].strip()
        os.replace(made, Path("pictures", made.name))
    finally:
        shutil.rmtree(folder)
    files = {"file": f"pictures/{film.id}.mp4", "still": str(still)}
    size = {"width": first.width, "height": first.height}
    return time.perf_counter() - begin, {**files, **size, "alt": alt}


def _write_page(page: Page, typed: str) -> tuple[float, dict]:
    """Make a network's page and, once it exists, move it into place."""
    begin = time.perf_counter()
    words = shlex.split(typed)
    made = _making(f"{page.id}.html")
    make_folder(made.parent)
    _call(_written_to(words, made), words)
    os.replace(made, made.name)
    return time.perf_counter() - begin, {"file": made.name}


def _draw_claim(claim: Claim, path: str) -> tuple[float, dict]:
    """Draw the results of an experiment, light and dark."""
    begin = time.perf_counter()
    folder = _making(claim.id)
    make_folder(folder)
    try:
        record = _draw_result(read_result(Path(path)), Path(path), folder)
    except ConvlabError as error:
        raise RunError(str(error)) from None
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
        # Of figures that a table takes and a picture cannot draw.
        raise RunError(
            f"{path}: expected the results of an experiment, got something else"
        ) from None
    finally:
        shutil.rmtree(folder)
    return time.perf_counter() - begin, record


def _draw_result(result: Result, path: Path, folder: Path) -> dict:
    name, numbers = result.experiment.name, folder / path.name
    suffix = result.suffixes[-1]
    moving = suffix == ".gif"
    pictures = []
    for theme, ending in (("light", ""), ("dark", "-dark")):
        file = f"{name}{ending}{suffix}"
        write_atomically(folder / file, result.content(suffix, theme=theme, command=result.command))
        pictures.append(file)
    stills = [_still(folder / file) for file in pictures] if moving else []
    write_atomically(numbers, path.read_bytes())
    width, height = _size(folder / pictures[0])
    shown = {"width": width, "height": height, "alt": result.description}
    return _moved(pictures, stills, numbers) | shown


def _making(name: str) -> Path:
    """Where this process makes what it then moves, away from the leftovers of a crash."""
    return Path(f"{_MAKING}-{os.getpid()}", name)


def _beside(file: str, ending: str, suffix: str | None = None) -> str:
    path = Path(file)
    return f"{path.stem}{ending}{suffix or path.suffix}"


def _written_to(words: Sequence[str], output: str | Path) -> list[str]:
    """The command with another file after its -o."""
    place = words.index("-o") + 1
    return [*words[:place], str(output), *words[place + 1 :]]


def _still(animation: Path) -> str:
    """Write the first frame next to an animation, for readers who prefer no motion."""
    name = _beside(animation.name, "-still", ".png")
    buffer = io.BytesIO()
    with Image.open(animation) as frames:
        frames.convert("RGB").save(buffer, "PNG")
    write_atomically(animation.with_name(name), buffer.getvalue())
    return name


def _size(picture: Path) -> tuple[int, int]:
    """Width and height in pixels; for an SVG in CSS pixels, 96 per inch."""
    if picture.suffix != ".svg":
        with Image.open(picture) as image:
            return image.size
    root = picture.read_text(encoding="utf-8").partition("<svg")[2].partition(">")[0]
    points = dict(re.findall(r'\b(width|height)="([\d.]+)pt"', root))
    width, height = (round(float(points[side]) * 96 / 72) for side in ("width", "height"))
    return width, height


# What the manifest and the outcomes call each, and what makes it.
_KINDS = {
    Run: ("run", "runs", _train),
    Entry: ("entry", "entries", _draw),
    Film: ("film", "films", _film),
    Page: ("page", "pages", _write_page),
    Claim: ("claim", "claims", _draw_claim),
}
