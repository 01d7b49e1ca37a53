"""What a layer answers: its feature maps, and an image's way through all layers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.colors import ListedColormap, to_rgba
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError, SpecError
from convlab.numerals import exact, number, to_places
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import Cells, cell_numbers, number_size
from convlab.viz.style import Scale, Theme
from convlab.viz.tiles import Grid, arrange, how_many_fit, round_count

ORDERS = ("strongest", "number")
# What the colours of numbers of both signs mean, in both themes.
SIGNS = "orange below 0, violet above"


def map_order(maps: NDArray, order: str) -> NDArray:
    """Numbers of the maps (C, ...) in the order of showing them.

    ``strongest``: by their largest finite value, the first of equals first; ``number``: as they
    are.  Raises SpecError for another order.
    """
    if order not in ORDERS:
        raise SpecError(f"order: expected one of {', '.join(ORDERS)}, got {order!r}")
    if order == "number":
        return np.arange(len(maps))
    flat = maps.reshape(len(maps), -1)
    largest = np.where(np.isfinite(flat), flat, -np.inf).max(axis=1)
    return np.argsort(-largest, kind="stable")


def feature_maps(
    maps: ArrayLike,
    *,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
    order: str = "number",
    notes: Sequence[str] = (),
    own_scales: bool = False,
) -> Figure:
    """The maps (C, H, W) of one layer, large, all on one scale; each with its number.

    Where there are negative and positive values, 0 is the ground's colour and each sign
    has colours up to its own largest value.
    ``own_scales``: each map on a scale of its own, with its largest and smallest
    number beside it.
    A vector, (C,) or (C, 1, 1), becomes a bar a unit while numbers fit below
    the bars, then cells in reading order; in the order of strength as many bars
    as fit.  When not all maps fit readably the second line says how many are
    shown.  ``order``: see ``map_order``.  ``notes`` are lines of their own below the
    headline.  Values that are not finite are hatched.

    Raises ShapeError for other shapes, SpecError for scales of their own for the
    numbers of a vector and for an unknown order, theme or size.
    """
    maps = np.asarray(maps, dtype=float)
    if maps.ndim not in (1, 3) or 0 in maps.shape:
        raise ShapeError(f"expected feature maps (C, H, W) or a vector (C,), got {maps.shape}")
    canvas = Canvas(size, theme, aspect=0.8)
    scale = value_scale(maps, canvas.theme)
    head = _Head(title, subtitle, notes, order)
    numbers = map_order(maps, order)
    vector = maps.ndim == 1 or maps.shape[1:] == (1, 1)
    if own_scales and vector:
        raise SpecError("scale: expected maps for scales of their own, got single numbers")
    if vector:
        _vector(canvas, maps.reshape(-1), numbers, scale, head)
    elif own_scales:
        signed = _has_both_signs(maps)
        scales = [value_scale(part, canvas.theme, signed) for part in maps[numbers]]
        _maps(canvas, maps[numbers], numbers, scales, None, head)
    else:
        _maps(canvas, maps[numbers], numbers, [scale] * len(maps), scale, head)
    return canvas.figure


def _has_both_signs(values: NDArray) -> bool:
    finite = values[np.isfinite(values)]
    return bool((finite < 0).any() and (finite > 0).any())


def value_scale(values: NDArray, theme: Theme, signed: bool | None = None) -> Scale:
    """Dark to bright; round 0 where there are both signs, or as ``signed`` says.

    Round 0 each sign has the full range of its colours: before a ReLU the few
    positive values are what goes on, and the negative ones may be much larger.
    """
    signed = _has_both_signs(values) if signed is None else signed
    finite = values[np.isfinite(values)]
    if not signed or not finite.any():
        return style.activation_scale(values)
    low, high = min(float(finite.min()), 0.0), max(float(finite.max()), 0.0)
    low, high = low or -high, high or -low
    steps = np.linspace(low, high, 4096)
    shares = 0.5 + 0.5 * np.where(steps < 0, steps / -low, steps / high)
    colours = style.diverging_map(theme)(shares)
    colours[int(-low / (high - low) * len(colours))] = to_rgba(theme.ground)  # exactly zero
    return Scale(low, high, ListedColormap(colours))


def _written(
    canvas: Canvas, values: NDArray, width: float, height: float
) -> tuple[list[str], float | None]:
    """Numbers with as many digits as fit a cell, and their height; None where none do."""
    for digits in (3, 2):
        texts = exact(values, digits).marked()
        px = number_size(canvas, texts, width, height)
        if px is not None:
            break
    return texts, px


def _ends(values: NDArray) -> tuple[str, str]:
    """The largest and the smallest finite number, the second "" where both are the same."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return "", ""
    high, low = (number(end) for end in (finite.max(), finite.min()))
    return high, low if low != high else ""


