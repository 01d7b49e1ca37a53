"""What each idea buys one convolution, as it was measured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from convlab import bench, reading, viz
from convlab import ladder as rungs
from convlab.bench.ladder import part_text
from convlab.errors import RunError
from convlab.pictures.picture import Picture

TITLE = "What each idea buys"


def ladder(file: str | os.PathLike | None = None) -> Picture:
    """One convolution from plain Python to the engine's loop: what each idea buys.

    ``file`` is what "convlab bench ladder --json" wrote; without one, what was measured of
    LeNet's C3 on the machine that the picture names.  Raises RunError for another file, and
    when it is drawn for speeds that cannot be.
    """
    path = Path(rungs.__file__).with_name("measured.json") if file is None else Path(file)
    with _expected(path):
        record = reading.read_json(path)
        measured, layer = ladder_content(record), record["layer"]["name"]
        text = ladder_text(record)

    def draw(**look: Any) -> Figure:
        with _expected(path):
            return viz.ladder(**measured, **look)

    return Picture(TITLE, f"{TITLE}. {text}.", draw, parameters={"layer": layer}, result=record)


@contextmanager
def _expected(path: Path) -> Iterator[None]:
    """Say of a file which other one was expected."""
    try:
        yield
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
        raise RunError(
            f"{path}: expected what convlab bench ladder --json wrote, got something else"
        ) from None


def ladder_content(record: dict[str, Any]) -> dict[str, Any]:
    """The arguments of ``viz.ladder``, of what ``bench ladder --json`` writes.

    Raises KeyError, TypeError, ValueError, ArithmeticError or AttributeError for anything else.
    """
    layer = record["layer"]["name"]
    names = [layer, *(row["idea"] for row in record["rungs"] + record["others"])]
    if len(names) > 14 or any(type(name) is not str or len(name) > 100 for name in names):
        raise ValueError("no picture has room for that")
    steps = [
        viz.LadderStep(row["idea"], row["flops_per_second"], part_text(row["share_timed"]))
        for row in record["rungs"]
    ]
    beside = [
        viz.LadderStep(
            row["idea"],
            row["flops_per_second"],
            row["note"] or f"{row['extra_memory'] / 1e6:,.2f} MB",
        )
        for row in record["others"]
    ]
    roofs = record["peak_flops"], record["bandwidth"] * record["flops"] / record["bytes"]
    words = bench.ladder_words(steps, layer, bench.Machine(**record["machine"]).line())
    return {"rungs": steps, "others": beside, "roofs": roofs, **words}


def ladder_text(record: dict[str, Any]) -> str:
    """What the picture shows, in words."""
    return "; ".join(
        f"{row['idea']}: {row['flops_per_second'] / 1e9:.3g} GF/s" for row in record["rungs"]
    )
