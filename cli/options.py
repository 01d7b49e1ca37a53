"""Options that several commands share, and what stands behind them."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from convlab.models import Network
    from convlab.training import Run

data_dir = click.option(
    "--data-dir",
    type=click.Path(file_okay=False),
    help="Folder with your own copies of the data sets (also: CONVLAB_DATA_DIR).",
)


def _set_threads(context, parameter, value):
    # Numba sizes its pool when it is imported, which commands do after this.
    if value is not None:
        os.environ["CONVLAB_NUM_THREADS"] = str(value)
    return value


threads = click.option(
    "--threads",
    type=click.IntRange(min=1),
    callback=_set_threads,
    expose_value=False,
    help="Threads of the loops; all cores by default.  Results do not depend on it.",
)

run_argument = click.argument("run", metavar="RUN", type=click.Path(path_type=Path))


def appearance() -> list:
    """``--size`` and ``--theme`` of a command that makes a picture."""
    return [
        click.option(
            "--size",
            type=click.Choice(["slide", "small", "paper", "paper-wide"]),
            default="slide",
            show_default=True,
            help="1600x900 pixels, 500 pixels wide, or 85 / 170 mm wide.",
        ),
        click.option(
            "--theme",
            type=click.Choice(["light", "dark", "transparent"]),
            default="light",
            show_default=True,
        ),
    ]


def picture_options(default: str):
    """``-o``, ``--theme`` and ``--size`` of a command that makes a picture."""

    def decorate(command):
        for option in (
            *appearance(),
            click.option(
                "-o",
                "--output",
                type=click.Path(dir_okay=False, path_type=Path),
                default=default,
                show_default=True,
                callback=check_suffix,
                help="Picture to write: .png, .svg or .pdf.",
            ),
        ):
            command = option(command)
        return command

    return decorate


def check_suffix(context, parameter, path: Path) -> Path:
    """A picture's file name.  Raises BadParameter for another suffix than those written."""
    if path.suffix not in (".png", ".svg", ".pdf"):
        raise click.BadParameter(f"expected a file ending in .png, .svg or .pdf, got {path.name!r}")
    return path


def save_picture(
    figure: Figure, path: Path, title: str, description: str, *, quiet: bool = False
) -> None:
    """Write a picture with the command that makes it in its metadata, and say so."""
    from convlab.training import write_atomically
    from convlab.viz import figure_bytes

    command = shlex.join(["convlab", *sys.argv[1:]])
    content = figure_bytes(
        figure, path.suffix, title=title, description=description, command=command
    )
    write_atomically(path, content)
    if not quiet:
        click.echo(f"wrote {path}")


def network_of(source: str) -> tuple[Network, Run | None]:
    """A network by the folder of a run, a model's name or a .toml file."""
    from convlab import models, training
    from convlab.errors import SpecError

    if Path(source).is_dir():
        run = training.load(source)
        return run.network, run
    if source in models.model_names() or source.endswith(".toml"):
        return models.build(source), None
    raise SpecError(
        f"expected the folder of a run, one of {', '.join(models.model_names())}, or a .toml"
        f" file, got {source}"
    )


def read_image(run: Run, source: str, data_dir: str | None = None):
    """An image for a run, from a file, "-" (standard input) or "test:N" of its test set.

    Returns (bytes (C, H, W) of the data's size, whether it was inverted).
    """
    from convlab import data
    from convlab.errors import DataError

    channels, *size = run.image_shape
    if source.startswith("test:"):
        _, test = data.load(run.settings.data, data_dir=data_dir)
        number = source.removeprefix("test:")
        if not number.isdecimal() or len(number) > 18 or int(number) >= len(test):
            raise DataError(
                f"image {source}: expected test:0 to test:{len(test) - 1} of {test.name}"
            )
        return test.images[int(number)], False
    if source == "-":
        content = sys.stdin.buffer.read()
        if not content:
            raise DataError("-: expected a picture on standard input, got nothing")
        image = data.read_picture(content, size=tuple(size), channels=channels)
    else:
        image = data.read_picture(Path(source), size=tuple(size), channels=channels)
    if run.dark_background:
        return data.as_dark_background(image)
    return image, False


INVERTED = "dark on light, as drawings are: inverted to light on dark"