@dataclass(frozen=True)
class _Head:
    """What stands above the maps."""

    title: str
    subtitle: str
    notes: Sequence[str]
    order: str

    def most(self, canvas: Canvas) -> float:
        """Height that it takes at most."""
        lines = 2 + len(_note_lines(canvas, self.notes))
        return (canvas.size.title + lines * canvas.size.subtitle) * LINE + 0.7 * canvas.size.label

    def height(self, canvas: Canvas) -> float:
        """Height that it takes where nothing is added to the subtitle."""
        used = len(canvas.lines(self.subtitle, canvas.inner_width, canvas.size.subtitle))
        return self.most(canvas) - (2 - used) * canvas.size.subtitle * LINE

    def draw(
        self, canvas: Canvas, shown: int, count: int, what: str, more: Sequence[str] = ()
    ) -> None:
        """Title, subtitle with what is shown of ``count``, and the notes."""
        word = "strongest" if self.order == "strongest" else "first"
        said = f"{word} {shown} of {count} {what}" if shown < count else ""
        if not said and self.order == "strongest" and count > 1:
            said = "strongest first"
        subtitle = ", ".join(part for part in (self.subtitle, said, *more) if part)
        canvas.headline(self.title, subtitle, canvas.theme.output)
        _draw_notes(canvas, self.notes)


def _note_lines(canvas: Canvas, notes: Sequence[str]) -> list[str]:
    """Notes as lines, each as one or two."""
    room = canvas.inner_width
    return [line for note in notes for line in canvas.lines(note, room, canvas.size.subtitle)]


def _draw_notes(canvas: Canvas, notes: Sequence[str]) -> None:
    """Lines of their own below the headline."""
    y, room, size = canvas.top - 0.7 * canvas.size.label, canvas.inner_width, canvas.size
    for line, text in enumerate(_note_lines(canvas, notes)):
        top = y + line * size.subtitle * LINE
        canvas.text(canvas.left, top, text, px=size.subtitle, width=room)
        canvas.top += size.subtitle * LINE


