"""What each layer costs and sees, as a table for a terminal and for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from convlab import display
from convlab.models.summary import LayerSummary
from convlab.terminal import Table

# Families that change what units see, though a layer may have no single window.
_SEEING = ("join", "transposed convolution", "pooling")

HEAD = (
    "layer",
    "type",
    "kernel",
    "stride",
    "padding",
    "output",
    "parameters",
    "connections",
    "multiply-adds",
    "receptive field",
    "stride at input",
    "dense",
)
NUMERIC = set(range(6, 12))
SPARE = (11, 10, 7, 8, 4, 3, 1, 2)
"""The columns that a narrow terminal goes without, the first of them first."""


@dataclass(frozen=True)
class SummaryTable:
    """The layers of a network in rows; its ``str`` is the table of ``convlab summary``.

    Receptive field and stride are in input pixels; "dense" is how many parameters a dense layer
    between the same numbers would have.
    """

    name: str
    input_shape: tuple[int, ...]
    layers: list[LayerSummary]

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The cells: the input, each layer, the total."""
        totals = [
            sum(getattr(layer, key) for layer in self.layers)
            for key in ("parameters", "connections", "multiply_adds")
        ]
        return [
            ("input", "", "", "", "", shape_cell(self.input_shape), *[""] * 6),
            *map(_row, self.layers),
            ("total", *[""] * 5, *(f"{total:,}" for total in totals), "", "", ""),
        ]

    @property
    def table(self) -> Table:
        """The cells below their headings."""
        return Table([HEAD, *self.rows], NUMERIC, SPARE)

    def __str__(self) -> str:
        return str(self.table)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        parameters = sum(layer.parameters for layer in self.layers)
        title = f"{self.name}: {len(self.layers)} layers, {parameters:,} parameters"
        return display.folded(title, display.table(HEAD, self.rows, NUMERIC))


def _pair(values: Sequence) -> str:
    return str(values[0]) if values[0] == values[1] else f"{values[0]}x{values[1]}"


def shape_cell(shape: tuple[int, ...]) -> str:
    """Rows × columns × channels, length × channels, or the number of features."""
    return " × ".join(map(str, (*shape[1:], shape[0])))


def _row(row: LayerSummary) -> tuple[str, ...]:
    window = row.window
    kernel = stride = padding = field = effective = ""
    if window is not None:
        kernel = f"{window.kernel[0]} × {window.kernel[1]}"
        if window.dilation != (1, 1):
            kernel += f" dilated {_pair(window.dilation)}"
        stride = _pair(window.stride)
        top, bottom, left, right = window.padding
        padding = (
            _pair((top, left))
            if (top, left) == (bottom, right)
            else f"{top},{bottom},{left},{right}"
        )
    if row.receptive_field is None:
        field = "all" if len(row.output_shape) == 1 else "varies"
    elif window is not None or row.family in _SEEING:
        rows, columns = row.receptive_field
        most = "≤ " if rows.period or columns.period else ""
        field = f"{most}{rows.size} × {columns.size}"
        effective = _pair((rows.stride, columns.stride))
    counts = (row.parameters, row.connections, row.multiply_adds)
    return (
        row.name,
        row.kind,
        kernel,
        stride,
        padding,
        shape_cell(row.output_shape),
        *(f"{count:,}" if count else "" for count in counts),
        field,
        effective,
        f"{row.dense_parameters:,}" if row.dense_parameters else "",
    )
