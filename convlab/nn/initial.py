"""Random initial weights."""

from __future__ import annotations

import math

import numpy as np

from convlab import random
from convlab.checks import checked, fits_memory, whole
from convlab.errors import SpecError
from convlab.names import meant

INITIALISATIONS = ("lecun", "glorot", "he")


@checked
def initial_weight(shape: tuple[int, ...], scheme: str | None = "he") -> np.ndarray:
    """Random float32 weights of ``shape`` (outputs, inputs, ...), normal with mean 0.

    Standard deviation sqrt(1 / fan_in) for ``lecun`` (LeCun, Bottou, Orr & Müller
    1998, section 4.6), sqrt(2 / (fan_in + fan_out)) for ``glorot`` (Glorot &
    Bengio 2010, equation 16), sqrt(2 / fan_in) for ``he`` (He et al. 2015,
    equation 10).  None leaves zeros, which cost neither time nor memory until they
    are touched.  Raises SpecError for another scheme.
    """
    for size in shape:
        whole(size, "weights")
    if scheme is None:
        return np.zeros(shape, np.float32)
    fits_memory("weights", *shape)
    receptive = math.prod(shape[2:])
    fan_in, fan_out = shape[1] * receptive, shape[0] * receptive
    variances = {"lecun": 1 / fan_in, "glorot": 2 / (fan_in + fan_out), "he": 2 / fan_in}
    if scheme not in variances:
        raise SpecError(
            f"initialisation: expected one of {', '.join(INITIALISATIONS)}, got {scheme!r}"
            f"{meant(scheme, INITIALISATIONS)}"
        )
    weight = random.generator().standard_normal(shape) * math.sqrt(variances[scheme])
    return weight.astype(np.float32)
