"""Kept measurements as the tables of a page, in Markdown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from convlab.errors import RunError
from convlab.markdown import table
from convlab.reading import read_json

PUBLISHED = {"lenet5-1998": "99.05 %"}  # LeCun, Bottou, Bengio & Haffner 1998, section III.B


def tables(folder: Path) -> str:
    """The tables of docs/speed.md from what a folder has kept.

    training.json and answers.json: from ``convlab bench train --json`` and ``bench answers
    --json``; reached.json: for each command, what ``convlab train --json`` has printed last.
    Raises RunError for a file that is missing or holds something else.
    """
    names = ("training", "answers", "reached")
    return "\n\n".join("\n".join(_made(folder / f"{name}.json")) for name in names) + "\n"


def ranks_table(folder: Path) -> str:
    """The table of docs/distributed.md from ranks.json, what ``convlab bench ranks --json`` prints.

    Raises RunError as ``tables`` does.
    """
    return "\n".join(_made(folder / "ranks.json")) + "\n"


def _made(path: Path) -> list[str]:
    try:
        return _MAKERS[path.stem](read_json(path))
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise RunError(f"{path}: expected a kept measurement, got something else") from None


def _training(kept: dict[str, Any]) -> list[str]:
    first = f"{kept['model']}, {kept['rows'][0]['images']:,} images of {kept['data']}"
    rows = [
        (
            f"{row['what']}, {_threads(row['threads'])}",
            _seconds(row["seconds"]["median"]),
            _seconds(row["pytorch_seconds"]["median"]),
            f"{row['ratio']:.2f}",
            f"{100 * row['share_of_peak']:.0f} %",
            " / ".join(f"{held / 1e6:.0f} MB" for held in row["memory"] if held),
        )
        for row in kept["rows"]
    ]
    head = (first, "convlab", "PyTorch", "ratio", "share of the peak", "memory, ours / PyTorch's")
    return table(head, rows)


def _threads(count: int) -> str:
    return f"{count} thread" + "s" * (count > 1)


def _seconds(value: float) -> str:
    return f"{1000 * value:.0f} ms" if value < 0.5 else f"{value:.2f} s"


def _answers(kept: dict[str, Any]) -> list[str]:
    found = {(row["model"], row["batch"], row["threads"]): row["ratio"] for row in kept["rows"]}
    networks, batches, threads = (list(dict.fromkeys(keys)) for keys in zip(*found, strict=True))
    head = f"answers, our time / PyTorch's ({' / '.join(_threads(n) for n in threads)})"
    rows = [
        (name, *(" / ".join(f"{found[name, batch, n]:.2f}" for n in threads) for batch in batches))
        for name in networks
    ]
    return table((head, *(f"batch {batch}" for batch in batches)), rows)


def _reached(kept: dict[str, Any]) -> list[str]:
    rows = []
    for command, printed in kept.items():
        beside = "".join(
            f" (published: {share})" for name, share in PUBLISHED.items() if name in command
        )
        rows.append((f"`{command}`", f"{100 * printed['test_accuracy']:.2f} %{beside}"))
    return table(("command", "test accuracy"), rows)


def _ranks(kept: dict[str, Any]) -> list[str]:
    def row(name: str, step: float, *more: str) -> tuple[str, ...]:
        return name, f"{1000 * step:.2f} ms", f"{kept['batch'] / step:,.0f}", *more

    rows = [row("one process, without chunks", kept["seconds_without_chunks"], "", "")]
    for how in ("measured", "on_paper"):
        for ranks, parts in kept[how].items():
            times = f"{kept['measured']['1']['step'] / parts['step']:.2f}"
            name = f"{ranks} rank{'s' * (ranks != '1')}, {how.replace('_', ' ')}"
            rows.append(row(name, parts["step"], times, f"{1000 * parts['sum']:.2f} ms"))
    head = f"{kept['model']}, {kept['batch']} images in {kept['chunks']} chunks, one thread a rank"
    return table((head, "a step", "images/s", "times one rank", "of it the sum"), rows)


_MAKERS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "training": _training,
    "answers": _answers,
    "reached": _reached,
    "ranks": _ranks,
}
