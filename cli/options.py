"""Options that several commands share, and their implementation."""

from __future__ import annotations

import math
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from convlab_cli.output import record_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from convlab import pictures
    from convlab.models import Network
    from convlab.training import Run

PICTURES = (".png", ".svg", ".pdf")
MOVING = (*PICTURES, ".gif", ".webp")

MOST = 65_535
"""The largest size, step or count that a command takes, as shapes.MAX_SIZE."""
MOST_THREADS = 1024
"""The most threads, as kernels.MOST_THREADS."""
DRAWN = 128
"""The most cells along an axis of anything drawn cell by cell, as lessons.example.DRAWN."""
SEED = click.IntRange(0, 2**63 - 1)


class Number(click.FloatRange):
    """A finite number within bounds."""

    name = "number"

    def convert(self, value, parameter, context):
        number = super().convert(value, parameter, context)
        if not math.isfinite(number):
            self.fail(f"expected a finite number, got {value}", parameter)
        return number


class PathText(click.Path):
    """A path, not the empty text, which would be the current folder."""

    def convert(self, value, parameter, context):
        if value == "":
            self.fail("expected a path, got ''", parameter, context)
        return super().convert(value, parameter, context)


class Written(PathText):
    """A file or folder that a command writes, which a gallery's catalogue may not choose."""


def together(shared: Sequence[Callable]) -> Callable:
    """Several options as one decorator, in this order in the help."""

    def decorate(command):
        for option in reversed(shared):
            command = option(command)
        return command

    return decorate


def whole(*names: str, least: int = 1, most: int = MOST, default: int | None = None, **settings):
    """An option that takes a whole number from ``least`` to ``most``."""
    return click.option(
        *names,
        type=click.IntRange(least, most),
        default=default,
        show_default=default is not None,
        **settings,
    )


def choice(name: str, *values: str, **settings):
    """An option that takes one of several words, by default the first."""
    return click.option(
        name, type=click.Choice(values), default=values[0], show_default=True, **settings
    )


def number(
    name: str,
    within: tuple[float, float],
    *,
    default: float | None = None,
    help: str | None = None,
    **ends: bool,
):
    """An option that takes a finite number between two; ``ends`` as in ``FloatRange``."""
    return click.option(
        name,
        type=Number(*within, **ends),
        default=default,
        show_default=default is not None,
        help=help,
    )


def lengths(
    *names: str,
    default: Any = None,
    show_default: bool | str | None = None,
    help: str | None = None,
    **settings,
):
    """An option that takes rows and columns, or one number for both; settings of ``Lengths``."""
    return click.option(
        *names, type=Lengths(**settings), default=default, show_default=show_default, help=help
    )


def seed(help: str | None = None, default: int = 0):
    """``--seed`` for anything drawn at random."""
    return click.option("--seed", type=SEED, default=default, show_default=True, help=help)


def json_flag(help: str = "One JSON object on stdout."):
    """``--json``: print JSON instead of text."""
    return click.option("--json", "as_json", is_flag=True, help=help)


model = click.option(
    "--model",
    default="lenet5",
    show_default=True,
    help='A name or a .toml file; see "convlab summary".',
)
data_dir = click.option(
    "--data-dir",
    type=click.Path(file_okay=False),
    help="Folder with your own copies of the data sets (also: CONVLAB_DATA_DIR).",
)


def _set_threads(context, parameter, value):
    # Numba sizes its pool when imported, which commands do after this.
    if value is not None:
        os.environ["CONVLAB_NUM_THREADS"] = str(value)
    return value


threads = click.option(
    "--threads",
    type=click.IntRange(1, MOST_THREADS),
    callback=_set_threads,
    expose_value=False,
    help="Threads of the loops; all cores by default.  Results do not depend on it.",
)


def _set_device(context, parameter, value):
    context.meta[_DEVICE] = value
    return value


_DEVICE = "convlab.device"
_WRITTEN = "convlab.written"
NOT_RUN = "convlab.not-run"
"""In a context's meta: the command is only checked, as a gallery does with its catalogue."""
device = click.option(
    "--device",
    type=click.Choice(["cpu", "cuda", "auto"]),
    default="cpu",
    show_default=True,
    callback=_set_device,
    expose_value=False,
    help="Where the network runs; auto takes a GPU where one can be used, and says so.",
)

run_argument = click.argument("run", metavar="RUN", type=PathText(path_type=Path))


image_data = click.option(
    "--data", "source", default="digits", show_default=True, help="The data set of test:N."
)


class WrittenFile(Written):
    """A file to write, a different one for each option.

    Raises RunError, before anything is computed, if it cannot be made.
    """

    def convert(self, value, parameter, context):
        from convlab.errors import RunError

        path: Any = super().convert(value, parameter, context)  # a Path, as path_type says
        if context.meta.get(NOT_RUN):
            return path
        if not os.path.isdir(path.parent):
            raise RunError(f"{path}: cannot be written: there is no folder {path.parent}")
        if not os.access(path if os.path.exists(path) else path.parent, os.W_OK):
            raise RunError(f"{path}: cannot be written: Permission denied")
        owners = context.meta.setdefault(_WRITTEN, {})
        owner = owners.setdefault(os.path.realpath(path), parameter.name)
        if owner != parameter.name and not _is_device(path):
            self.fail(f"expected another file than {path}, which is written already", parameter)
        return path


