"""A complete gallery: its pictures, its page, and the outcome in words."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convlab_gallery import build, site
from convlab_gallery.build import Outcome
from convlab_gallery.catalog import DATA, Catalog

from convlab.data import located, short_name


@dataclass(frozen=True)
class Made:
    """The outcome of making a gallery.

    ``page`` is None if there are no pictures for ``missing``, the ids of some of what was wanted.
    """

    folder: Path
    page: Path | None
    seconds: float
    outcomes: tuple[Outcome, ...]
    missing: tuple[str, ...]

    @property
    def failed(self) -> list[Outcome]:
        """What could not be made."""
        return [outcome for outcome in self.outcomes if outcome.state == "failed"]

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, for JSON."""
        return {
            "folder": str(self.folder),
            "page": self.page and str(self.page),
            "seconds": round(self.seconds, 3),
            "outcomes": [vars(outcome) for outcome in self.outcomes],
        }

    def lines(self) -> list[str]:
        """How much was made, and the page; nothing if there is no page."""
        if self.page is None:
            return []
        pictures = [outcome.state for outcome in self.outcomes if outcome.kind != "run"]
        new, kept = pictures.count("made"), pictures.count("kept")
        return [
            f"{new} picture{'s' * (new != 1)} made, {kept} kept, in {self.seconds:.1f} s",
            f"page: {self.page}",
        ]

    def errors(self) -> list[str]:
        """What failed, one line each."""
        lines = [f"{outcome.kind} {outcome.id}: {outcome.error}" for outcome in self.failed]
        if lines and list(self.missing) == [outcome.id for outcome in self.failed]:
            lines[-1] += "; no page written"
        elif self.missing:
            lines.append(f"no page written: there is no picture of {', '.join(self.missing)}")
        return lines


class Making:
    """A gallery that is made while its outcomes are iterated over; then ``made`` says the rest.

    The arguments are those of ``build.build``; ``out`` is gallery-DATA by default.
    ``len`` of it is how many outcomes there will be.  Raises SpecError for an unknown id.
    """

    def __init__(
        self,
        catalog: Catalog,
        out: Path | None = None,
        *,
        data: str = DATA,
        only: Sequence[str] = (),
        films: bool = False,
        force: bool = False,
    ):
        name = short_name(located(data))
        self.catalog, self.out = catalog, out or Path(f"gallery-{name}")
        self.wanted = catalog.chosen(only, films)
        self.settings = {"data": data, "only": only, "films": films, "force": force}
        self.outcomes: list[Outcome] = []
        self.begin = time.perf_counter()

    def __len__(self) -> int:
        return len(self.wanted) + len(self.catalog.needed(self.wanted))

    def __iter__(self) -> Iterator[Outcome]:
        for outcome in build.build(self.catalog, self.out, **self.settings):
            self.outcomes.append(outcome)
            yield outcome

    def made(self) -> Made:
        """Write the page, unless one of its pictures is missing.  Raises RunError."""
        manifest = build.read_manifest(self.out)
        kinds = "entries", "films", "pages", "claims"
        there = set().union(*(manifest[kind] for kind in kinds))
        missing = tuple(item.id for item in self.wanted if item.id not in there)
        page = None if missing else site.write(self.catalog, self.out)
        seconds = time.perf_counter() - self.begin
        return Made(self.out, page, seconds, tuple(self.outcomes), missing)