def _maps(
    canvas: Canvas,
    maps: NDArray,
    numbers: NDArray,
    scales: list[Scale],
    shared: Scale | None,
    head: _Head,
) -> None:
    """Maps on their scales; the bar of the one that they share, or the ends of each beside it."""
    count, *shape = maps.shape
    broken = not np.isfinite(maps).all()
    small, unit = canvas.size.small, canvas.unit
    bar = (
        ColourBar(canvas, shared, "activation", broken).width + 2 * canvas.size.label
        if shared
        else 0.0
    )
    width = canvas.inner_width - bar
    gap, label = 10 * unit, small * LINE
    names = [str(number) for number in numbers]
    ends, more, beside = [("", "")] * count, (), 0.0
    if shared is None:
        ends = [_ends(part) for part in maps]
        how = SIGNS if _has_both_signs(maps) else "dark to bright"
        more = (f"each map on its own scale, {how}",)
        beside = canvas.widest(itertools.chain(*ends), small) + 0.8 * small
    # As if the map had more columns, for its number above and its ends beside it.
    cell = (3 if beside else 2.2) * small / min(shape)
    wide = shape[1] + math.ceil(beside / cell)
    place = {"gap": gap, "label": label}
    height = canvas.inner_height - head.most(canvas)
    smallest = max(shape[0], wide) * cell
    shown = how_many_fit(count, width, height, (shape[0], wide), **place, smallest=smallest)
    head.draw(canvas, shown, count, "maps", more)
    height = canvas.inner_height
    wide, least = shape[1], 2.2 * small
    grid = arrange(shown, width, height, (shape[0], wide), **place)
    while grid.width < max(least, beside + grid.width * shape[1] / wide) and grid.height > 1:
        wide += math.ceil(wide / 4)
        grid = arrange(shown, width, height, (shape[0], wide), **place)
    grid = replace(
        grid,
        width=shape[1] * grid.width / wide,
        gap_x=grid.gap_x + (wide - shape[1]) * grid.width / wide,
    )
    finite = np.where(np.isfinite(maps[:shown]), maps[:shown], 0.0)
    texts, px = _written(canvas, finite, grid.width / shape[1], grid.height / shape[0])
    each = math.prod(shape)
    for index in range(shown):
        left, top = grid.corner(index)
        left, top = canvas.left + left, canvas.top + top
        canvas.note(left, top - label, names[index])
        for end, text in enumerate(ends[index]):
            y = top + end * max(grid.height - 1.2 * small, small * LINE)
            canvas.text(left + grid.width + 0.4 * small, y, text, px=small)
        edge = canvas.theme.hairline
        canvas.array(maps[index], scales[index], left, top, grid.width, grid.height, edge=edge)
        if px is not None:
            known = np.isfinite(maps[index]).ravel()
            written = texts[index * each : (index + 1) * each]
            cell_numbers(
                canvas,
                [text if good else "" for text, good in zip(written, known, strict=True)],
                scales[index].rgb(maps[index]),
                px,
                left,
                top,
                grid.width,
                grid.height,
            )
    if shared is not None:
        bar_height = min(height - label, 420 * unit)
        left = canvas.left + width + 2 * canvas.size.label
        ColourBar(canvas, shared, "activation", broken).draw(left, canvas.top, bar_height + label)


def _vector(canvas: Canvas, values: NDArray, numbers: NDArray, scale: Scale, head: _Head) -> None:
    small, count = canvas.size.small, len(values)
    finite = np.where(np.isfinite(values), values, 0.0)
    texts = exact(finite, 3).marked()
    room = canvas.inner_width
    least = canvas.widest([*texts, str(count - 1)], small) + 8 * canvas.unit
    shown = min(count, max(1, math.floor(room / least)))
    if shown == count or head.order == "strongest":
        shown = round_count(count, shown)
        head.draw(canvas, shown, count, "units")
        numbers = numbers[:shown]
        _bars(canvas, values[numbers], [texts[k] for k in numbers], numbers, room / shown)
    else:
        _cells(canvas, values, scale, head)


def _bars(canvas: Canvas, values: NDArray, texts: list[str], numbers: NDArray, step: float) -> None:
    """An upright bar a unit from the line of zero, its number at the tip, its index at the foot."""
    small, theme = canvas.size.small, canvas.theme
    finite = np.where(np.isfinite(values), values, 0.0)
    low, high = min(0.0, finite.min()), max(0.0, finite.max())
    span = (high - low) or 1.0
    top = canvas.top + small * LINE
    foot = canvas.bottom - small * LINE * (2.6 if low < 0 else 1.2)
    thick = min(step * 0.7, 90 * canvas.unit)

    def at(value: float) -> float:
        return top + (high - value) / span * (foot - top)

    for index, (value, text) in enumerate(zip(values, texts, strict=True)):
        x = canvas.left + (index + 0.5) * step
        good = math.isfinite(value)
        tip = at(value) if good else at(0.0)
        if good:
            canvas.box(
                x - thick / 2,
                min(tip, at(0.0)),
                thick,
                abs(tip - at(0.0)),
                edge=theme.output,
                fill=theme.output_fill,
            )
        below = good and value < 0
        canvas.text(
            x,
            tip + (0.4 if below else -0.4) * small,
            text if good else "NaN",
            px=small,
            colour=theme.ink if good else theme.mistake,
            anchor="mt" if below else "mb",
        )
        canvas.note(x, canvas.bottom, str(numbers[index]), "mb")
    canvas.line([canvas.left, canvas.right], [at(0.0), at(0.0)], theme.quiet)


