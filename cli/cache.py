"""``convlab cache``: the folder of the compiled loops."""

from __future__ import annotations

import time

import click
from convlab_cli import options
from convlab_cli.output import json_text


@click.group()
def command():
    """The loops are compiled once for each machine and kept in a folder.

    It is in CONVLAB_CACHE_DIR, in XDG_CACHE_HOME or in ~/.cache.  Other versions of the
    loops and other processors have their own folders beside it.
    """


@command.command()
@options.json_flag()
def info(as_json):
    """The folder in use and those beside it, and how large they are."""
    from convlab.kernels import cache

    folder = cache.cache_folder()
    own = None if folder is None else cache.contents(folder)
    others = cache.other_folders()
    if as_json:
        found = {"in_use": own and own.to_dict(), "others": [other.to_dict() for other in others]}
        click.echo(json_text(found))
        return
    if own is None:
        click.echo(f"in use: none, since {cache.why_not()}: every process compiles its loops anew")
    else:
        click.echo(f"in use: {own.path}, {_size([own])}")
    click.echo(f"others: {_count(len(others), 'folder')}, {_size(others)}")
    if others:
        click.echo("delete the others with: convlab cache clear --others")


@command.command()
@click.option("--others", is_flag=True, help="Only those beside the folder in use.")
def clear(others):
    """Delete the compiled loops: the next command compiles those that it needs."""
    from convlab.kernels import cache

    deleted = cache.clear(own=not others)
    size = sum(folder.size for folder in deleted)
    click.echo(f"deleted {_count(len(deleted), 'folder')}: {size:,} bytes freed")


@command.command()
def warm():
    """Compile all that training and evaluating the shipped networks needs.

    The first training then starts at once.  It takes about half a minute, and a second or
    two if everything is already compiled.
    """
    from convlab.training import fill_cache

    begin = time.perf_counter()
    compiled, folder = fill_cache()
    seconds = time.perf_counter() - begin
    click.echo(
        f"compiled {_count(compiled, 'function')} in {seconds:.1f} s:"
        f" {folder.functions} in {folder.path}"
    )


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _size(folders) -> str:
    files = _count(sum(folder.files for folder in folders), "file")
    return f"{files}, {sum(folder.size for folder in folders) / 1e6:.1f} MB"
