"""How far a command has got: one line of a terminal that is drawn again and again."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from convlab_cli import output, terminal

INTERVAL = 0.1  # seconds between two drawings


class Bar:
    """The line on standard error; ``visible``: whether that is a terminal.

    Texts have parts, two spaces apart, the most important first; the last ones are left out where
    the terminal is too narrow.
    """

    def __init__(self, length: int, label: str = "", done: int = 0, quiet: bool = False):
        self.length, self.label, self.quiet = length, label, quiet
        self.visible = not quiet and terminal.width_of(sys.stderr) is not None
        self.done = self._first = done
        self._begin = time.monotonic()
        self._drawn, self._columns = 0.0, 0

    def update(self, done: int, text: str = "") -> None:
        """Show how many steps are done, and a text beside it."""
        self.done, now = done, time.monotonic()
        if self.visible and (now >= self._drawn + INTERVAL or done >= self.length):
            self._drawn = now
            self._write(self._line(done, text))

    def step(self, text: str = "") -> None:
        """Show that one more step is done."""
        self.update(self.done + 1, text)

    def line(self, text: str) -> None:
        """A text that stays, in a line of its own, whether or not there is a bar."""
        if self.quiet:
            return
        if self.visible:
            from convlab.terminal import first_that_fit

            self.clear()
            text = first_that_fit(text, self._room())
        click.echo(text, err=True)

    def clear(self) -> None:
        """Leave nothing of the line."""
        if self._columns:
            self._write("")
            sys.stderr.write("\r")

    def _room(self) -> int:
        # Beyond the last column the cursor would go to the next line.
        return (terminal.width_of(sys.stderr) or 80) - 1

    def _write(self, text: str) -> None:
        from convlab.names import columns

        before, self._columns = self._columns, columns(text)
        sys.stderr.write(f"\r{text}{' ' * (before - self._columns)}")
        sys.stderr.flush()

    def _line(self, done: int, text: str) -> str:
        from convlab.terminal import progress_line

        share = min(1.0, done / self.length) if self.length else 1.0
        left = None  # until it is known
        if self._first < done <= self.length:
            spent = time.monotonic() - self._begin
            left = spent / (done - self._first) * (self.length - done)
        written = output.writable(sys.stderr)(text)
        return progress_line(self.label, share, written, left, self._room())


class _Downloads(logging.Handler):
    """Shows what ``convlab.data`` logs of its downloads: an address, then bytes of how many."""

    def __init__(self) -> None:
        super().__init__()
        self.bar: Bar | None = None

    def emit(self, record: logging.LogRecord) -> None:
        context = click.get_current_context(silent=True)
        if context is not None and context.params.get("quiet"):
            return
        values: Any = record.args
        if record.levelno == logging.INFO:
            self.clear()
            terminal.say([f"downloading {values[0]}"], err=True)
            return
        done, total = values
        self.bar = self.bar or Bar(total, "download")
        self.bar.update(done, f"{done / 1e6:.1f} of {total / 1e6:.1f} MB")

    def clear(self) -> None:
        if self.bar is not None:
            self.bar.clear()
        self.bar = None


@contextmanager
def downloads() -> Iterator[None]:
    """Downloads are shown."""
    logger, handler = logging.getLogger("convlab.data.sources"), _Downloads()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        handler.clear()
        logger.removeHandler(handler)
        logger.setLevel(before)


@contextmanager
def bar(length: int, label: str = "", done: int = 0, quiet: bool = False) -> Iterator[Bar]:
    """A bar of so many steps, which is gone at the end; ``quiet``: neither bar nor lines."""
    shown = Bar(length, label, done, quiet)
    try:
        yield shown
    finally:
        shown.clear()
