"""A picture of one step, or of all steps as the suffix of the file decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
from convlab_cli import options

if TYPE_CHECKING:
    from convlab.lessons import Convolution, Pooling

MOST_FRAMES = 500


class Step(click.ParamType):
    """A step from 0, or all."""

    name = "K|all"

    def convert(self, value, parameter, context):
        if value == "all" or isinstance(value, int):
            return value
        if not value.isdecimal() or len(value) > 9:
            self.fail(f"expected a number from 0, or all, got {value!r}", parameter)
        return int(value)


step_option = click.option(
    "--step",
    type=Step(),
    help="One output value, counted from 0 in the order of the loop, or all: frames of a .gif or"
    " .webp, pages of a .pdf, one sheet as .png or .svg.  All by default for frames, else the one"
    " in the middle of the first map.",
)
layout_option = click.option(
    "--layout", type=click.Choice(["row", "isometric"]), default="row", show_default=True
)
numbers_options = (
    click.option(
        "--values",
        default="ints",
        show_default=True,
        metavar="ints|floats|none|FILE.csv",
        help="Numbers of the input: random ones, none at all, or a table of yours (channels below"
        " each other): semicolons, tabs, commas or spaces between them.  Beside semicolons and tabs"
        " a comma is the decimal mark.",
    ),
    click.option("--seed", type=options.SEED, default=0, show_default=True),
)


def read_table(path: str) -> list[list[float]]:
    """Rows of numbers from a .csv file.  Raises DataError."""
    from convlab.checks import shown
    from convlab.data import table
    from convlab.errors import DataError

    try:
        rows = table.read_rows(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    if not rows:
        raise DataError(f"{path}: expected rows of numbers, got none")
    numbers = numbers_of(rows, path)
    if len({len(row) for row in rows}) > 1:
        lengths = sorted({len(row) for row in rows})
        raise DataError(f"{path}: expected rows of one length, got lengths {shown(lengths)}")
    return numbers


def numbers_of(rows: list[list[str]], what: str) -> list[list[float]]:
    """The numbers of a table's cells.  Raises DataError for a cell that says none."""
    from convlab.checks import shown
    from convlab.data import table
    from convlab.errors import DataError

    def number(row: int, column: int, text: str) -> float:
        try:
            return table.number(text)
        except ValueError:
            raise DataError(
                f"{what}: expected numbers with commas, semicolons or tabs between them, at most"
                f" {table.LARGEST:g}, got {shown(text)} in row {row}, column {column}"
            ) from None

    return [[number(r, c, text) for c, text in enumerate(row)] for r, row in enumerate(rows)]


def input_values(values: str, size, channels: int, seed: int):
    """The input (C, H, W) that --values, --input and --seed ask for, and whether to print it.

    Raises DataError, ShapeError, SpecError.
    """
    import numpy as np

    from convlab.errors import ShapeError, SpecError
    from convlab.lessons import random_values

    if size is not None and max(size) > options.DRAWN:
        raise ShapeError(
            f"input: expected at most {options.DRAWN} × {options.DRAWN} to be drawn, got"
            f" {size[0]} × {size[1]}"
        )
    if values in ("ints", "floats", "none"):
        kind = "ints" if values == "none" else values
        shape = (channels, *(size or (5, 5)))
        return random_values(shape, kind, seed, signed=False), values != "none"
    if not values.lower().endswith(".csv"):
        raise SpecError(f"values: expected ints, floats, none or a .csv file, got {values!r}")
    table = np.array(read_table(values))
    if len(table) % channels:
        raise ShapeError(
            f"{values}: expected rows for {channels} channels below each other, got {len(table)}"
        )
    table = table.reshape(channels, -1, table.shape[1])
    if max(table.shape[1:]) > options.DRAWN:
        raise ShapeError(
            f"{values}: expected at most {options.DRAWN} × {options.DRAWN} numbers a channel, got"
            f" {table.shape[1]} × {table.shape[2]}"
        )
    if size is not None and table.shape[1:] != size:
        raise ShapeError(
            f"{values}: expected {size[0]} × {size[1]} numbers a channel as --input says, got"
            f" {table.shape[1]} × {table.shape[2]}"
        )
    return table, True


def save_steps(
    picture: options.Picture,
    example: Convolution | Pooling,
    step: int | str | None,
    title: str,
    subtitle: str,
    describe: Callable[[int], str],
    *,
    numbers: bool,
    layout: str,
    record: dict[str, dict[str, Any]],
) -> None:
    """Write what --step and the suffix ask for.  Raises SpecError for a step that there is not."""
    from convlab import viz
    from convlab.errors import SpecError

    moving = picture.path.suffix in (".gif", ".webp")
    if step is None:
        _, rows, columns = example.output.shape
        step = "all" if moving else rows // 2 * columns + columns // 2
    draw = {"row": viz.sliding_window, "isometric": viz.isometric}[layout]
    look = picture.look

    def figure(k: int):
        return draw(example.picture(k), numbers=numbers, **look)

    if step == "all":
        if example.steps > MOST_FRAMES:
            raise SpecError(f"step: expected at most {MOST_FRAMES} for all, got {example.steps}")
        chosen = range(example.steps)
        few = example.steps <= 50
        values = ", ".join(example.picture(0).results().marked()) if few else ""
        words = f"The output, row by row: {values}." if numbers and values else describe(0)
        description = f"{title}, {subtitle}, in {example.steps} steps. {words}"
    else:
        example.place(step)
        chosen = [step]
        description = f"{title}, {subtitle}. {describe(step)}"
    places = [example.place(k) for k in chosen]
    record["parameters"] |= {"steps": list(chosen), "layout": layout, "numbers": numbers}
    record["result"] |= {"at": places, "values": [example.output[place] for place in places]}
    if moving:
        content = viz.animation_bytes(
            map(figure, chosen),
            picture.path.suffix,
            description=description,
            command=options.command_line(),
        )
    elif step != "all":
        picture.save(figure(step), title, description, **record)
        return
    elif picture.path.suffix == ".pdf":
        content = viz.pages_bytes(
            map(figure, chosen),
            title=title,
            description=description,
            command=options.command_line(),
        )
    else:
        sheet = viz.step_sheet(
            [example.picture(k) for k in chosen],
            title=title,
            subtitle=subtitle,
            numbers=numbers,
            **look,
        )
        picture.save(sheet, title, description, **record)
        return
    picture.write(content, title, description, **record)
