"""``convlab cache``: the folder of the compiled loops."""

from __future__ import annotations

import os
import time

import click
from convlab_cli.output import json_text


@click.group()
def command():
    """The loops are compiled once for each machine and kept in a folder.

    It is in CONVLAB_CACHE_DIR, in XDG_CACHE_HOME or in ~/.cache.  Other versions of the
    loops and other processors have folders of their own beside it.
    """


@command.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def info(as_json):
    """The folder in use and those beside it, and how large they are."""
    from convlab.kernels import cache

    folder = cache.cache_folder()
    own = None if folder is None else cache.contents(folder)
    others = cache.other_folders()
    if as_json:
        found = {"in_use": own and _json(own), "others": [_json(other) for other in others]}
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
@click.option("--others", is_flag=True, help="Those beside the folder in use alone.")
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
    two where everything is compiled already.
    """
    from convlab.errors import CacheError
    from convlab.kernels import cache
    from convlab.training import warm_up

    folder = cache.cache_folder()
    why = cache.why_not() or (None if os.access(folder, os.W_OK) else f"{folder} cannot be written")
    if why:
        raise CacheError(
            f"cache: expected a folder that only you can write to, but {why};"
            " CONVLAB_CACHE_DIR names another"
        )
    before, begin = cache.contents(folder).functions, time.perf_counter()
    warm_up()
    seconds, total = time.perf_counter() - begin, cache.contents(folder).functions
    click.echo(
        f"compiled {_count(total - before, 'function')} in {seconds:.1f} s: {total} in {folder}"
    )


def _json(folder) -> dict:
    return {"folder": str(folder.path), "files": folder.files, "bytes": folder.size}


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _size(folders) -> str:
    files = _count(sum(folder.files for folder in folders), "file")
    return f"{files}, {sum(folder.size for folder in folders) / 1e6:.1f} MB"
