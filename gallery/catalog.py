"""The catalogue: which pictures the gallery shows, and the command behind each."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convlab import experiments, reading
from convlab.errors import RunError, SpecError
from convlab.names import listed, meant

CATALOG = Path(__file__).with_name("catalog.toml")
RESULTS = Path(__file__).with_name("experiments")  # of all experiments, quick and full
PHOTO = "photo.png"
"""The photograph's file in the gallery's folder: what {photo} in a command stands for."""

SUFFIXES = (".png", ".svg", ".gif")
DATA = "digits"
"""The data set of the runs unless another is given; also the default of ``convlab train``."""

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_PLACE = re.compile(r"\{([\w-]*)\}")


@dataclass(frozen=True)
class Parsed:
    """A command as a command line understands it.

    ``name``: such as "convlab render filters"; ``settings``: all of them by name; ``writes``: the
    options in it that name its output files, as often as they are given.
    """

    name: str
    settings: dict[str, Any]
    writes: tuple[str, ...]


@dataclass(frozen=True)
class CommandLine:
    """What carries out the commands of a catalogue.

    ``parse(command)`` says what a command means as typed by a user, and raises SpecError if it
    cannot be run; ``run(words)`` runs one, given as a shell splits it into words, and raises
    ConvlabError.  ``run`` can be passed to other processes: it is a function of a module.
    ``sources``: its files, on which pictures depend; ``training``: those on which runs depend.
    """

    parse: Callable[[str], Parsed]
    run: Callable[[Sequence[str]], None]
    sources: tuple[Path, ...]
    training: tuple[Path, ...]


@dataclass(frozen=True)
class Chapter:
    """A heading of the page."""

    id: str
    title: str


@dataclass(frozen=True)
class Run:
    """A network that some entries need trained; they write {id} where its folder goes."""

    id: str
    command: str

    def folder(self, data: str) -> str:
        """Its folder, relative to the gallery's: runs/ID-DATA."""
        return f"runs/{self.id}-{Path(data).name}"


@dataclass(frozen=True)
class _Made:
    """What a command makes, its title, and the text below it."""

    id: str
    title: str
    idea: str
    command: str

    @property
    def places(self) -> set[str]:
        """The names that stand in braces in its command."""
        return set(_PLACE.findall(self.command))


@dataclass(frozen=True)
class Page(_Made):
    """A network's page, ID.html, that the gallery links to."""


@dataclass(frozen=True)
class Film(_Made):
    """A film, ID.mp4: what it is about, in the course's terms, and the command that makes it."""

    concept: str


@dataclass(frozen=True)
class Entry(_Made):
    """A picture: what it is about, in the course's terms, and the command that makes it."""

    concept: str
    chapter: str

    @property
    def picture(self) -> str:
        """The file name that follows -o in its command."""
        words = shlex.split(self.command)
        return words[words.index("-o") + 1]

    @property
    def animated(self) -> bool:
        """Whether its picture is an animation."""
        return self.picture.endswith(".gif")


@dataclass(frozen=True)
class Claim:
    """What a lecture claims and an experiment has measured: its results, which are only drawn.

    ``id`` is the experiment's name, ``path`` the file that ``convlab experiment run --json-file``
    has written.
    """

    id: str
    path: Path
    places: frozenset[str] = frozenset()

    def result(self) -> experiments.Result:
        """The results with their table and verdict.  Raises RunError for another file."""
        return experiments.read_result(self.path)


Item = Entry | Film | Page | Claim


