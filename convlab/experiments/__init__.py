"""The claims made in CNN lectures, each measured: from trials to a table, a verdict and a picture.

An experiment is one module of this package with an ``EXPERIMENT``; NAMES lists them.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from convlab.errors import RunError, SpecError
from convlab.experiments.framework import (
    Column,
    Design,
    Experiment,
    Result,
    Spread,
    Table,
    Verdict,
    run,
)
from convlab.experiments.trials import Done, Record, Trial, stale_text, trials_text
from convlab.names import meant
from convlab.reading import read_json

NAMES = (
    "dense-vs-conv",
    "structure",
    "pooling",
    "stacked-kernels",
    "lenet-1998",
    "depth",
    "no-activation",
    "activation",
    "batch-size",
    "batch-norm",
    "dropout",
    "augmentation",
    "early-stopping",
    "transfer",
    "translation",
    "learn-an-edge",
)
"""The experiments, in the order of a course; the module of a-name is a_name."""


def find(name: str) -> Experiment:
    """The experiment with a name.  Raises SpecError for one that is not in NAMES."""
    if name not in NAMES:
        raise SpecError(
            f"experiment: expected one of {', '.join(NAMES)}, got {name}{meant(name, NAMES)}"
        )
    return importlib.import_module(f"convlab.experiments.{name.replace('-', '_')}").EXPERIMENT


def read_result(path: Path) -> Result:
    """What ``convlab experiment run --json`` has written, with table and verdict recomputed.

    Raises RunError for a file that cannot be read or holds something else.
    """
    try:
        content = read_json(path)
        experiment, scale = find(content["experiment"]), content["scale"]
        design = experiment.with_data(scale, content["data"])
        seconds, contents = float(content["seconds"]), dict(content["contents"])
        return experiment.result(scale, design, content["records"], seconds, contents)
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
        raise RunError(
            f"{path}: expected the results of an experiment, got something else"
        ) from None


__all__ = [
    "NAMES",
    "Column",
    "Done",
    "Experiment",
    "Design",
    "Record",
    "Result",
    "Spread",
    "Table",
    "Trial",
    "Verdict",
    "find",
    "read_result",
    "run",
    "stale_text",
    "trials_text",
]