def _cells(canvas: Canvas, values: NDArray, scale: Scale, head: _Head) -> None:
    """Cells in reading order, as many in a row as make them large; a row's first index at left."""
    small, unit, count = canvas.size.small, canvas.unit, len(values)
    broken = not np.isfinite(values).all()
    bar = ColourBar(canvas, scale, "activation", broken).width
    index = canvas.measure(str(count), small) + 12 * unit
    width = canvas.inner_width - bar - 2 * canvas.size.label - index
    height = canvas.inner_height - head.most(canvas)
    least_width, least_height = 12 * unit, small * 1.1
    most_rows = math.floor(height / least_height)
    # Rows of a round length, so that the index of any cell can be counted.
    lengths = [
        length
        for length in (1, 2, 4, 5, 10, 12, 16, 20, 32, 50, 64, 100, 128)
        if width / length >= least_width
    ]
    enough = [length for length in lengths if length * most_rows >= count]
    columns = max(
        enough or lengths[-1:],
        key=lambda length: min(width / length, 2 * height / math.ceil(count / length)),
    )
    shown = min(count, columns * most_rows)
    head.draw(canvas, shown, count, "units")
    height = canvas.inner_height
    rows = math.ceil(shown / columns)
    cell_width = math.floor(width / columns)
    cell_height = max(min(math.floor(height / rows), cell_width), least_height)
    finite = np.where(np.isfinite(values), values, 0.0)
    texts, px = _written(canvas, finite, cell_width, cell_height)
    left = canvas.left + index
    for row in range(rows):
        part = values[row * columns : min((row + 1) * columns, shown)]
        top = canvas.top + row * cell_height
        canvas.note(left - 12 * unit, top + cell_height / 2, str(row * columns), "rm")
        canvas.array(part[None], scale, left, top, cell_width * len(part), cell_height)
        Cells(canvas, left, top, 1, len(part), cell_width, cell_height).lines(canvas.theme.ground)
        if px is not None:
            written = [
                text if math.isfinite(value) else ""
                for text, value in zip(texts[row * columns :], part, strict=False)
            ]
            cell_numbers(
                canvas,
                written,
                scale.rgb(part[None]),
                px,
                left,
                top,
                cell_width * len(part),
                cell_height,
            )
    ColourBar(canvas, scale, "activation", broken).draw(
        canvas.right - bar, canvas.top, min(height, 420 * unit)
    )


# An image's way through the network ------------------------------------------------------------


@dataclass(eq=False)
class _Station:
    """One stop of the journey: what it draws, and the width in pixels that it takes."""

    name: str
    lines: list[str]
    colour: str
    values: NDArray | None = None  # (C, H, W) maps or (C,) vector
    rgb: NDArray | None = None  # (H, W, 3), the image
    width: float = 0.0
    grid: Grid | None = None
    shown: int = 0

    def heading(self, canvas: Canvas, lines: int) -> float:
        """Width of the name with the first ``lines`` lines below it."""
        name = canvas.measure(self.name, canvas.size.label, bold=True)
        return max(name, canvas.widest(self.lines[:lines], canvas.size.small))


