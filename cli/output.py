"""Standard output and error that accept every text, whatever the terminal can show."""

import codecs
import io
import os
import re
import shlex
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from convlab_cli.values import STANDARD

# What is written in place of a character that the terminal's encoding lacks; else "?".
ASCII = {
    **dict(zip("−‐‑–—·∗‘’“”\u00a0", "-----**''\"\" ", strict=True)),
    **dict(zip("×÷≈↑↓∂⌋⌉░▒▓█", "x/~^vd)).:*#", strict=True)),
    "±": "+/-",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "∞": "inf",
    "°": "deg",
    "→": "->",
    "←": "<-",
    "…": "...",
    "✓": "ok",
    "σ": "sigma",
    "⌊": "floor(",
    "⌈": "ceil(",
    **dict(zip("│║─═┌┐└┘├┤┬┴┼", "||-=+++++++++", strict=True)),
}
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))
_ERRORS = "convlab.ascii"


class OutputError(Exception):
    """Standard output that cannot be written: ``reason`` in words, None if its reader has gone."""

    def __init__(self, error: OSError):
        super().__init__(str(error))
        self.reason = None if isinstance(error, BrokenPipeError) else error.strerror


def command_line() -> str:
    """The command that the user typed, quoted for a shell."""
    return shlex.join(["convlab", *sys.argv[1:]])


def write(path: Path, content: bytes) -> None:
    """Write a file whole, in a folder that is made if need be; "-" is standard output."""
    from convlab.files import make_folder, write_atomically

    if path != STANDARD:
        make_folder(path.parent)
        write_atomically(path, content)
        return
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except OSError as error:
        raise OutputError(error) from None


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    text = re.sub(f"[{''.join(_SUPERSCRIPTS)}]+", lambda found: "^" + found[0], text)
    shown = (c if c < "\x7f" else _SUPERSCRIPTS.get(c) or ASCII.get(c, "?") for c in text)
    return "".join(shown), error.end


codecs.register_error(_ERRORS, _in_ascii)


def writable(stream: TextIO) -> Callable[[str], str]:
    """What a text becomes in a stream's encoding."""
    encoding = "ascii" if getattr(stream, "in_ascii", False) else stream.encoding or "utf-8"
    return lambda text: text.encode(encoding, _ERRORS).decode(encoding)


class _Output(io.TextIOWrapper):
    """Standard output.  Raises OutputError if it cannot be written."""

    def __init__(self, stream: TextIO):
        self.in_ascii = codecs.lookup(stream.encoding).name == "ascii"
        # Click takes a stream that says ASCII for misconfigured, and writes UTF-8 to it.
        encoding = "utf-8" if self.in_ascii else stream.encoding
        self._stream = stream  # otherwise garbage collection would close the shared buffer
        buffering = bool(stream.line_buffering)
        super().__init__(stream.buffer, encoding, _ERRORS, line_buffering=buffering)

    def write(self, text: str) -> int:
        try:
            super().write(text.encode("ascii", _ERRORS).decode() if self.in_ascii else text)
        except OSError as error:
            self._failed(error)
        return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._failed(error)

    def _failed(self, error: OSError) -> None:
        # Python flushes once more at the end, and must not fail again.
        with suppress(OSError):
            number = self.fileno()
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
        raise OutputError(error) from None


class _Messages(_Output):
    """Standard error: failing to write there does not keep a command from its work."""

    def _failed(self, error: OSError) -> None:
        pass


def prepare() -> None:
    """Make standard output and error accept all texts, and warnings one line each."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed: its number would go to the next opened file
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
    sys.stdout, sys.stderr = _Output(sys.stdout), _Messages(sys.stderr)
    warnings.showwarning = _show_warning


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    from convlab_cli import terminal

    terminal.say([f"note: {str(message).splitlines()[0]}"], err=True)
