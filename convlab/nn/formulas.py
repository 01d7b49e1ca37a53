"""Numbers in a layer's formula of x, as a page reads them: without exponents."""

from __future__ import annotations

import numpy as np

from convlab.numerals import MINUS


def decimal(value: np.floating | float) -> str:
    """The shortest decimal that gives the same number of its kind again."""
    return np.format_float_positional(value, trim="-").replace("-", MINUS)


def added(value: np.floating | float) -> str:
    """The number with the sign that adds it to what stands before it."""
    text = decimal(value)
    return f"{MINUS} {text.removeprefix(MINUS)}" if text.startswith(MINUS) else f"+ {text}"
