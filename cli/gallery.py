"""``convlab gallery``: all pictures of the catalogue, on a page."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from convlab_cli import options, progress
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
@options.json_flag("Print what was done as one JSON object.")
def command(out, data, only, force, catalog_file, table, as_json):
    """Make every picture of the catalogue, and a page that shows them.

    Each entry of the catalogue is an idea and the command that draws it; the
    networks that they need are trained first.  Claims of lectures are drawn from
    the results of their experiments.  What has not changed since the last time is
    kept.  Open the folder's index.html in a browser.
    """
    if table is not None and (out is not None or only or force or as_json):
        raise click.UsageError("--table only writes the table; it takes --data and --catalog")
    from convlab_cli.commands import COMMANDS
    from convlab_gallery import catalog, site
    from convlab_gallery.making import Making

    chosen = catalog.read(COMMANDS, catalog_file or catalog.CATALOG)
    if table is not None:
        changed = site.write_table(chosen, table, data)
        click.echo(f"{table}: {'table written' if changed else 'the table is up to date'}")
        return
    making = Making(chosen, out, data=data, only=only, force=force)
    with progress.bar(len(making), width=30) as bar:
        if bar is not None:
            bar.render_progress()
        for outcome in making:
            if bar is not None:
                bar.update(1, f"{outcome.kind} {outcome.id}")
            elif outcome.state == "made":
                click.echo(f"{outcome.kind} {outcome.id}: {outcome.seconds:.1f} s", err=True)
    made = making.made()
    for line in [json_text(made.to_dict())] if as_json else made.lines():
        click.echo(line)
    for line in made.errors():
        click.echo(f"Error: {line}", err=True)
    if made.failed:
        sys.exit(1)
