"""A table's columns as pictures take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convlab.experiments.framework import Spread, Table

if TYPE_CHECKING:
    from convlab.viz import MeasuredColumn


def measured_column(table: Table, key: str, kind: str = "bars") -> MeasuredColumn:
    """The column ``key`` for ``viz.measured_columns``: its values, and its cells as texts."""
    from convlab.viz import MeasuredColumn

    column = next(column for column in table.columns if column.key == key)
    cells = [row[key] for row in table.rows]
    return MeasuredColumn(
        column.heading,
        [_values(cell) for cell in cells],
        [column.cell(cell) for cell in cells],
        kind,
    )


def _values(cell: Spread | float | None) -> tuple[float, ...]:
    if cell is None:
        return ()
    return cell.values if isinstance(cell, Spread) else (float(cell),)