def journey(
    image: ArrayLike,
    layers: Sequence[tuple[str, ArrayLike]],
    *,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
    classes: Sequence[str] | None = None,
    probabilities: ArrayLike | None = None,
    order: str = "number",
    notes: Sequence[str] = (),
    minor: Collection[str] = (),
) -> Figure:
    """One image's way through a network, left to right: image, layers, probabilities.

    image: (1, H, W) or (3, H, W), uint8 or float.  layers: a name with maps
    (C, H, W) or a vector (C,) each, in the order of computation.  Every layer
    has its own scale, whose ends stand under its size, with colours on both
    sides of 0 where there are both signs.  Layers with more maps than fit show the first ones and
    "+48"; ``order`` says which are first, see ``map_order``; vectors stay in
    theirs.  ``notes`` are lines of their own below the headline.  probabilities:
    (K,), drawn as bars with the names in ``classes`` (None: their numbers); the
    most probable first when there are more than fit.  A network too deep for one
    row takes several; where not all layers fit, those named in ``minor`` are left
    out, then others evenly, and the second line says how many there are.

    Raises ShapeError for other shapes and for a number of classes that is not
    K, SpecError for an unknown order, theme or size.
    """
    rgb = image_rgb(np.asarray(image))
    canvas = Canvas(size, theme, aspect=1.2)
    stations = [_image_station(canvas, np.asarray(image), rgb)]
    for name, array in layers:
        values = np.asarray(array, dtype=float)
        if values.ndim == 3:
            values = values[map_order(values, order)]
        stations.append(_layer_station(canvas, name, values))
    chances = None
    if probabilities is not None:
        chances = np.asarray(probabilities, dtype=float)
        if chances.ndim != 1 or chances.size == 0:
            raise ShapeError(f"expected probabilities (K,), got {chances.shape}")
        names = [str(index) for index in range(len(chances))] if classes is None else classes
        if len(names) != len(chances):
            raise ShapeError(f"expected {len(chances)} class names, got {len(names)}")
    gap, end = 28 * canvas.unit, 0.0
    if chances is not None:
        end = max(0.17 * canvas.width, 11 * canvas.size.label)
    for kept in _thinned(stations, minor):
        line = ", ".join(part for part in (subtitle, *_said(kept, len(layers), order)) if part)
        head = _Head(title, line, notes, order)
        rows, lines, fits = _rows(canvas, kept, gap, end, head.height(canvas))
        if fits:
            break
    canvas.headline(title, line, canvas.theme.ink)
    _draw_notes(canvas, notes)
    between = _between(canvas)
    height = (canvas.inner_height - between * (len(rows) - 1)) / len(rows)
    for index, row in enumerate(rows):
        top = canvas.top + index * (height + between)
        last = end if index == len(rows) - 1 else 0.0
        _draw_row(canvas, row, top, height, gap, last, lines)
        if last and chances is not None:
            _probabilities(
                canvas,
                list(names),
                chances,
                (canvas.right - end, top, end, height),
                _head(canvas, lines),
            )
    return canvas.figure


def _thinned(stations: list[_Station], minor: Collection[str]) -> Iterator[list[_Station]]:
    """The image with all layers, without the minor ones, then with fewer and fewer evenly."""
    yield stations
    image, *layers = [stop for stop in stations if stop.name not in minor or stop.rgb is not None]
    if len(layers) + 1 < len(stations):
        yield [image, *layers]
    for count in range(len(layers) - 1, 0, -1):
        places = np.linspace(0, len(layers) - 1, count).round().astype(int)
        yield [image, *(layers[place] for place in places)]


def _said(stations: list[_Station], count: int, order: str) -> list[str]:
    """What the second line says of the layers: how many of how many, and what colours mean."""
    layers = stations[1:]
    signed = [_has_both_signs(stop.values) for stop in layers]
    how = SIGNS if any(signed) else "dark to bright"
    if any(signed) and not all(signed):
        how += ", or dark to bright"
    said = [f"{len(layers)} of {count} layers"] if len(layers) < count else []
    said.append(f"each layer on its own scale: {how}")
    return [*said, "strongest maps first"] if order == "strongest" else said


def _image_station(canvas: Canvas, image: NDArray, rgb: NDArray) -> _Station:
    channels = image.shape[0]
    lines = [style.size_text(*rgb.shape[:2], channels)]
    return _station(canvas, "image", lines, canvas.theme.input, rgb=rgb)


def _layer_station(canvas: Canvas, name: str, values: NDArray) -> _Station:
    if values.ndim not in (1, 3) or 0 in values.shape:
        raise ShapeError(f"expected layer {name} as (C, H, W) or (C,), got {values.shape}")
    if values.ndim == 3 and values.shape[1:] == (1, 1):
        values = values.reshape(-1)
    finite = values[np.isfinite(values)]
    ends = (finite.min(), finite.max()) if finite.size else (math.nan, math.nan)
    if values.ndim == 1:
        extent = str(len(values))
    else:
        extent = style.size_text(*values.shape[1:], values.shape[0])
    lines = [extent, f"{number(ends[0])} to {number(ends[1])}"]
    return _station(canvas, name, lines, canvas.theme.output, values=values)


def _station(
    canvas: Canvas, name: str, lines: list[str], colour: str, **drawn: NDArray
) -> _Station:
    name, _ = canvas.fit(name, 8 * canvas.size.label, canvas.size.label, bold=True)
    return _Station(name, lines, colour, **drawn)


