"""The gallery for its readers: its site, and a table of its commands for a text in Markdown."""

from __future__ import annotations

import html
import re
from importlib.metadata import version
from pathlib import Path

import jinja2
from convlab_gallery.build import PHOTO_CREDIT, read_manifest
from convlab_gallery.catalog import DATA, Catalog, Claim

from convlab import markdown, reading
from convlab.errors import DataError
from convlab.experiments import Table
from convlab.files import write_atomically
from convlab.lab.page import content_security_policy

TEMPLATE = Path(__file__).with_name("template")
INDEX = "index.html"
TITLE = "The gallery of convlab"
BEGIN, END = "<!-- gallery -->", "<!-- /gallery -->"


def context(catalog: Catalog, out: Path) -> dict:
    """What the page shows of a gallery's folder: the entries that have a picture.

    Paths are relative to the page.  Raises RunError if the folder is not a gallery's.
    """
    manifest = read_manifest(out)
    data, records = manifest["data"], manifest["entries"]
    shown = [entry for entry in catalog.entries if entry.id in records]
    chapters = []
    for chapter in catalog.chapters:
        entries = [
            {
                "id": entry.id,
                "title": entry.title,
                "idea": entry.idea,
                "concept": entry.concept,
                "command": catalog.typed(entry, data),
                "animated": entry.animated,
                **{key: value for key, value in records[entry.id].items() if key != "hash"},
            }
            for entry in shown
            if entry.chapter == chapter.id
        ]
        if entries:
            chapters.append({"id": chapter.id, "title": chapter.title, "entries": entries})
    pages = [page for page in catalog.pages if page.id in manifest["pages"]]
    films = [film for film in catalog.films if film.id in manifest["films"]]
    needed = catalog.needed([*shown, *films, *pages])
    runs = [{"command": catalog.training(run, data)} for run in needed]
    return {
        "title": TITLE,
        "data": Path(data).name,
        "version": version("convlab"),
        "pages": [
            {
                "title": page.title,
                "idea": page.idea,
                "command": catalog.typed(page, data),
                "file": manifest["pages"][page.id]["file"],
            }
            for page in pages
        ],
        "chapters": chapters,
        "films": [
            {
                **{name: getattr(film, name) for name in ("id", "concept", "title", "idea")},
                "command": catalog.typed(film, data),
                **{k: value for k, value in manifest["films"][film.id].items() if k != "hash"},
            }
            for film in films
        ],
        "claims": [
            _claim(claim, manifest["claims"][claim.id])
            for claim in catalog.claims
            if claim.id in manifest["claims"]
        ],
        "runs": runs,
        "photo_credit": PHOTO_CREDIT if any("photo" in e.places for e in shown) else None,
    }


def _claim(claim: Claim, record: dict) -> dict:
    """A claim with its experiment's table and verdict, and its picture."""
    result = claim.result()
    experiment = result.experiment
    return {
        "id": claim.id,
        "title": experiment.title,
        "claim": experiment.claim,
        "set_up": result.design.set_up,
        # A number stays on one line with its spread.
        "verdict": re.sub(" (?=[±%])|(?<=±) ", "\u00a0", result.verdict.text),
        "word": result.verdict.word,
        "command": result.command,
        "tables": [_table("Table", result.table), _table("Statements", result.verdict.details)],
        "trials": len(result.records),
        "seconds": round(result.seconds),
        "animated": record["still"] is not None,
        **{key: value for key, value in record.items() if key != "hash"},
    }


def _table(name: str, table: Table) -> dict:
    return {
        "name": name,
        "columns": [{"heading": c.heading, "text": c.unit == "text"} for c in table.columns],
        "rows": table.cells()[1:],
    }


def render(context: dict) -> str:
    """The page as HTML, with its style and script in it."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE), autoescape=True, undefined=jinja2.StrictUndefined
    )
    inlined = {
        name: TEMPLATE.joinpath(file).read_text(encoding="utf-8")
        for name, file in (("style", "style.css"), ("script", "script.js"))
    }
    shown = [entry for chapter in context["chapters"] for entry in chapter["entries"]]
    sizes = {
        (item["width"], item["height"])
        for item in [*shown, *context.get("films", ()), *context.get("claims", ())]
    }
    # Not in attributes: the policy allows no style but this one.
    inlined["style"] += "".join(
        f".size-{width}-{height} {{ --width: {width}; --height: {height}; }}\n"
        for width, height in sorted(sizes)
    )
    policy = content_security_policy(
        **inlined, images="'self' file:", extra="; media-src 'self' file:"
    )
    return environment.get_template("index.html").render(context | inlined, policy=policy)


def write(catalog: Catalog, out: Path) -> Path:
    """Write the page of a gallery's folder and return its path.  Raises RunError."""
    path = out / INDEX
    write_atomically(path, render(context(catalog, out)).encode())
    return path


def table(catalog: Catalog, data: str = DATA) -> str:
    """The catalogue as a Markdown table: an idea and its command in each row."""
    rows = []
    for chapter in catalog.chapters:
        entries = [entry for entry in catalog.entries if entry.chapter == chapter.id]
        if entries:
            rows.append((f"**{_title(chapter.title)}**", ""))
        rows += [(_title(entry.title), f"`{catalog.typed(entry, data)}`") for entry in entries]
    if catalog.films:
        rows.append(("**Films**, with `convlab gallery --films`", ""))
    rows += [(_title(film.title), f"`{catalog.typed(film, data)}`") for film in catalog.films]
    if catalog.claims:
        rows.append(("**Claims, measured**", ""))
    for claim in catalog.claims:
        result = claim.result()
        rows.append((_title(result.experiment.title), f"`{result.command}`"))
    return "\n".join(markdown.table(("picture", "the command"), rows)) + "\n"


def _title(text: str) -> str:
    return html.escape(text, quote=False)


def write_table(catalog: Catalog, path: Path, data: str = DATA) -> bool:
    """Write the table between the two marks of a file; returns whether it has changed.

    Raises DataError if the file cannot be read, or does not have each mark once, in order.
    """
    if path.exists() and not path.is_file():  # a device may never end
        raise DataError(f"{path}: expected a text file")
    try:
        text = reading.read_bytes(path, reading.MAX_TABLE).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise DataError(f"{path}: cannot be read: {reason}") from None
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end) or text.count(BEGIN) != 1 or text.count(END) != 1:
        raise DataError(f"{path}: expected one {BEGIN} and after it one {END}")
    changed = f"{before}{BEGIN}\n\n{table(catalog, data)}\n{END}{after}"
    if changed != text:
        write_atomically(path, changed.encode())
    return changed != text
