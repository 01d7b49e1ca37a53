"""``convlab cache``: the folder of the compiled loops."""

from __future__ import annotations

import json
import time

import click


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
        click.echo(json.dumps(found))
        return
    if own is None:
        wanted = cache.own_folder()
        why = "there is no home folder" if wanted is None else f"{wanted} cannot be written"
        click.echo(f"in use: none, since {why}: every process compiles its loops anew")
    else:
        click.echo(f"in use: {own.path}, {_size([own])}")
    click.echo(f"others: {_count(len(others), 'folder')}, {_size(others)}")
    if others:
        click.echo("delete the others with: convlab cache clear")


@command.command()
@click.option("--all", "own", is_flag=True, help="The folder in use as well.")
def clear(own):
    """Delete the folders of other versions of the loops and of other processors."""
    from convlab.kernels import cache

    deleted = cache.clear(own=own)
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
    if folder is None:
        raise CacheError(
            "cache: expected a folder that can be written, got"
            f" {cache.own_folder() or 'none, without a home'}; CONVLAB_CACHE_DIR names another"
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
