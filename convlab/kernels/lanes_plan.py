"""The plan of a convolution: where the taps of lanes.py find their rows, made once per geometry.

A geometry and a batch size have a plan for the forward pass and the gradient of the weights, and
one for each phase of the gradient of the input.  For maps with short rows, the forward pass has its
own.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from convlab.kernels.depthwise import Layout, lay_maps, whole_layout
from convlab.kernels.gather import column_runs, copy_runs
from convlab.kernels.lanes import VECTOR, Ranges, room_for, with_room
from convlab.shapes import Conv2dGeometry

# With fewer taps than this in a kernel column, columns of zeros cost less than
# going through the lanes column by column.
SPLIT = 8

# Enough lanes to hide the cost of starting a run of them.
LONG = 1024

# Up to so many lanes in a row, all rows of a map are better handled as one run.
SHORT = 64


class Plan(NamedTuple):
    """How to lay out the input, and where the taps of a convolution then find their rows.

    Either all taps form one column and read the input with its zeros laid out beside it, and
    possibly above and below it too, or each kernel column is a column that reaches only the lanes
    that it has input for.
    """

    laid: np.ndarray | None  # runs of columns to lay out first, see gather.py
    width: int  # columns as laid out
    split: bool  # whether each kernel column is a column of taps
    ranges: Ranges
    phases: Layout | None = None  # how to lay out whole maps instead, see depthwise.py

    def lay(self, x: np.ndarray, lanes: int) -> np.ndarray:
        """``x`` (C, H, W, N) as the flat array that the offsets point into."""
        channels, high, _, batch = x.shape
        if self.phases is not None:
            size = math.prod(self.phases.phases + self.phases.phase) * batch
            laid, flat = room_for((channels, size), x.dtype)
            lay_maps(x.reshape(channels, high, -1), tuple(self.phases), laid)
        elif self.laid is None:
            flat = with_room(x, lanes)
        else:
            laid, flat = room_for((channels, high, self.width, batch), x.dtype)
            copy_runs(x, np.arange(high), self.laid, laid)
        return flat

    def unweights(self, taps: np.ndarray, g: Conv2dGeometry) -> np.ndarray:
        """(O, columns, taps) as (O, C / groups, KH, KW): a view."""
        high, wide = g.kernel
        if self.split:
            return taps.reshape(len(taps), wide, high, -1).transpose(0, 3, 2, 1)
        return taps.reshape(len(taps), high, -1, wide).swapaxes(1, 2)

    def rows(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """(rows, lanes) of an output (O, OH, OW, N) in this plan."""
        rows = len(self.ranges.taps)
        return rows, math.prod(shape[1:]) // rows


def _plan(size, laid, batch, groups, places, row_taps, column_taps, first, step, output) -> Plan:
    """The plan of ``output`` rows and columns; of output row r, tap row t reads input row
    ``first + r * step + row_taps[t]``, and nothing where the input has no such row.

    ``laid``: the input column for each column as laid out, -1 for zero, or None; ``places``: (tap
    rows, channels of a group, tap columns) of the weights; ``column_taps``: what each kernel column
    reads for output column 0, in columns as laid out.
    """
    per_group = places.shape[1]
    width = size[1] if laid is None else len(laid)
    row_step = width * batch
    channel_step = size[0] * row_step
    row_taps = np.asarray(row_taps, dtype=np.int64)
    column_taps = np.asarray(column_taps, dtype=np.int64)
    offsets = (
        (first + row_taps)[:, None, None] * row_step
        + np.arange(per_group)[:, None] * channel_step
        + column_taps * batch
    )
    split = laid is None and bool(
        (column_taps < 0).any() or (column_taps + output[1] > width).any()
    )
    if split:
        offsets, places = (table.reshape(-1, len(column_taps)).T for table in (offsets, places))
        reach = np.maximum(0, -column_taps), np.clip(width - column_taps, 0, output[1])
        lanes = np.stack(reach, axis=1) * batch
    else:
        offsets, places = offsets.reshape(1, -1), places.reshape(1, -1)
        lanes = np.array([[0, output[1] * batch]])
    reads = first + np.arange(output[0])[:, None] * step + row_taps
    inside = (reads >= 0) & (reads < size[0])
    # Tap rows are in ascending or descending order, so those inside are one range.
    taps = np.zeros((output[0], 2), np.int64)
    if inside.size:
        taps[:, 0] = np.where(inside.any(axis=1), inside.argmax(axis=1), 0)
        taps[:, 1] = taps[:, 0] + inside.sum(axis=1)
    ranges = Ranges(
        # A negative one wraps around, and wraps back when added.
        np.ascontiguousarray(offsets.astype(np.uintp)),
        np.ascontiguousarray(places.astype(np.uintp)),
        lanes,
        taps * (per_group * (1 if split else len(column_taps))),
        groups,
        per_group * channel_step,
        step * row_step,
        output[1] * batch,
        0,
    )
    runs = None if laid is None else column_runs(laid)
    return Plan(runs, width, split, ranges)


def _merged(plan: Plan, lanes: int) -> Plan:
    """A 1 × 1 kernel that reads whole maps in order: rows are merged until the runs are long."""
    ranges = plan.ranges
    rows = len(ranges.taps)
    together = next(
        n for n in range(1, rows + 1) if rows % n == 0 and (n * lanes >= LONG or n == rows)
    )
    return plan._replace(
        ranges=ranges._replace(
            lanes=ranges.lanes * together,
            taps=ranges.taps[::together].copy(),
            row_step=ranges.row_step * together,
            run=ranges.run * together,
        )
    )


def _is_pointwise(g: Conv2dGeometry) -> bool:
    return g.kernel == (1, 1) and g.stride == (1, 1) and not any(g.padding)


def _places(g: Conv2dGeometry) -> np.ndarray:
    """(KH, C / groups, KW) places of these taps in a channel's weights, (C / groups, KH, KW)."""
    _, *shape = g.weight_shape
    return np.arange(math.prod(shape)).reshape(shape).swapaxes(0, 1)


