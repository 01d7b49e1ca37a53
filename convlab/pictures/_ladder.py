"""What each idea gains for one convolution, as measured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from convlab import ladder as rungs
from convlab import reading, viz
from convlab.bench.ladder_report import LADDER_TITLE, ladder_content, ladder_text
from convlab.errors import RunError
from convlab.pictures.picture import Picture


def ladder(file: str | os.PathLike | None = None) -> Picture:
    """One convolution from plain Python to the engine's loop: what each idea gains.

    ``file`` is what "convlab bench ladder --json" wrote; without one, the picture shows what was
    measured for LeNet's C3 on the machine that it names.  Raises RunError for another file, and,
    when drawn, for impossible speeds.
    """
    path = Path(rungs.__file__).with_name("measured.json") if file is None else Path(file)
    with _expected(path):
        record = reading.read_json(path)
        measured, layer = ladder_content(record), record["layer"]["name"]
        text = ladder_text(record)

    def draw(**look: Any) -> Figure:
        with _expected(path):
            return viz.ladder(**measured, **look)

    return Picture(
        LADDER_TITLE, f"{LADDER_TITLE}. {text}.", draw, parameters={"layer": layer}, result=record
    )


@contextmanager
def _expected(path: Path) -> Iterator[None]:
    """Turn errors in a file into a RunError that says which file was expected."""
    try:
        yield
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
        raise RunError(
            f"{path}: expected what convlab bench ladder --json wrote, got something else"
        ) from None
