"""Options and arguments that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from convlab_cli import completion
from convlab_cli.command import Command, Group
from convlab_cli.output import write
from convlab_cli.terminal import say
from convlab_cli.values import RUN, STANDARD, Number, Spelled, Written, take_standard_output

if TYPE_CHECKING:
    from convlab.models import Network
    from convlab.terminal import Line
    from convlab.training import Run

MOST = 65_535
"""The largest size, step or count that a command takes, as shapes.MAX_SIZE."""
MOST_THREADS = 1024
"""The most threads, as kernels.MOST_THREADS."""
DRAWN = 128
"""The most cells along an axis of anything drawn cell by cell, as lessons.example.DRAWN."""
SEED = click.IntRange(0, 2**63 - 1)


# --- kinds of options ---------------------------------------------------------------------


def together(shared: Sequence[Callable]) -> Callable:
    """Several options as one decorator, in this order in the help."""

    def decorate(command):
        for option in reversed(shared):
            command = option(command)
        return command

    return decorate


command = partial(click.command, cls=Command)
group = partial(click.group, cls=Group)
flag = partial(click.option, is_flag=True)


def valued(*names: str, type: Any = None, default: Any = None, **settings: Any):
    """An option with a value, whose default stands in the help."""
    settings.setdefault("show_default", default is not None)
    return click.option(*names, type=type, default=default, **settings)


def whole(*names: str, least: int = 1, most: int = MOST, **settings: Any):
    """An option that takes a whole number from ``least`` to ``most``."""
    return valued(*names, type=click.IntRange(least, most), **settings)


def choice(*names: str, default: str | None = "", **settings: Any):
    """An option that takes one of several words, by default the first: its name is the first."""
    name, *words = names
    default = words[0] if default == "" else default
    return valued(name, type=click.Choice(words), default=default, **settings)


def number(
    name: str,
    within: tuple[float, float],
    *,
    min_open: bool = False,
    max_open: bool = False,
    **settings: Any,
):
    """An option that takes a finite number between two."""
    kind = Number(*within, min_open=min_open, max_open=max_open)
    return valued(name, type=kind, **settings)


_LIMITS = ("counts", "example", "least", "most", "both")


def lengths(*names: str, **settings: Any):
    """An option for rows and columns, or one number for both; limits of ``spelling.lengths``."""
    limits = {name: settings.pop(name) for name in _LIMITS if name in settings}
    word = "x".join("N" * limits.get("counts", (2,))[-1])
    return valued(*names, type=Spelled(word, "lengths", **limits), **settings)


def padding(most: int = MOST, **settings: Any):
    """``--padding`` in words, one number for all sides, ROWSxCOLUMNS, or TOP,BOTTOM,LEFT,RIGHT."""
    kind = Spelled("same|valid|full|N|t,b,l,r", "padding", most=most)
    return valued("--padding", type=kind, **settings)


def padding_mode(first: str = "zeros", help: str | None = None):
    """``--padding-mode``, by default ``first``."""
    modes = ("zeros", "reflect", "replicate", "circular")
    return choice("--padding-mode", *modes, default=first, help=help)


convention = choice("--convention", "torch", "tensorflow", help="Whose padding same is meant.")


def unit(*counts: int, name: str = "--unit", **settings: Any):
    """An option for a place from 0 of as many numbers: N, ROW,COL or MAP,ROW,COL."""
    words = ("N", "ROW,COL", "MAP,ROW,COL")
    word = "|".join(words[count - 1] for count in counts)
    return valued(name, type=Spelled(word, "unit", counts=counts), **settings)


def at(help: str):
    """``--at``: a pixel."""
    return unit(2, name="--at", help=help)


def seed(help: str | None = None, default: int | None = 0):
    """``--seed`` for anything drawn at random."""
    return valued("--seed", type=SEED, default=default, help=help)


def layer(help: str, *names: str, option: str = "--layer", **settings: Any):
    """``--layer`` of a network."""
    return valued(option, *names, help=help, shell_complete=completion.layers, **settings)


def kernel(help: str, **settings: Any):
    """``--kernel``: a classic kernel by name, rows of numbers, or a file of them."""
    return valued("--kernel", help=help, shell_complete=completion.kernels, **settings)


def typed(context: click.Context, names: Collection[str]) -> list[str]:
    """Those of some parameters that stand on the command line itself, as they are spelled."""
    return [
        parameter.opts[-1]
        for parameter in context.command.params
        if parameter.name in names
        and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    ]


# --- what a command reads -----------------------------------------------------------------

_AS_IS, _CLASSES, _DEVICE = "convlab.as-is", "convlab.classes", "convlab.device"


def _kept(key: str):
    """A callback that keeps an option's value where ``_known`` finds it."""
    return lambda context, parameter, value: context.meta.setdefault(key, value)