@lru_cache(maxsize=256)
def input_plan(g: Conv2dGeometry, batch: int) -> Plan:
    """Taps of the input as runs of lanes.

    With a column stride s, columns 0, s, 2s, ... of the padded input are laid out first, then 1, s
    + 1, ... and so on: what one tap reads is then one run again.
    """
    (kh, kw), (sh, sw), (dh, dw) = g.kernel, g.stride, g.dilation
    top, _, left, right = g.padding
    along = np.arange(kw) * dw
    per_group = g.in_channels // g.groups
    if sw == 1 and (left == right == 0 or batch % VECTOR == 0 and kh * per_group >= SPLIT):
        laid, columns = None, along - left
    else:
        per_phase = -(-(g.input[1] + left + right) // sw)
        laid = np.arange(per_phase * sw).reshape(per_phase, sw).T.reshape(-1) - left
        laid = np.where((laid >= 0) & (laid < g.input[1]), laid, -1)
        columns = along % sw * per_phase + along // sw
    rows = np.arange(kh) * dh, columns, -top, sh
    plan = _plan(g.input, laid, batch, g.groups, _places(g), *rows, g.output)
    return _merged(plan, g.output[1] * batch) if _is_pointwise(g) else plan


def whole_map_fits(g: Conv2dGeometry, batch: int) -> bool:
    """Whether all rows of a map are better as one run of lanes, given the cost of ``map_plan``.

    They are where rows have few lanes, provided that the taps of a kernel row are whole iterations
    of the loops, so that the sums are the same, to the bit, as for rows that leave out the taps of
    their padding.
    """
    together = 8 if g.out_channels // g.groups < 3 else 4
    return (
        not _is_pointwise(g)
        and g.output[1] * batch <= SHORT
        and g.output[0] > 1
        and g.in_channels // g.groups * g.kernel[1] % together == 0
    )


@lru_cache(maxsize=256)
def map_plan(g: Conv2dGeometry, batch: int) -> Plan:
    """All output rows as one, each with the gap that is left of the columns of a phase.

    The input is laid out by phases, with its padding on all sides, so that a tap is one offset for
    a whole map.
    """
    phases = whole_layout(g, batch)
    width, places, per_group = phases.phase[1], _places(g), g.in_channels // g.groups
    channel_step = math.prod(phases.phases + phases.phase) * batch
    offsets = phases.offsets.reshape(g.kernel[0], 1, g.kernel[1])
    offsets = offsets + np.arange(per_group, dtype=np.uintp)[:, None] * np.uintp(channel_step)
    # Each kernel row is a column: it reaches the lanes of the output rows that it has input for.
    # Lanes up to the next whole vector read zeros below the map.
    above = g.padding[0] - np.arange(g.kernel[0]) * g.dilation[0]
    begin = np.clip(-(-above // g.stride[0]), 0, g.output[0])
    end = np.clip((g.input[0] - 1 + above) // g.stride[0] + 1, begin, g.output[0])
    ranges = Ranges(
        offsets.reshape(g.kernel[0], -1),
        np.ascontiguousarray(places.reshape(g.kernel[0], -1).astype(np.uintp)),
        np.stack((begin, end), axis=1) * (width * batch),
        np.array([[0, places.size // g.kernel[0]]]),
        g.groups,
        per_group * channel_step,
        0,
        g.output[1] * batch,
        (width - g.output[1]) * batch,
    )
    return Plan(None, width, False, ranges, phases)


class Phase(NamedTuple):
    """The input rows, and columns, that share their taps in the gradient of the input.

    Padded input row u gets tap row kh from output row (u - kh * dilation) / stride where that
    divides.  So the rows u with the same remainder u mod stride share their taps, and make a
    convolution of stride 1 with those taps in reverse; columns likewise.
    """

    cells: range  # of the input
    taps: np.ndarray  # kernel rows that contribute to them
    first: int  # cell number i gets from output rows first + i - back[t]
    back: np.ndarray


def grad_input_phases(g: Conv2dGeometry) -> list[tuple[Phase, Phase]]:
    """Every (phase of rows, phase of columns); with stride 1 there is one."""
    phases = []
    for remainders in np.ndindex(g.stride):
        both = []
        for axis, remainder in enumerate(remainders):
            stride, before = g.stride[axis], g.padding[2 * axis]
            reach = np.arange(g.kernel[axis]) * g.dilation[axis]
            taps = np.flatnonzero(reach % stride == remainder)
            first = -(-(before - remainder) // stride)  # first such u, by the stride
            cells = range(first * stride + remainder - before, g.input[axis], stride)
            both.append(Phase(cells, taps, first, reach[taps] // stride))
        phases.append((both[0], both[1]))
    return phases


@lru_cache(maxsize=256)
def grad_input_plans(g: Conv2dGeometry, batch: int) -> list[tuple[tuple, Plan]]:
    """Each input row as a sum of rows of the output's gradient: a plan for each phase.

    Each plan comes after the phase's input cells, as indices into the input's gradient.
    """
    per_group = g.out_channels // g.groups
    laid, leftmost = None, 0
    if batch % VECTOR or g.kernel[0] * per_group < SPLIT:
        # One copy of the columns serves all phases: the first one needed, and how many.
        left, stride = g.padding[2], g.stride[1]
        leftmost = left // stride - g.dilation[1] * (g.kernel[1] - 1) // stride
        laid = np.arange(leftmost, (g.input[1] - 1 + left) // stride + 1)
        laid = np.where((laid >= 0) & (laid < g.output[1]), laid, -1)
    # (KH, O / groups, KW): where the weights of one input channel are.
    places = np.arange(math.prod(g.weight_shape) // g.groups)
    places = places.reshape(per_group, *g.weight_shape[1:])[:, 0].swapaxes(0, 1)
    plans = []
    for rows, columns in grad_input_phases(g):
        reads = -rows.back, columns.first - columns.back - leftmost, rows.first, 1
        output = len(rows.cells), len(columns.cells)
        own = places[rows.taps][:, :, columns.taps]
        plan = _plan(g.output, laid, batch, g.groups, own, *reads, output)
        plan = _merged(plan, g.output[1] * batch) if _is_pointwise(g) else plan
        cells = (slice(phase.cells.start, None, phase.cells.step) for phase in (rows, columns))
        plans.append(((slice(None), *cells), plan))
    return plans
