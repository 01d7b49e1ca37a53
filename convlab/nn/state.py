"""What a module learns or keeps, and how a saved state is matched to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from convlab.checks import real_numbers
from convlab.errors import ShapeError, SpecError
from convlab.tape import Recorded
from convlab.tensors import Tensor


class Parameter(Tensor):
    """A tensor that a module learns."""

    __slots__ = ()

    def __init__(self, array: Any):
        super().__init__(array, requires_grad=True)


class Buffer(Tensor):
    """Numbers, of any kind, that a module keeps without learning them: running statistics."""

    __slots__ = ()

    def __init__(self, array: Any):
        Recorded.__init__(self, np.asarray(array))


class Keys(NamedTuple):
    """What a state lacks of a module's names, and what it has besides."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def checked_state(
    own: Mapping[str, Tensor], state: Mapping[str, np.ndarray], strict: bool = True
) -> tuple[dict[int, np.ndarray], Keys]:
    """The numbers that ``state`` has for each parameter or buffer of ``own``, by its id.

    A parameter that has several names may be given by any of them, or by all.  Raises the same
    errors as ``Module.load_state_dict``.
    """
    if not isinstance(state, Mapping):
        raise SpecError(
            f"load_state_dict: expected arrays by their names, got {type(state).__name__}"
        )
    given = {id(own[name]) for name in own.keys() & state.keys()}
    first_names = {id(parameter): name for name, parameter in reversed(list(own.items()))}
    missing = sorted(name for key, name in first_names.items() if key not in given)
    extra = sorted(map(str, state.keys() - own.keys()))
    if strict and (missing or extra):
        raise SpecError(
            f"load_state_dict: expected the parameters {', '.join(own)}; missing:"
            f" {', '.join(missing) or 'none'}; not known: {', '.join(extra) or 'none'}"
        )
    taken: dict[int, tuple[str, np.ndarray]] = {}
    for name, parameter in own.items():
        if name not in state:
            continue
        values = real_numbers(state[name], f"load_state_dict: {name}")
        if values.shape != parameter.shape:
            raise ShapeError(
                f"load_state_dict: expected {name} of shape {parameter.shape}, got {values.shape}"
            )
        first, others = taken.setdefault(id(parameter), (name, values))
        if values is not others and not np.array_equal(values, others, equal_nan=True):
            raise SpecError(
                f"load_state_dict: expected the same numbers for {first} and {name}, which"
                " are one parameter, got different ones"
            )
    return {key: values for key, (_, values) in taken.items()}, Keys(missing, extra)