@dataclass(frozen=True)
class Catalog:
    """Chapters, runs, entries, films, pages and claims, all in the order of the page.

    ``commands`` carries out their commands.
    """

    commands: CommandLine
    chapters: tuple[Chapter, ...]
    runs: tuple[Run, ...]
    entries: tuple[Entry, ...]
    pages: tuple[Page, ...] = ()
    claims: tuple[Claim, ...] = ()
    films: tuple[Film, ...] = ()

    def chosen(self, only: Sequence[str] = (), films: bool = False) -> tuple[Item, ...]:
        """What is called ``only``, or all; ``films``, which take long, only if they are wanted.

        Raises SpecError.
        """
        items: tuple[Item, ...] = (*self.entries, *self.films, *self.pages, *self.claims)
        known = [item.id for item in items]
        for name in only:
            if name not in known:
                raise SpecError(
                    f"unknown entry {name!r}: expected one of {listed(known, 200)}"
                    f"{meant(name, known)}"
                )
        wanted = {*only} or {item.id for item in items if films or not isinstance(item, Film)}
        return tuple(item for item in items if item.id in wanted)

    def needed(self, items: Sequence[Item]) -> tuple[Run, ...]:
        """The runs whose folders these entries, pages and claims need."""
        places = set().union(*(item.places for item in items))
        return tuple(run for run in self.runs if run.id in places)

    def typed(self, item: Entry | Film | Page, data: str = DATA) -> str:
        """An entry's or a page's command as typed by a user in the gallery's folder."""
        return _filled(item.command, self.runs, data)

    def training(self, run: Run, data: str = DATA) -> str:
        """A run's command as typed by a user, with its data set and folder if they matter."""
        command = run.command
        if _without(command, "--data") and data != DATA:
            command += f" --data {shlex.quote(data)}"
        settings = self.commands.parse(command).settings
        usual = f"runs/{Path(settings['model']).stem}-{Path(settings['data']).name}"
        if run.folder(data) != usual:
            command += f" -o {shlex.quote(run.folder(data))}"
        return command


def _without(command: str, option: str) -> bool:
    return not any(word.partition("=")[0] == option for word in shlex.split(command))


def _filled(command: str, runs: Sequence[Run], data: str) -> str:
    places = {run.id: run.folder(data) for run in runs} | {"photo": PHOTO, "data": data}

    def fill(match):
        if match[1] not in places:
            expected = ", ".join(f"{{{name}}}" for name in places)
            raise SpecError(f"unknown {match[0]} in the command: expected one of {expected}")
        return shlex.quote(places[match[1]])

    return _PLACE.sub(fill, command)


def _check_writes(parsed: Parsed, command: str, *allowed: str) -> None:
    """Raise SpecError if a command names another place to write to, in any spelling."""
    others = list(parsed.writes)
    for option in allowed:
        if option not in others:
            raise SpecError(f"expected one {option} in its command, got {command!r}")
        others.remove(option)
    if others:
        raise SpecError(f"expected a command without {others[0]}, got {command!r}")


def read(commands: CommandLine, path: Path | str = CATALOG) -> Catalog:
    """Read a catalogue and check it, its commands as ``commands`` understands them.

    Raises SpecError, with one line that names the mistake.
    """
    path = Path(path)
    try:
        tables = reading.parse_toml(reading.read_text(path, reading.MAX_TOML))
    except OSError as error:
        raise SpecError(f"{path}: cannot be read as a catalogue: {error.strerror}") from None
    except ValueError as error:
        raise SpecError(f"{path}: {error}") from None
    kinds = {"chapter": Chapter, "run": Run, "entry": Entry, "film": Film, "page": Page}
    for name in tables:
        if name not in (*kinds, "claims"):
            raise SpecError(
                f"{path}: expected tables chapter, run, entry, film, page, and claims, got {name!r}"
            )
    parts = {
        name: tuple(
            _item(path, name, kind, number, table)
            for number, table in enumerate(_tables(path, name, tables), 1)
        )
        for name, kind in kinds.items()
    }
    claims = _claims(path, tables["claims"]) if "claims" in tables else ()
    pages, films = parts["page"], parts["film"]
    first = parts["chapter"], parts["run"], parts["entry"]
    catalog = Catalog(commands, *first, pages, claims, films)
    if not catalog.entries:
        raise SpecError(f"{path}: expected at least one entry, got none")
    shown = {claim.id for claim in claims}  # --only takes entries, films, pages and claims
    ids = {"chapter": set(), "run": {"photo", "data"}}
    ids |= {"entry": shown, "film": shown, "page": shown}
    for name, items in parts.items():
        for item in items:
            if item.id in ids[name]:  # for a run: these are in the braces in commands
                raise SpecError(f"{path}: {name} {item.id}: this id is used already")
            ids[name].add(item.id)
    checks: dict[str, Callable[[Any, Catalog], None]] = {
        "run": _check_run,
        "entry": _check_entry,
        "film": _check_film,
        "page": _check_page,
    }
    for name, check in checks.items():
        for item in parts[name]:
            try:
                check(item, catalog)
            except SpecError as error:
                raise SpecError(f"{path}: {name} {item.id}: {error}") from None
    return catalog


