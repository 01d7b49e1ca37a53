"""``convlab gallery``: all pictures of the catalogue, on a page."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
from convlab_cli import options
from convlab_cli.output import json_text


@click.command()
@click.option(
    "--out",
    type=options.Written(file_okay=False, path_type=Path),
    help="Folder of the gallery.  [default: gallery-DATA, such as gallery-digits]",
)
@click.option(
    "--data",
    default="digits",
    show_default=True,
    help="What the networks are trained on: digits, mnist, ..., or a folder of images.",
)
@click.option(
    "--only",
    metavar="ID",
    multiple=True,
    help="Only this entry, page or claim, and what it needs; may be repeated.",
)
@click.option("--force", is_flag=True, help="Also make what has not changed.")
@click.option(
    "--catalog",
    "catalog_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A catalogue of your own, a .toml file.",
)
@click.option(
    "--table",
    metavar="FILE",
    type=options.WRITTEN,
    help="Build nothing; write the catalogue as a Markdown table into FILE, between the marks"
    " <!-- gallery --> and <!-- /gallery -->.",
)
@options.threads
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object.")
def command(out, data, only, force, catalog_file, table, as_json):
    """Make every picture of the catalogue, and a page that shows them.

    Each entry of the catalogue is an idea and the command that draws it; the
    networks that they need are trained first.  Claims of lectures are drawn from
    the results of their experiments.  What has not changed since the last time is
    kept.  Open index.html of the folder in a browser.
    """
    if table is not None and (out is not None or only or force or as_json):
        raise click.UsageError("--table only writes the table; it takes --data and --catalog")
    from convlab_gallery import build, catalog, site

    chosen = catalog.read(catalog_file or catalog.CATALOG)
    if table is not None:
        changed = site.write_table(chosen, table, data)
        click.echo(f"{table}: {'table written' if changed else 'the table is up to date'}")
        return
    out = out or Path(f"gallery-{Path(data).resolve().name if Path(data).is_dir() else data}")
    begin = time.perf_counter()
    wanted = chosen.chosen(only)
    number = len(wanted) + len(chosen.needed(wanted))
    building = build.build(chosen, out, data=data, only=only, force=force)
    outcomes = list(_shown(building, number))
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    manifest = build.read_manifest(out)
    made = {*manifest["entries"], *manifest["pages"], *manifest["claims"]}
    holes = [item.id for item in wanted if item.id not in made]
    path = None if holes else site.write(chosen, out)
    if as_json:
        record = {
            "folder": str(out),
            "page": path and str(path),
            "seconds": round(time.perf_counter() - begin, 3),
            "outcomes": [vars(outcome) for outcome in outcomes],
        }
        click.echo(json_text(record))
    elif path is not None:
        pictures = [outcome.state for outcome in outcomes if outcome.kind != "run"]
        new, kept = pictures.count("made"), pictures.count("kept")
        seconds = time.perf_counter() - begin
        click.echo(f"{new} picture{'s' * (new != 1)} made, {kept} kept, in {seconds:.1f} s")
        click.echo(f"page: {path}")
    for outcome in failed:
        click.echo(f"Error: {outcome.kind} {outcome.id}: {outcome.error}", err=True)
    if holes:
        click.echo(f"Error: no page written: there is no picture of {', '.join(holes)}", err=True)
    if failed:
        sys.exit(1)


def _shown(outcomes, number: int):
    """The outcomes as they come, with a progress bar or, where no terminal is, a line each."""
    if not sys.stderr.isatty():
        for outcome in outcomes:
            if outcome.state == "made":
                click.echo(f"{outcome.kind} {outcome.id}: {outcome.seconds:.1f} s", err=True)
            yield outcome
        return
    with click.progressbar(
        length=number,
        file=sys.stderr,
        item_show_func=lambda outcome: outcome and f"{outcome.kind} {outcome.id}",
        bar_template="[%(bar)s] %(info)s",
        width=30,
    ) as bar:
        bar.render_progress()
        for outcome in outcomes:
            bar.update(1, outcome)
            yield outcome
