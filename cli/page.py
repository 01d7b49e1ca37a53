"""``convlab page``: a trained network as one page for a browser."""

from __future__ import annotations

import click
from convlab_cli import options

PAGE = "lab.html"


@click.command()
@options.run_argument
@click.argument("image", metavar="[IMAGE]", required=False)
@click.option(
    "-o",
    "--output",
    type=options.WRITTEN,
    default=PAGE,
    show_default=True,
    callback=lambda context, parameter, path: options.check_suffix(path, (".html", ".htm")),
    help="Page to write.",
)
@options.data_dir
@options.threads
def command(run, image, output, data_dir):
    """RUN's network in one page to draw on, change and look into; it needs no server.

    The page computes everything itself, from disk and offline.  It begins with
    IMAGE, a file, "-" for standard input or test:N of the test set, or else with
    the first of its samples of the test set.
    """
    run = options.load_run(run)
    write_page(run, output, data_dir, image=image)


def write_page(
    run, path, data_dir, *, image=None, accuracy=None, command=None, quiet=False
) -> None:
    """Write the page of a run, beginning with ``image`` if there is one, and say so.

    ``command``: the command that remakes the page, if not the current one.
    """
    from convlab import interface

    made = interface.page(
        run, data_dir, image=image, accuracy=accuracy, command=command or options.command_line()
    )
    if made.note:
        click.echo(made.note, err=True)
    made.save(path)
    if not quiet:
        click.echo(f"wrote {path}, {len(made.data) / 1e6:.1f} MB: open it in a browser")
