"""How far a command has got: a bar on standard error, if that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar


@contextmanager
def bar(
    length: int, *, label: str | None = None, quiet: bool = False, width: int = 20
) -> Iterator[ProgressBar | None]:
    """A bar whose ``update`` takes steps and a text beside it; None if none is to be shown."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    shown = click.progressbar(
        length=length,
        file=sys.stderr,
        label=label,
        item_show_func=lambda text: text,
        bar_template="%(label)s [%(bar)s] %(info)s" if label is not None else "[%(bar)s] %(info)s",
        width=width,
    )
    try:
        yield shown
    finally:
        shown.render_finish()
