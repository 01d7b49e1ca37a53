"""``convlab page``: a trained network as one page for a browser."""

import click
from convlab_cli import options, runs
from convlab_cli.output import command_line, write
from convlab_cli.terminal import say

PAGE = "lab.html"


@options.command()
@options.output(*(".html", ".htm"), default=PAGE, help="Page to write.")
@options.flag("--open", "opened", help="Open it in a browser.")
@options.flag("--serve", help="Serve it on this machine, anew after each epoch of a training.")
@options.choice("--language", "en", "de", "fr", "es", "zh", help="Of all words on the page.")
@options.flag("--playground", help="A single layer of your own instead of a RUN.")
@runs.about_run(runs.image_argument(required=False), required=False)
def command(run, image, output, data_dir, opened, serve, **settings):
    """RUN's network in one page to draw on, change and look into; it needs no server.

    The page computes everything itself, from disk and offline.  It begins with IMAGE, a file,
    "-" for standard input or test:N of the test set, or else with its first sample of that.
    """
    if settings.pop("playground") == bool(run) or (serve and not run):
        raise click.UsageError("expected a RUN, or --playground without --serve")
    write_page(run, output, data_dir, image=image, opened=opened, serve=serve, **settings)


def write_page(run, path, data_dir, *, quiet=False, opened=False, serve=False, **settings) -> None:
    """Write the page of a run, with ``settings`` of ``convlab.page``, and say so; or serve it."""
    from convlab import interface

    settings = {"command": command_line(), **settings}
    if serve:
        return interface.serve_page(run, data_dir, opened=opened, said=say, **settings)
    made = interface.page(run, data_dir, **settings)
    if made.note:
        click.echo(made.note, err=True)
    write(path, made.data)
    if not quiet:
        say([f"wrote {path}, {len(made.data) / 1e6:.1f} MB: open it in a browser"])
    return interface.open_page(path) if opened else None