def _known(key: str, default: Any = None) -> Any:
    """The value of an option that is kept, if the command has it."""
    return click.get_current_context().meta.get(key, default)


run_argument = click.argument("run", metavar="RUN", type=RUN, shell_complete=completion.runs)
optional_run = click.argument("run", metavar="[RUN]", type=RUN, required=False)


def image_argument(default: str | None = None, required: bool = True):
    """IMAGE: a picture file, "-" or what else names an image."""
    kind = {"required": required} if default is None else {"default": default}
    metavar = "IMAGE" if kind.get("required") else "[IMAGE]"
    return click.argument("image", metavar=metavar, shell_complete=completion.images, **kind)


def _of_classes(context, parameter, value):
    classes = context.meta.get(_CLASSES)
    return value if classes is None else network_of(value, weights=False, classes=classes)[0]


def network_argument(default: str | None = None, several: bool = False, classes: bool = False):
    """A network: a model's name, a .toml file, "-" or a run; ``classes``: with ``--classes``."""
    metavar = "MODEL|RUN|SPEC.toml" if default is None else "[MODEL|RUN|SPEC.toml]"
    settings: dict[str, Any] = {"metavar": metavar, "shell_complete": completion.networks}
    if several:
        return click.argument("networks", nargs=-1, required=True, **settings)
    # A default of None would be one for Click, from 8.3 on.
    settings |= {"required": True} if default is None else {"default": default}
    argument = click.argument("network", callback=_of_classes if classes else None, **settings)
    return together([argument, _classes]) if classes else argument


_classes = whole(
    "--classes",
    callback=_kept(_CLASSES),
    is_eager=True,
    expose_value=False,
    help="Outputs of the network.  [default: as published, else 10]",
)
model = valued(
    "--model",
    default="lenet5",
    help='A name or a .toml file; see "convlab summary".',
    shell_complete=completion.models,
)
data_dir = click.option(
    "--data-dir",
    type=click.Path(file_okay=False),
    help="Folder with your own copies of the data sets (also: CONVLAB_DATA_DIR).",
)


def data(*names: str, help: str, default: str | None = None):
    """``--data``: a data set by name, or a folder."""
    return valued("--data", *names, default=default, help=help, shell_complete=completion.data_sets)


image_data = data(default="digits", help="The data set of test:N.")
run_option = partial(click.option, type=RUN, shell_complete=completion.runs)
quiet = flag("--quiet", help="No progress on stderr.")
exist_ok = flag("--exist-ok", help="Replace an existing folder.")
skip_damaged = flag("--skip-damaged", help="Go on without pictures of a folder that are damaged.")
code_flag = flag("--code", help="Also the layer in PyTorch, Keras and tf.nn, with its shapes.")


# --- where it runs ------------------------------------------------------------------------


def _set_threads(context, parameter, value):
    # Numba sizes its pool when imported, which everything else does after this.
    if value is not None:
        os.environ["CONVLAB_NUM_THREADS"] = str(value)
    return value