def _is_device(path: Path) -> bool:
    """Whether writing there appends: a terminal, a pipe, a device."""
    return path.exists() and not path.is_file()


WRITTEN = WrittenFile(dir_okay=False, path_type=Path)


class Lengths(click.ParamType):
    """Lengths along rows and columns: 5x7, or 3 for both (``both``), or as many as were given."""

    def __init__(
        self,
        counts: tuple[int, ...] = (1, 2),
        example: str = "5x7",
        least: int = 1,
        both: bool = True,
        most: int = MOST,
    ):
        self.counts, self.example, self.both = counts, example, both
        self.least, self.most = least, most
        self.name = "x".join(["N"] * counts[-1])

    def convert(self, value, parameter, context):
        if isinstance(value, tuple):
            return value
        lengths = _whole(value.lower().replace("×", "x").split("x"), self.least, self.most)
        if lengths is None or len(lengths) not in self.counts:
            self.fail(
                f"expected whole numbers such as {self.example}, each from {self.least} to"
                f" {self.most:,}, got {value!r}",
                parameter,
            )
        return lengths * 2 if len(lengths) == 1 and self.both else lengths


def _whole(parts: list[str], least: int, most: int) -> tuple[int, ...] | None:
    """The numbers in texts; None unless all are whole and within the bounds."""
    parts = [part.strip() for part in parts]
    if not all(part.isascii() and part.isdigit() and len(part) < 20 for part in parts):
        return None
    numbers = tuple(map(int, parts))
    return numbers if all(least <= number <= most for number in numbers) else None


class Padding(click.ParamType):
    """Padding in words, one number for all sides, ROWSxCOLUMNS, or TOP,BOTTOM,LEFT,RIGHT."""

    name = "same|valid|full|N|t,b,l,r"

    def __init__(self, most: int = MOST):
        self.most = most

    def convert(self, value, parameter, context):
        if not isinstance(value, str) or value in ("same", "valid", "full"):
            return value
        parts = value.lower().split("," if "," in value else "x")
        sides = _whole(parts, 0, self.most)
        if sides is None or len(sides) not in (1, 2, 4):
            self.fail(
                "expected same, valid, full, a number, ROWSxCOLUMNS or TOP,BOTTOM,LEFT,RIGHT,"
                f" each from 0 to {self.most:,}, got {value!r}",
                parameter,
            )
        return sides * 2 if len(sides) == 1 else sides


class Unit(click.ParamType):
    """ROW,COL of a feature map, or MAP,ROW,COL, from 0."""

    def __init__(self, count: int = 2):
        self.count = count
        self.name = ("ROW,COL", "MAP,ROW,COL")[count - 2]

    def convert(self, value, parameter, context):
        parts = value.split(",") if isinstance(value, str) else value
        try:
            unit = tuple(int(part) for part in parts)
        except ValueError:
            unit = ()
        if len(unit) != self.count:
            count, example = (("two", "3,4"), ("three", "0,3,4"))[self.count - 2]
            self.fail(f"expected {count} whole numbers such as {example}, got {value!r}", parameter)
        if max(map(abs, unit)) > MOST:
            self.fail(f"expected whole numbers of at most {MOST:,}, got {value!r}", parameter)
        return unit


def appearance(default: str | None = "slide") -> list:
    """``--size`` and ``--theme`` of a command that makes a picture."""
    return [
        click.option(
            "--size",
            type=click.Choice(["slide", "small", "animation", "paper", "paper-wide"]),
            default=default,
            show_default=default or "slide, of .gif and .webp animation",
            help="1600x900 pixels, 500 pixels wide, 800x450 pixels, or 85 / 170 mm wide.",
        ),
        click.option(
            "--theme",
            type=click.Choice(["light", "dark", "transparent"]),
            default="light",
            show_default=True,
        ),
    ]


