"""``convlab gallery``: all pictures of the catalogue, on a page."""

import sys

import click
from convlab_cli import options, progress
from convlab_cli.terminal import say
from convlab_cli.values import FILE


@options.command()
@options.output(
    help="Folder of the gallery.  [default: gallery-DATA, such as gallery-digits]", folder=True
)
@options.data(
    default="digits",
    help="What the networks are trained on: digits, mnist, ..., or your own folder or file.",
)
@options.valued(
    "--only",
    metavar="ID",
    multiple=True,
    help="Only this entry, page or claim, and what it needs; may be repeated.",
)
@options.flag("--films", help="With its films, which take minutes each.")
@options.flag("--force", help="Also make what has not changed.")
@options.valued(
    "--catalog", "catalog_file", type=FILE, help="A catalogue of your own, a .toml file."
)
@options.also(
    "--table",
    metavar="FILE",
    help="Build nothing; write the catalogue as a Markdown table into FILE, between the marks"
    " <!-- gallery --> and <!-- /gallery -->.",
)
@options.threads
@options.json_options("Print what was done as one JSON object.")
def command(output, data, only, films, force, catalog_file, table, record):
    """Make every picture of the catalogue, and a page that shows them.

    Each entry of the catalogue is an idea and the command that draws it; the
    networks that they need are trained first.  Claims of lectures are drawn from
    the results of their experiments.  What has not changed since the last time is
    kept.  Open the folder's index.html in a browser.
    """
    if table is not None and (output is not None or only or films or force or record.wanted):
        raise click.UsageError("--table only writes the table; it takes --data and --catalog")
    from convlab_cli.commands import COMMANDS
    from convlab_gallery import catalog, site
    from convlab_gallery.making import Making

    chosen = catalog.read(COMMANDS, catalog_file or catalog.CATALOG)
    if table is not None:
        changed = site.write_table(chosen, table, data)
        say([f"{table}: {'table written' if changed else 'the table is up to date'}"])
        return
    making = Making(chosen, output, data=data, only=only, films=films, force=force)
    with progress.bar(len(making)) as bar:
        for outcome in making:
            if bar.visible:
                bar.step(f"{outcome.kind} {outcome.id}")
            elif outcome.state == "made":
                bar.line(f"{outcome.kind} {outcome.id}: {outcome.seconds:.1f} s")
    made = making.made()
    record.show([made.to_dict()], made.lines())
    say((f"Error: {line}" for line in made.errors()), err=True)
    if made.failed:
        sys.exit(1)
