"""Every error and warning that a user can meet.

Each message is one line that says what was expected and what was given.  The command line prints it
and exits with status 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


class ConvlabError(Exception):
    """Base of all errors that convlab raises on purpose; its message is one line.

    The middle of one longer than ``LONGEST`` characters is left out: a value may be endless.
    """

    LONGEST = 1500

    def __init__(self, *arguments: object):
        super().__init__(*map(self._one_line, arguments))

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows in place of a traceback: the message says all."""
        return [f"{type(self).__name__}: {self}"]

    def _one_line(self, argument: object) -> object:
        text = str(argument)
        if "\n" in text:
            argument = text = " ".join(text.split())
        if len(text) > self.LONGEST:
            argument = f"{text[: self.LONGEST // 2]} ... {text[-self.LONGEST // 4 :]}"
        return argument


class ShapeError(ConvlabError, ValueError):
    """An array, kernel, stride, padding or index whose shape or size does not fit."""


class DTypeError(ConvlabError, TypeError):
    """An array of a kind of number that an operation does not accept."""


class GraphError(ConvlabError, RuntimeError):
    """A backward pass that cannot be run."""


class DeviceError(ConvlabError, RuntimeError):
    """Hardware or threads that were requested but are not available."""


class CacheError(ConvlabError, OSError):
    """A folder of compiled loops that cannot be written, read or deleted."""


class CacheWarning(UserWarning):
    """Compiled loops that are not kept, or are compiled again; this only costs time."""


class SpecError(ConvlabError, ValueError):
    """A model, layer or setting that does not exist or does not fit."""


class DataError(ConvlabError, ValueError):
    """A data set, picture or file that cannot be found, fetched or read."""


class RunError(ConvlabError, RuntimeError):
    """A run folder or checkpoint that cannot be written, read or resumed."""


class DivergedError(ConvlabError, ArithmeticError):
    """A training loss that is no longer finite."""


class TrainingWarning(UserWarning):
    """A training that has learned nothing."""


class UndrawnLetters(UserWarning):
    """Letters of a picture's texts that no installed font has."""


class HardToSee(UserWarning):
    """Colours of a user's own that are hard to read or to tell apart."""


class NotFiniteError(ConvlabError, ArithmeticError):
    """NaN or infinity among a network's numbers, from weights too large for float32."""


def require_finite(
    values: ArrayLike, name: str, error: type[ConvlabError] = NotFiniteError
) -> None:
    """Raise ``error`` if any number is NaN or infinite, saying how many are and which is first.

    ``name``, which begins the line, says where the numbers are from.
    """
    broken = ~np.isfinite(values)
    if not broken.any():
        return
    first = np.unravel_index(broken.argmax(), broken.shape)
    place = f" at index {', '.join(map(str, first))}" if first else ""
    reason = "; the weights are too large for float32" if error is NotFiniteError else ""
    raise error(
        f"{name}: expected finite numbers, got {np.count_nonzero(broken):,} of {broken.size:,} that"
        f" are not, the first {np.asarray(values)[first]}{place}{reason}"
    )
