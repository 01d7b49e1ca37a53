"""An image as what it is for a network: channels, and numbers."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.matrix import cell_numbers, number_size

CHANNELS = ("red", "green", "blue")


def _checked(image: ArrayLike) -> NDArray:
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[0] not in (1, 3) or 0 in image.shape:
        raise ShapeError(f"expected an image (1, H, W) or (3, H, W), got {image.shape}")
    if image.dtype != np.uint8:
        raise ShapeError(f"expected the bytes of an image, uint8, got {image.dtype}")
    return image


def _named(canvas: Canvas, image: NDArray) -> list[tuple[str, str, NDArray]]:
    """Name, colour and bytes (H, W) of each channel."""
    theme = canvas.theme
    if len(image) == 1:
        return [("grey", theme.input, image[0])]
    colours = (theme.red, theme.green, theme.blue)
    return list(zip(CHANNELS, colours, image, strict=True))


def channels(
    image: ArrayLike,
    pixel: tuple[int, int],
    *,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """A colour image, its channels in shades of grey, and the three numbers of one pixel.

    image: (3, H, W) bytes.  White is 255, as much of the colour as there can be.  pixel:
    (row, column), marked on the image.

    Raises ShapeError for another array and a pixel outside it, SpecError for an unknown
    theme or size.
    """
    image = _checked(image)
    if len(image) != 3:
        raise ShapeError(f"expected an image of 3 channels, got {len(image)}")
    rows, columns = image.shape[1:]
    row, column = pixel
    if not (0 <= row < rows and 0 <= column < columns):
        raise ShapeError(f"expected a pixel inside {style.size_text(rows, columns)}, got {pixel}")
    canvas = Canvas(size, theme, aspect=0.62)
    canvas.headline(title, subtitle, canvas.theme.input)
    small, label, theme = canvas.size.small, canvas.size.label, canvas.theme
    head, gap = small * LINE + 0.3 * small, 1.3 * label
    width, height = canvas.inner_width, canvas.inner_height
    named = _named(canvas, image)
    ratio, words = columns / rows, canvas.measure("green", small, bold=True)
    if ratio > 4:
        # A strip: all below each other.
        tall = min((height - 4.5 * head - 0.3 * height) / 4, width / ratio)
        large, step_y = tall, tall + head + 0.3 * label
        places = [(canvas.left, canvas.top + step_y * (at + 1)) for at in range(4)]
    else:
        # The image is as high as two channels with what stands above the lower one.
        tall = (height - gap) / 2 - head
        while (4 * tall + head + gap) * ratio + 2 * gap > width and tall > small:
            tall *= 0.99
        large = 2 * tall + head + gap
        # Lower than its place, it does not hang from the headline.
        canvas.top += (height - head - large) / 3
        start = canvas.left + max(large * ratio, words) + gap
        step_x, step_y = max(tall * ratio, words) + gap, tall + head + gap
        places = [(start + at % 2 * step_x, canvas.top + at // 2 * step_y) for at in range(4)]
    wide = tall * ratio
    canvas.text(canvas.left, canvas.top, "image", px=small, colour=theme.input, bold=True)
    y = canvas.top + head
    canvas.picture(image_rgb(image), canvas.left, y, large * ratio, large)
    canvas.box(canvas.left, y, large * ratio, large, edge=theme.input)
    # The mark is larger than a pixel, and on a ground of its own, so that it is seen.
    cell = large / rows
    mark = max(cell, 26 * canvas.unit)
    x_mark = canvas.left + (column + 0.5) * cell - mark / 2
    y_mark = y + (row + 0.5) * cell - mark / 2
    for edge, stroke in ((theme.ground, 1.5), (theme.window, 0.7)):
        canvas.box(x_mark, y_mark, mark, mark, edge=edge, stroke=stroke * canvas.size.thick)
    for (left, top), (name, colour, values) in zip(places, named, strict=False):
        canvas.text(left, top, name, px=small, colour=colour, bold=True)
        canvas.picture(image_rgb(values[None]), left, top + head, wide, tall)
        canvas.box(left, top + head, wide, tall, edge=colour, stroke=0.5 * canvas.size.thick)
    left, top = places[3]
    room, line = canvas.right - left, 1.3 * small
    canvas.text(left, top, "one pixel", px=small, colour=theme.window, bold=True, width=room)
    canvas.note(left, top + line, f"at {row},{column}", width=room)
    line = max(line, min(label * LINE, tall / 4))
    px = max(small, min(label, line / LINE))
    top += 2.6 * small
    for at, (name, colour, values) in enumerate(named):
        text = f"{name} {values[row, column]}"
        canvas.text(left, top + at * line, text, px=px, colour=colour, bold=True, width=room)
    return canvas.figure


def pixel_numbers(
    image: ArrayLike,
    box: tuple[int, int, int, int],
    *,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """An image, a box on it, and the pixels of the box with their values written in them.

    image: (1 or 3, H, W) bytes.  box: (top, left, bottom, right) in pixels, the ends not
    among them.  Of a colour image the three channels stand one beside the other.  Where
    not all numbers fit readably the first rows and columns are shown, and the line above
    them says so.

    Raises ShapeError for another array and for a box that is empty or leaves the image,
    SpecError for an unknown theme or size.
    """
    image = _checked(image)
    top, left, bottom, right = box
    rows, columns = image.shape[1:]
    if not (0 <= top < bottom <= rows and 0 <= left < right <= columns):
        raise ShapeError(
            f"expected a box inside {style.size_text(rows, columns)}, got rows {top} to"
            f" {bottom - 1}, columns {left} to {right - 1}"
        )
    canvas = Canvas(size, theme, aspect=0.62)
    canvas.headline(title, subtitle, canvas.theme.input)
    small, label, colours = canvas.size.small, canvas.size.label, canvas.theme
    head, gap = 2 * small * LINE + 0.2 * small, 0.8 * label
    room = canvas.inner_width, canvas.inner_height - head
    share = 0.42 if len(image) == 1 else 0.27
    # Of a colour image the pixels of the box also stand below it, without numbers.
    tall = room[1] if len(image) == 1 else 0.46 * room[1]
    cell = min(share * room[0] / columns, tall / rows)
    cell = float(int(cell)) if cell >= 2 else cell
    width, height = cell * columns, cell * rows
    y = canvas.top + head
    sizes = style.size_text(rows, columns)
    canvas.text(canvas.left, canvas.top, "image", px=small, colour=colours.input, bold=True)
    canvas.note(canvas.left, canvas.top + small * LINE, sizes)
    canvas.picture(image_rgb(image), canvas.left, y, width, height)
    canvas.box(canvas.left, y, width, height, edge=colours.input)

    start = canvas.left + max(width, canvas.measure(sizes, small)) + 2.4 * label
    slot = (canvas.right - start - gap * (len(image) - 1)) / len(image)
    need = max(22 * canvas.unit, canvas.measure("255", small) / 0.9)
    across = min(right - left, max(1, int(slot // need)))
    down = min(bottom - top, max(1, int(room[1] // need)))
    side = float(int(min(slot / across, room[1] / down, 3.2 * label)))
    shown = image[:, top : top + down, left : left + across]
    seen = canvas.left + left * cell, y + top * cell
    if len(image) == 3:
        first = y + height + gap
        zoom = min(width / across, (y + room[1] - first) / down, side)
        canvas.picture(image_rgb(shown), canvas.left, first, zoom * across, zoom * down)
        canvas.box(
            canvas.left,
            first,
            zoom * across,
            zoom * down,
            edge=colours.window,
            stroke=0.6 * canvas.size.thick,
        )
    for at, (name, colour, pixels) in enumerate(_named(canvas, shown)):
        x = start + at * (side * across + gap)
        canvas.text(x, canvas.top, name, px=small, colour=colour, bold=True, width=slot)
        if at == 0:
            words = f"rows {top} to {top + down - 1}, columns {left} to {left + across - 1}"
            canvas.note(x, canvas.top + small * LINE, words, width=canvas.right - x)
        fills = image_rgb(pixels[None])
        canvas.picture(fills, x, y, side * across, side * down)
        texts = [str(value) for value in pixels.ravel().tolist()]
        px = number_size(canvas, ["255"], 0.88 * side, side) or small
        cell_numbers(canvas, texts, fills, px, x, y, side * across, side * down)
        canvas.box(x, y, side * across, side * down, edge=colour, stroke=0.5 * canvas.size.thick)
    box_width, box_height = across * cell, down * cell
    canvas.box(*seen, box_width, box_height, edge=colours.window, stroke=0.6 * canvas.size.thick)
    # From the box on the image to its pixels, as a lens.
    if len(image) == 3:
        low = seen[1] + box_height
        lens = [
            ((seen[0], low), (canvas.left, first)),
            ((seen[0] + box_width, low), (canvas.left + zoom * across, first)),
        ]
    else:
        near = seen[0] + box_width
        lens = [
            ((near, seen[1]), (start, y)),
            ((near, seen[1] + box_height), (start, y + side * down)),
        ]
    canvas.strokes(lens, colours.window, dashed=True)
    return canvas.figure
