"""``convlab page``: a trained network as one page for a browser."""

from __future__ import annotations

from pathlib import Path

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

    The page computes everything itself, from the disk and offline.  It begins with
    IMAGE, a file, "-" for standard input or test:N of the test set, or else with
    the first of its samples of the test set.
    """
    run = options.load_run(run)
    write_page(run, output, data_dir, image=image)


def write_page(
    run, path, data_dir, *, image=None, accuracy=None, command=None, quiet=False
) -> None:
    """Write the page of a run, beginning with ``image`` where there is one, and say so.

    ``command``: what makes the page again, if that is not the command that runs.
    """
    from convlab import data, files, lab, training
    from convlab.errors import RunError

    if not path.parent.is_dir():
        raise RunError(f"{path}: cannot be written: there is no folder {path.parent}")
    # Before the data are loaded: what no page can hold shall not cost a download.
    lab.check_fits(run.network)
    _, test = data.load(run.settings.data, data_dir=data_dir)
    first = None if image is None else _first(run, image, data_dir, test.labels)
    if accuracy is None:
        accuracy = run.evaluate(test).accuracy
    laboratory = lab.describe(
        run, test, accuracy=accuracy, command=command or options.command_line(), image=first
    )
    # The name of a data set's folder may be any bytes; a page is UTF-8.
    content = lab.render(laboratory).encode("utf-8", "replace")
    with training.locked_for(path):
        files.write_atomically(path, content)
    if not quiet:
        click.echo(f"wrote {path}, {len(content) / 1e6:.1f} MB: open it in a browser")


def _first(run, source, data_dir, labels):
    """(name, bytes, class or None) of the image that the page begins with."""
    from convlab.pictures.sources import INVERTED

    pixels, inverted, _ = run.image(source, data_dir)
    if inverted:
        click.echo(f"{source}: {INVERTED}", err=True)
    number = source.removeprefix("test:")
    if number != source:
        return f"test:{int(number)}", pixels, int(labels[int(number)])
    return "standard input" if source == "-" else Path(source).name, pixels, None
