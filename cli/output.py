"""Standard output and error that take every text, whatever the terminal can show."""

from __future__ import annotations

import codecs
import io
import os
import re
import sys
import warnings
from contextlib import suppress

# What is written in place of a character that the terminal's encoding lacks; else "?".
ASCII = {
    **dict.fromkeys("−‐‑–—", "-"),
    **dict.fromkeys("·∗", "*"),
    **dict.fromkeys("‘’", "'"),
    **dict.fromkeys("“”", '"'),
    "\u00a0": " ",
    "×": "x",
    "÷": "/",
    "±": "+/-",
    "≈": "~",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "∞": "inf",
    "°": "deg",
    "→": "->",
    "←": "<-",
    "↑": "^",
    "↓": "v",
    "…": "...",
    "✓": "ok",
    "σ": "sigma",
    "⌊": "floor(",
    "⌈": "ceil(",
    **dict.fromkeys("⌋⌉", ")"),
    **dict(zip("░▒▓█", ".:*#", strict=True)),
    **dict(zip("│║─═┌┐└┘├┤┬┴┼", "||-=+++++++++", strict=True)),
}
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))
_ERRORS = "convlab.ascii"


class OutputError(Exception):
    """Standard output that cannot be written: ``reason`` in words, None where its reader left."""

    def __init__(self, error: OSError):
        super().__init__(str(error))
        self.reason = None if isinstance(error, BrokenPipeError) else error.strerror


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    text = re.sub(f"[{''.join(_SUPERSCRIPTS)}]+", lambda found: "^" + found[0], text)
    shown = (c if c < "\x7f" else _SUPERSCRIPTS.get(c) or ASCII.get(c, "?") for c in text)
    return "".join(shown), error.end


class _Output(io.TextIOWrapper):
    """Standard output.  Raises OutputError where it cannot be written."""

    def __init__(self, stream: io.TextIOWrapper):
        self._ascii = codecs.lookup(stream.encoding).name == "ascii"
        # Click takes a stream that says ASCII for misconfigured, and writes UTF-8 to it.
        encoding = "utf-8" if self._ascii else stream.encoding
        self._stream = stream  # which would close the buffer that they share, were it forgotten
        buffering = stream.line_buffering
        super().__init__(stream.buffer, encoding, _ERRORS, line_buffering=buffering)

    def write(self, text: str) -> int:
        try:
            super().write(text.encode("ascii", _ERRORS).decode() if self._ascii else text)
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
    """Standard error: what cannot be said there does not keep a command from its work."""

    def _failed(self, error: OSError) -> None:
        pass


def prepare() -> None:
    """Let standard output and error take all texts, and warnings be one line each."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if (
            getattr(sys, name) is None
        ):  # closed: its number would go to the next file that is opened
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
    codecs.register_error(_ERRORS, _in_ascii)
    sys.stdout, sys.stderr = _Output(sys.stdout), _Messages(sys.stderr)
    warnings.formatwarning = lambda message, *_, **__: f"note: {str(message).splitlines()[0]}\n"
