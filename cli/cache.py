"""``convlab cache``: the folder of the compiled loops."""

import click
from convlab_cli import options


@options.group()
def command():
    """The loops are compiled once for each machine and kept in a folder.

    It is in CONVLAB_CACHE_DIR, in XDG_CACHE_HOME or in ~/.cache.  Other versions of the
    loops and other processors have their own folders beside it.
    """


@command.command()
@options.json_options()
def info(record):
    """The folder in use and those beside it, and how large they are."""
    from convlab.kernels import cache

    found, lines = cache.report()
    record.show([found], lines)


@command.command()
@options.flag("--others", help="Only those beside the folder in use.")
def clear(others):
    """Delete the compiled loops: the next command compiles those that it needs."""
    from convlab.kernels import cache

    click.echo(cache.clear(own=not others))


@command.command()
def warm():
    """Compile all that training and evaluating the shipped networks needs.

    The first training then starts at once.  It takes about half a minute, and a second or
    two if everything is already compiled.
    """
    from convlab.training import fill_cache

    click.echo(fill_cache())