def _rows(
    canvas: Canvas, stations: list[_Station], gap: float, end: float, head: float
) -> tuple[list[list[_Station]], int, bool]:
    """Stations in as few rows as leave each its heading's width, and the lines of a heading.

    Equally many a row, and never more rows than leave a picture below each
    heading.  The second line, the ends of the scale, is there when it fits and
    the pictures keep most of the height.  ``head``: height of the figure's own
    headline.  The last is whether all have their room.
    """
    room = canvas.inner_width
    low = canvas.inner_height - head + _between(canvas)
    for count in range(1, len(stations) + 1):
        each = math.ceil(len(stations) / count)
        rows = [stations[start : start + each] for start in range(0, len(stations), each)]
        height = low / count - _between(canvas) - canvas.size.small * LINE
        for lines, least in ((2, 90 * canvas.unit), (1, 44 * canvas.unit)):
            if height - _head(canvas, lines) < least:
                continue
            needs = [
                sum(max(stop.heading(canvas, lines), 40 * canvas.unit) + gap for stop in row) - gap
                for row in rows
            ]
            needs[-1] += end + gap if end else 0.0
            if max(needs) <= room:
                return rows, lines, True
        if height - _head(canvas, 1) < 44 * canvas.unit:
            break
    return [stations], 1, False


def _between(canvas: Canvas) -> float:
    return 1.2 * canvas.size.label


def _head(canvas: Canvas, lines: int) -> float:
    """Height of a station's name with lines below it."""
    return canvas.size.label * LINE + (lines * LINE + 0.3) * canvas.size.small


def _draw_row(
    canvas: Canvas,
    row: list[_Station],
    top: float,
    height: float,
    gap: float,
    end: float,
    lines: int,
) -> None:
    head, foot = _head(canvas, lines), canvas.size.small * LINE
    room = canvas.inner_width - (end + gap if end else 0.0)
    headings = {stop: stop.heading(canvas, lines) for stop in row}
    squeeze = (room - gap * (len(row) - 1)) / sum(headings.values())
    for stop in row:
        # Where not even one layer has its room, headings are shortened.
        headings[stop] *= min(1.0, squeeze)
        stop.lines = stop.lines[:lines]
    body = height - head - foot
    vectors = [stop for stop in row if stop.values is not None and stop.values.ndim == 1]
    fixed = sum(headings[stop] for stop in vectors) + gap * (len(row) - 1)
    # The image is what everybody looks at first: it gets more room than one layer.
    parts = {stop: 1.6 if stop.rgb is not None else 1.0 for stop in row if stop not in vectors}
    widths = _shared_out(room - fixed, parts, headings)
    for stop in row:
        stop.width = headings[stop]
        if stop in parts:
            _arrange(canvas, stop, widths[stop], body)
            stop.width = max(headings[stop], stop.grid.total_width)
    spare = room - sum(stop.width for stop in row)
    step = min(spare / max(1, len(row) - (0 if end else 1)), 5 * gap)
    left = canvas.left
    for stop in row:
        _draw_station(canvas, stop, left, top, head, body)
        left += stop.width + step


def _shared_out(
    room: float, parts: dict[_Station, float], least: dict[_Station, float]
) -> dict[_Station, float]:
    """Width for each stop by its part of the room, none below its least."""
    widths: dict[_Station, float] = {}
    while True:
        free = {stop: part for stop, part in parts.items() if stop not in widths}
        left = room - sum(widths.values())
        each = left / max(sum(free.values()), 1.0)
        narrow = {stop: least[stop] for stop, part in free.items() if each * part < least[stop]}
        if not narrow:
            return widths | {stop: each * part for stop, part in free.items()}
        widths |= narrow


def _arrange(canvas: Canvas, stop: _Station, width: float, height: float) -> None:
    gap = 5 * canvas.unit
    shape = stop.rgb.shape[:2] if stop.values is None else stop.values.shape[1:]
    count = 1 if stop.values is None else len(stop.values)
    least = 34 * canvas.unit
    # One map alone does not outgrow the others; the image may.
    share = 1.0 if stop.values is None else 0.55
    largest = min(260 * canvas.unit, max(share * height, least))
    stop.shown = how_many_fit(count, width, height, shape, gap=gap, label=0.0, smallest=least)
    stop.grid = arrange(stop.shown, width, height, shape, gap=gap, largest=largest)


