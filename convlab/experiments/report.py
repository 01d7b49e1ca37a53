"""All kept results as a page: what lectures claim, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from convlab.errors import RunError
from convlab.experiments import NAMES, Result, find, read_result
from convlab.markdown import table

INTRODUCTION = """\
# What lectures claim, measured

`convlab experiment list` names the claims, `convlab experiment run NAME` trains what is needed with
several seeds on the digits and prints a table, a verdict and the path of a picture; `--full` does
it on MNIST, Fashion-MNIST and CIFAR-10's cats and dogs, `--data` on yours. Results are kept, so
that stopping or adding a seed repeats nothing; what was measured on another copy of the data is
measured again.

Each claim is one or more statements, each with the smallest effect that counts; this many seeds
find twice that effect in at least four of five cases, with the spread that was measured. Where the
spread of a first measurement asked for it, that effect or the number of seeds was raised, so these
results are no test of a limit set blindly. Trials with the same seed are pairs. A statement is
decided by a paired t test of their differences (or, for times and losses, of the logarithms of
their ratios), adjusted for all statements of the claim by Holm's method: one is *more* than the
other if p is at most 0.05 and the difference at least what counts; they are *alike* if the 95 %
interval contains only differences that do not count. What is neither is *undecided*. A claim holds
if all its statements do.

This page is made from the results in [gallery/experiments](../gallery/experiments) by
`python -m convlab_cli.reference claims`.
"""


def read_results(folder: Path) -> dict[str, dict[str, Result]]:
    """The results of all experiments by name, then by scale, from folder/SCALE/NAME.json.

    Raises RunError if one is missing or cannot be read.
    """
    found: dict[str, dict[str, Result]] = {}
    for name in NAMES:
        for scale in ("quick", "full"):
            path = folder / scale / f"{name}.json"
            result = read_result(path)
            if (result.experiment.name, result.scale) != (name, scale):
                raise RunError(f"{path}: expected the {scale} results of {name}")
            found.setdefault(name, {})[scale] = result
    return found


def claims_page(results: Mapping[str, Mapping[str, Result]]) -> str:
    """Every claim with its verdicts, on the digits and in full, in Markdown."""
    rows = [
        (f"[{find(name).title}](#{name})", *(by[s].verdict.word for s in ("quick", "full")))
        for name, by in results.items()
    ]
    parts = [INTRODUCTION, *table(("claim", "on the digits", "in full"), rows)]
    for name, by_scale in results.items():
        parts.append(f"\n## {name}\n\n{find(name).claim}")
        for result in by_scale.values():
            parts += _section(result)
    seconds = {s: sum(by[s].seconds for by in results.values()) for s in ("quick", "full")}
    parts.append(
        f"\nMeasuring took {seconds['quick'] / 60:.0f} minutes on the digits and"
        f" {seconds['full'] / 60:.0f} in full, on one thread of a busy machine."
    )
    return "\n".join(parts) + "\n"


def _section(result: Result) -> list[str]:
    verdict = result.verdict
    lines = [f"\n**{verdict.word.capitalize()}**, {result.design.set_up[0]} {verdict.text}\n"]
    head, *rows = verdict.details.cells()
    return lines + table(head, rows)
