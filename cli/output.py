"""Standard output and error that accept every text, whatever the terminal can show."""

from __future__ import annotations

import codecs
import io
import json
import os
import re
import sys
import warnings
from contextlib import suppress
from typing import Any, TextIO

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
    """Standard output that cannot be written: ``reason`` in words, None if its reader has gone."""

    def __init__(self, error: OSError):
        super().__init__(str(error))
        self.reason = None if isinstance(error, BrokenPipeError) else error.strerror


def json_text(value: Any, *, indent: int | None = None, ensure_ascii: bool = True) -> str:
    """A value as JSON, with arrays as lists and paths as texts.

    A float32 is written with the digits that distinguish it from its neighbours: 0.1.  Raises
    NotFiniteError if a number is NaN or infinite, which JSON cannot express.
    """
    try:
        return json.dumps(
            value, indent=indent, ensure_ascii=ensure_ascii, allow_nan=False, default=_plain
        )
    except ValueError:
        from convlab.errors import NotFiniteError

        raise NotFiniteError(
            "JSON: expected finite numbers to write, got NaN or infinity among them"
        ) from None


def json_bytes(value: Any, *, indent: int | None = None) -> bytes:
    """The content of a JSON file: UTF-8, with lone surrogates, from names that are not UTF-8, as
    JSON escapes."""
    text = json_text(value, indent=indent, ensure_ascii=False)
    return f"{text}\n".encode("utf-8", "backslashreplace")


def record_bytes(record: dict[str, Any]) -> bytes:
    """A JSON file of one object with a line for each key."""
    lines = ",\n".join(
        f"{json_text(key)}: {json_text(value, ensure_ascii=False)}" for key, value in record.items()
    )
    return f"{{\n{lines}\n}}\n".encode("utf-8", "backslashreplace")


def _plain(value: Any) -> Any:
    if getattr(value, "dtype", None) == "float32":
        value = value.astype("U").astype(float)
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    text = re.sub(f"[{''.join(_SUPERSCRIPTS)}]+", lambda found: "^" + found[0], text)
    shown = (c if c < "\x7f" else _SUPERSCRIPTS.get(c) or ASCII.get(c, "?") for c in text)
    return "".join(shown), error.end


class _Output(io.TextIOWrapper):
    """Standard output.  Raises OutputError if it cannot be written."""

    def __init__(self, stream: TextIO):
        self._ascii = codecs.lookup(stream.encoding).name == "ascii"
        # Click takes a stream that says ASCII for misconfigured, and writes UTF-8 to it.
        encoding = "utf-8" if self._ascii else stream.encoding
        self._stream = stream  # otherwise garbage collection would close the shared buffer
        buffering = bool(stream.line_buffering)
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
    """Standard error: failing to write there does not keep a command from its work."""

    def _failed(self, error: OSError) -> None:
        pass


def prepare() -> None:
    """Make standard output and error accept all texts, and warnings one line each."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed: its number would go to the next opened file
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
    codecs.register_error(_ERRORS, _in_ascii)
    sys.stdout, sys.stderr = _Output(sys.stdout), _Messages(sys.stderr)
    warnings.formatwarning = lambda message, *_, **__: f"note: {str(message).splitlines()[0]}\n"