@dataclass(frozen=True)
class Picture:
    """Where a command's picture goes and how it looks, according to its options."""

    path: Path | None
    theme: str
    size: str
    json: Path | None
    alt: bool

    @property
    def wanted(self) -> bool:
        """Whether there is anything to write."""
        return self.path is not None or self.json is not None

    @property
    def moving(self) -> bool:
        """Whether the picture is to be an animation."""
        return self.path is not None and self.path.suffix in (".gif", ".webp")

    def finish(self, made: pictures.Picture, before: Callable[[], None] | None = None) -> None:
        """Write a picture, and its numbers with --json, and say so.

        ``before`` prints and writes what comes first, once the picture is drawn.
        """
        content = b""
        if self.path is not None:
            look = {"theme": self.theme, "size": self.size}
            content = made.content(self.path.suffix, **look, command=command_line())
        if before is not None:
            before()
        self.write(content, made.title, made.alt, **made.numbers)

    def write(
        self, content: bytes, title: str, description: str, **numbers: dict[str, Any]
    ) -> None:
        """Write the bytes of a picture, and its numbers with --json, and say so.

        ``numbers``: arrays, numbers and texts, in four dicts like those of ``pictures.Picture``.
        """
        from convlab.files import write_atomically

        # Anything that can go wrong does so before the first file is written.
        record = b""
        if self.json is not None:
            record = numbers_file(title, description, numbers)
        if self.path is not None:
            write_atomically(self.path, content)
        if self.json is not None:
            write_atomically(self.json, record)
        click.echo(description if self.alt else f"wrote {self.path or self.json}")


def numbers_file(title: str, description: str, numbers: dict[str, dict[str, Any]]) -> bytes:
    """The content of the JSON file beside a picture."""
    from importlib.metadata import version

    head = {"convlab": version("convlab"), "command": command_line()}
    return record_bytes({**head, "title": title, "description": description, **numbers})


def command_line() -> str:
    """The command that the user typed, quoted for a shell."""
    return shlex.join(["convlab", *sys.argv[1:]])


def picture(default: str | None, suffixes: tuple[str, ...] = PICTURES):
    """``-o``, ``--theme``, ``--size``, ``--json`` and ``--alt`` of a command that makes a picture.

    The command gets them as one argument, ``picture``; without a ``default`` there is a picture
    only with -o.
    """
    shared = [
        click.option(
            "-o",
            "--output",
            type=WRITTEN,
            default=default,
            show_default=default is not None,
            callback=lambda context, parameter, path: path and check_suffix(path, suffixes),
            help=f"Picture to write: {_listed(suffixes)}.",
        ),
        *reversed(appearance(None if suffixes == MOVING else "slide")),
        click.option(
            "--json",
            "json_file",
            type=WRITTEN,
            help="Also write all numbers of the picture, with the command that makes it.",
        ),
        click.option(
            "--alt", is_flag=True, help="Print the picture's alternative text: what it shows."
        ),
    ]

    def decorate(function):
        @wraps(function)
        def command(*arguments, output, theme, size, json_file, alt, **settings):
            moving = output is not None and output.suffix in (".gif", ".webp")
            size = size or ("animation" if moving else "slide")
            shown = Picture(output, theme, size, json_file, alt)
            return function(*arguments, picture=shown, **settings)

        return together(shared)(command)

    return decorate


def draws(default: str, suffixes: tuple[str, ...] = PICTURES):
    """``picture`` for a command that does nothing else: its function returns what is written.

    Its first argument is ``convlab.pictures``, which is not imported before.
    """

    def decorate(function):
        @picture(default, suffixes)
        @wraps(function)
        def command(*, picture, **settings):
            from convlab import pictures

            picture.finish(function(pictures, **settings))

        return command

    return decorate


def check_suffix(path: Path, suffixes: tuple[str, ...] = PICTURES) -> Path:
    """A picture's file name.  Raises BadParameter for a suffix that cannot be written."""
    if path.suffix not in suffixes:
        raise click.BadParameter(
            f"expected a file ending in {_listed(suffixes)}, got {path.name!r}"
        )
    return path


def _listed(suffixes: tuple[str, ...]) -> str:
    return f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"


def save_figure(
    figure: Figure,
    path: Path,
    title: str,
    description: str,
    *,
    quiet: bool = False,
) -> None:
    """Write a picture that a command makes besides its other results, and say so."""
    from convlab.files import write_atomically
    from convlab.viz import figure_bytes

    content = figure_bytes(
        figure,
        path.suffix,
        title=title,
        description=description,
        command=command_line(),
    )
    write_atomically(path, content)
    if not quiet:
        click.echo(f"wrote {path}")


def chosen_device() -> str:
    """What ``--device`` says, or cpu if a command has no such option.

    Raises DeviceError if there is no such device.
    """
    from convlab.kernels import cuda

    wanted = click.get_current_context().meta.get(_DEVICE, "cpu")
    if wanted == "auto":
        reason = cuda.why_not()
        wanted = "cpu" if reason else "cuda"
        click.echo(f"device: {wanted}{f', since {reason}' if reason else ''}", err=True)
    if wanted == "cuda":
        cuda.require()
    return wanted


def load_run(folder: Path) -> Run:
    """A run, its network on the chosen device."""
    from convlab import training

    run = training.load(folder)
    run.network.to(chosen_device())
    return run


def network_of(source: str, weights: bool = True) -> tuple[Network, Run | None]:
    """A network by the folder of a run, a model's name or a .toml file, on the chosen device.

    ``weights=False`` leaves those of an untrained one zero: enough for its geometry.
    """
    from convlab.pictures import sources

    return sources.network_of(source, weights=weights, device=chosen_device())
