"""Formulas in t as users type them, and the usual signals by name."""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convlab.checks import shown
from convlab.errors import SpecError
from convlab.words import t

Function = Callable[[NDArray], NDArray]
LONGEST = 200  # letters; also bounds how deep a formula can be nested


@dataclass(frozen=True)
class NamedSignal:
    """A usual signal: its ``formula`` in words, and the ``reach`` beyond which it is about zero."""

    formula: str
    function: Function
    reach: float


def _between(low: float, high: float) -> Function:
    """1 from low to high, 0 elsewhere, and 1/2 at both."""
    return lambda t: (np.sign(t - low) - np.sign(t - high)) / 2


def _step(t: NDArray) -> NDArray:
    return (1 + np.sign(t)) / 2


def _decay(t: NDArray) -> NDArray:
    return _step(t) * np.exp(-np.maximum(t, 0))


SIGNALS = {
    "box": NamedSignal(t("{value} for {where}", 1, "|t| < 1/2"), _between(-0.5, 0.5), 0.5),
    "triangle": NamedSignal(
        t("{value} for {where}", "1 − |t|", "|t| < 1"),
        lambda time: np.maximum(1 - np.abs(time), 0),
        1.0,
    ),
    "ramp": NamedSignal(
        t("{value} for {where}", "t", "0 < t < 1"), lambda time: time * _between(0, 1)(time), 1.0
    ),
    "gaussian": NamedSignal("exp(−πt²)", lambda time: np.exp(-np.pi * time * time), 1.25),
    "decay": NamedSignal(t("{value} for {where}", "exp(−t)", "t > 0"), _decay, 3.5),
    "step": NamedSignal(t("{value} for {where}", 1, "t > 0"), _step, 2.0),
}
"""Each but the ramp and the step has the area 1 and the height 1."""

FUNCTIONS: dict[str, Function] = {
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "tanh": np.tanh,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "sign": np.sign,
    **{name: signal.function for name, signal in SIGNALS.items()},
}
_NUMBERS = {"pi": np.pi, "e": np.e}
_OPERATORS: dict[type, Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
_TYPED = str.maketrans({"^": "**", "−": "-", "·": "*", "×": "*", "π": "pi"})


def formula(text: str) -> Function:
    """A formula in t, such as "exp(-t^2)" or "2*step(t - 1)".

    It may have numbers, t, pi, e, + - * / ^, parentheses and FUNCTIONS; anything else is a
    SpecError.  It is never run as Python.
    """
    tree = _parsed(text)
    _value(tree, np.zeros(1), text)  # what is wrong is said now
    return lambda t: np.broadcast_to(_value(tree, t, text), t.shape)


def _parsed(text: str) -> ast.expr:
    if len(text) > LONGEST:
        raise SpecError(f"formula: expected at most {LONGEST} letters, got {len(text):,}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return ast.parse(text.translate(_TYPED).strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise _refused(text) from None


def _refused(text: str, part: str = "") -> SpecError:
    got = f"{part} in {shown(text)}" if part else shown(text)
    return SpecError(
        "formula: expected t, numbers, pi, e, + - * / ^, parentheses and"
        f" {', '.join(FUNCTIONS)}, got {got}"
    )


def _value(node: ast.expr, t: NDArray, text: str) -> NDArray:
    """A part of a formula at all t; numbers are float64 and may become infinite or NaN."""
    with np.errstate(all="ignore"):
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return np.float64(number) + 0 * t
            case ast.Name(id="t"):
                return t
            case ast.Name(id=name) if name in _NUMBERS:
                return _NUMBERS[name] + 0 * t
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](_value(left, t, text), _value(right, t, text))
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](_value(operand, t, text))
            case ast.Call(func=ast.Name(id=name), args=[part], keywords=[]) if name in FUNCTIONS:
                return FUNCTIONS[name](_value(part, t, text))
    raise _refused(text, ast.unparse(node).replace("**", "^"))