threads = click.option(
    "--threads",
    type=click.IntRange(1, MOST_THREADS),
    callback=_set_threads,
    expose_value=False,
    is_eager=True,
    help="Threads of the loops; all cores by default.  Results do not depend on it.",
)
workers = together(
    (
        whole("--jobs", most=1024, help="Processes here; cores are shared.  [default: this one]"),
        valued("--dask", metavar="tcp://HOST:PORT|local", help="Let Dask's workers do it."),
        flag("--force", help="Also repeat what is stale: measured by other code than today's."),
    )
)
device = choice(
    *("--device", "cpu", "cuda", "auto"),
    callback=_kept(_DEVICE),
    expose_value=False,
    help="Where the network runs; auto takes a GPU where one can be used, and says so.",
)
as_is = flag(
    "--as-is",
    callback=_kept(_AS_IS),
    expose_value=False,
    help="Take a picture whole: find no digit on it for a network of digits or mnist.",
)


def chosen_device() -> str:
    """What ``--device`` says, or cpu if a command has no such option.

    Raises DeviceError if there is no such device.
    """
    from convlab.kernels import cuda

    device, note = cuda.chosen(_known(_DEVICE, "cpu"))
    if note:
        click.echo(note, err=True)
    return device


def load_run(folder: Path) -> Run:
    """A run, its network on the chosen device, that takes pictures as ``--as-is`` says."""
    from convlab import training

    run = training.load(folder, as_is=_known(_AS_IS, False))
    run.network.to(chosen_device())
    return run


def network_of(source: Any, weights: bool = True, **more: Any) -> tuple[Network, Run | None]:
    """A network as ``sources.network_of`` finds it, on the chosen device."""
    from convlab.pictures import sources

    network, run = sources.network_of(source, weights=weights, device=chosen_device(), **more)
    return network, run and replace(run, as_is=_known(_AS_IS, False))


# --- what a command writes ----------------------------------------------------------------


def output(*suffixes: str, help: str, default: str | None = None, folder: bool = False):
    """``-o/--output``: the file, or the folder, that a command is for."""
    kind = Written(*suffixes, folder=folder)
    return valued("-o", "--output", type=kind, default=default, help=help)


def also(*names: str, suffixes: tuple[str, ...] = (), **settings: Any):
    """An option for a file that is written besides."""
    return click.option(*names, type=Written(*suffixes), **settings)


class Record:
    """A command's results as JSON: printed as they come with --json, and kept for --json-file."""

    def __init__(self, printed: bool, path: Path | None):
        self.printed, self.path = printed, path
        self._content = b""

    @property
    def wanted(self) -> bool:
        """Whether there is to be any."""
        return self.printed or self.path is not None

    def put(self, value: Any, by_key: bool = False) -> None:
        """One object, in a file on one line, or for ``by_key`` with a line for each key.

        Raises NotFiniteError for NaN and infinity.
        """
        from convlab.json_files import json_bytes, json_text, record_bytes

        if self.printed:
            click.echo(json_text(value))
        if self.path is not None:
            self._content += record_bytes(value) if by_key else json_bytes(value)

    def show(self, values: Iterable[Any], lines: Iterable[Line]) -> None:
        """Objects, or else lines of text."""
        for value in values if self.wanted else ():
            self.put(value)
        say(lines)

    def close(self, quiet: bool = False) -> None:
        """Write what was kept, and unless ``quiet`` say so."""
        if self.path is not None and self._content:
            write(self.path, self._content)
            say([] if quiet else [f"wrote {self.path}"])
        self._content = b""


def _take(context, parameter, value):
    if value:
        take_standard_output(context, parameter)
    return value


def json_options(help: str = "One JSON object on stdout instead of text."):
    """``--json`` and ``--json-file``: the results as JSON, which a command gets as ``record``."""

    def decorate(function):
        @wraps(function)
        def command(*arguments, as_json, json_file, **settings):
            printed = as_json or json_file == STANDARD
            record = Record(printed, None if json_file == STANDARD else json_file)
            try:
                return function(*arguments, record=record, **settings)
            finally:
                record.close()

        shared = (
            flag("--json", "as_json", callback=_take, help=help),
            also("--json-file", help="The same into a file; - is standard output."),
        )
        return together(shared)(command)

    return decorate