def _draw_station(
    canvas: Canvas, stop: _Station, left: float, top: float, head: float, body: float
) -> None:
    size, theme = canvas.size, canvas.theme
    width = stop.width
    canvas.text(left, top, stop.name, colour=stop.colour, bold=True, width=width)
    for line, text in enumerate(stop.lines):
        y = top + size.label * LINE + line * size.small * LINE
        canvas.note(left, y, text, width=width)
    top += head
    if stop.values is not None and stop.values.ndim == 1:
        _column(canvas, stop.values, left, top, width, body)
        return
    if stop.rgb is not None:
        canvas.picture(stop.rgb, left, top, stop.grid.width, stop.grid.height)
        canvas.box(left, top, stop.grid.width, stop.grid.height, edge=theme.input)
        return
    scale, grid = value_scale(stop.values, theme), stop.grid
    for index in range(stop.shown):
        x, y = grid.corner(index)
        place = left + x, top + y, grid.width, grid.height
        canvas.array(stop.values[index], scale, *place, edge=theme.hairline)
    if stop.shown < len(stop.values):
        _more(canvas, len(stop.values) - stop.shown, left, top + stop.grid.total_height)


def _more(canvas: Canvas, count: int, left: float, y: float) -> None:
    small = canvas.size.small
    canvas.note(left, y + 0.15 * small, f"+{count}")


def _column(
    canvas: Canvas, values: NDArray, left: float, top: float, width: float, height: float
) -> None:
    """A vector as a column of cells, with its numbers where they fit."""
    least = 3 * canvas.unit
    shown = min(len(values), math.floor(height / least))
    tall = min(height / shown, 2 * canvas.size.label)
    scale = value_scale(values, canvas.theme)
    texts, px = _written(canvas, np.where(np.isfinite(values), values, 0.0), width, tall)
    texts = texts[:shown]
    across = width if px is not None else min(width, 44 * canvas.unit)
    part = values[:shown, None]
    canvas.array(part, scale, left, top, across, tall * shown, edge=canvas.theme.hairline)
    if px is not None:
        known = np.isfinite(values[:shown])
        written = [text if good else "" for text, good in zip(texts, known, strict=True)]
        cell_numbers(canvas, written, scale.rgb(part), px, left, top, across, tall * shown)
    if shown < len(values):
        _more(canvas, len(values) - shown, left, top + tall * shown)


def _probabilities(
    canvas: Canvas,
    names: list[str],
    chances: NDArray,
    place: tuple[float, float, float, float],
    head: float,
) -> None:
    left, top, width, height = place
    size, theme = canvas.size, canvas.theme
    small = size.small
    winner = int(np.nanargmax(chances)) if np.isfinite(chances).any() else -1
    canvas.text(left, top, "probability", colour=theme.output, bold=True, width=width)
    step = min((height - head) / max(1, min(len(chances), 12)), 2 * small * LINE)
    step = max(step, small * 1.25)
    room = max(1, math.floor((height - head) / step))
    order = list(range(len(chances)))
    said = f"of {len(chances)} classes"
    if len(chances) > room:
        order = [int(index) for index in np.argsort(-chances, kind="stable")[:room]]
        said = f"{room} largest of {len(chances)}"
    canvas.note(left, top + size.label * LINE, said, width=width)
    values = [to_places(chances[index], 3) for index in order]
    right = canvas.widest(values, small, bold=True)
    name = min(canvas.widest([names[index] for index in order], small, bold=True), 0.42 * width)
    pad = 8 * canvas.unit
    bar = width - name - right - 2 * pad
    for place, (index, value) in enumerate(zip(order, values, strict=True)):
        y = top + head + place * step
        middle, thick = y + step / 2, step * 0.56
        won = index == winner
        look = {"px": small, "bold": won, "colour": theme.ink if won else theme.quiet}
        canvas.text(left, middle, names[index], "lm", width=name, **look)
        share = min(max(float(np.nan_to_num(chances[index])), 0.0), 1.0)
        canvas.box(
            left + name + pad,
            middle - thick / 2,
            bar * share,
            thick,
            fill=theme.output if won else theme.hairline,
        )
        canvas.text(left + width, middle, value, "rm", **look)