def _claims(path: Path, folder: object) -> tuple[Claim, ...]:
    """The results in a folder beside the catalogue, in the order of the experiments."""
    if not isinstance(folder, str) or not path.parent.joinpath(folder).is_dir():
        raise SpecError(
            f"{path}: claims: expected a folder of results beside the catalogue, got {folder!r:.40}"
        )
    found: dict[str, Claim] = {}
    for file in sorted(path.parent.joinpath(folder).glob("*.json")):
        try:
            name = experiments.read_result(file).experiment.name
        except RunError as error:
            raise SpecError(f"{path}: claims: {error}") from None
        found.setdefault(name, Claim(name, file))
    return tuple(found[name] for name in experiments.NAMES if name in found)


def _tables(path: Path, name: str, tables: dict) -> list:
    found = tables.get(name, [])
    if not isinstance(found, list):
        raise SpecError(f"{path}: expected [[{name}]] with two brackets each, got a single {name}")
    return found


def _item(path: Path, name: str, kind: type[Any], number: int, table: object):
    """One table as its dataclass: all fields present, as texts, and no others."""
    fields = list(kind.__dataclass_fields__)
    label = f"{path}: {name} {number}"
    if not isinstance(table, dict):
        raise SpecError(f"{label}: expected a table, got {table!r:.40}")
    if isinstance(table.get("id"), str):
        label = f"{path}: {name} {table['id']}"
    for field in fields:
        if field not in table:
            raise SpecError(f"{label}: expected {', '.join(fields)}; there is no {field}")
        if not isinstance(table[field], str) or not table[field].strip():
            raise SpecError(f"{label}: expected a text as its {field}, got {table[field]!r:.40}")
    for field in table:
        if field not in fields:
            raise SpecError(f"{label}: expected {', '.join(fields)}; got {field!r}")
    if not _ID.fullmatch(table["id"]) or table["id"].endswith(("-dark", "-still")):
        raise SpecError(
            f"{label}: expected an id of small letters, digits and hyphens that does not end in"
            f" -dark or -still, got {table['id']!r}"
        )
    return kind(**{field: " ".join(table[field].split()) for field in fields})


def _check_run(run: Run, catalog: Catalog) -> None:
    parsed = catalog.commands.parse(run.command)
    if parsed.name != "convlab train":
        raise SpecError(f"expected a convlab train command, got {run.command!r}")
    _check_writes(parsed, run.command)


def _check_entry(entry: Entry, catalog: Catalog) -> None:
    if entry.chapter not in [chapter.id for chapter in catalog.chapters]:
        known = ", ".join(chapter.id for chapter in catalog.chapters) or "none is there"
        raise SpecError(f"unknown chapter {entry.chapter!r}: expected one of {known}")
    parsed = catalog.commands.parse(_filled(entry.command, catalog.runs, DATA))
    if not {"output", "theme", "json_file", "alt"} <= parsed.settings.keys():
        raise SpecError(
            f"expected a command that makes a picture, with -o, --theme, --json-file and --alt,"
            f" got {entry.command!r}"
        )
    words, output = shlex.split(entry.command), parsed.settings["output"]
    files = [f"{entry.id}{suffix}" for suffix in SUFFIXES]
    if str(output) not in files or words.count("-o") != 1:
        raise SpecError(
            f"expected -o {', '.join(files[:-1])} or {files[-1]} in its command,"
            f" got {entry.command!r}"
        )
    _check_writes(parsed, entry.command, "-o")
    if parsed.settings["alt"]:
        raise SpecError(f"expected a command without --alt, got {entry.command!r}")


def _check_film(film: Film, catalog: Catalog) -> None:
    parsed = catalog.commands.parse(_filled(film.command, catalog.runs, DATA))
    words, wanted = shlex.split(film.command), f"{film.id}.mp4"
    is_one = "alt" in parsed.settings and str(parsed.settings.get("output")) == wanted
    if not is_one or words.count("-o") != 1:
        raise SpecError(f"expected a command of a film with -o {wanted}, got {film.command!r}")
    _check_writes(parsed, film.command, "-o")


def _check_page(page: Page, catalog: Catalog) -> None:
    parsed = catalog.commands.parse(_filled(page.command, catalog.runs, DATA))
    words, wanted = shlex.split(page.command), f"{page.id}.html"
    output = parsed.settings.get("output")
    if parsed.name != "convlab page" or str(output) != wanted or words.count("-o") != 1:
        raise SpecError(f"expected a convlab page command with -o {wanted}, got {page.command!r}")
    _check_writes(parsed, page.command, "-o")
