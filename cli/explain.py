"""``convlab explain``: the whole sum behind one value, of an example or in a trained network."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click
from click.core import ParameterSource
from convlab_cli import options, terminal
from convlab_cli.render.arithmetic import arithmetic_options


class Place(click.ParamType):
    """Whole numbers with commas: MAP,ROW,COL of a map, or one number of a vector."""

    name = "MAP,ROW,COL|N"

    def convert(self, value, parameter, context):
        try:
            return tuple(int(part) for part in value.split(","))
        except ValueError:
            self.fail(f"expected whole numbers such as 3,4,5 or 7, got {value!r}", parameter)


@click.command()
@click.argument("run", metavar="[RUN]", type=click.Path(path_type=Path), required=False)
@click.argument("image", metavar="[IMAGE]", required=False)
@click.option("--layer", help='A layer, or "probabilities", the softmax at the end, by default.')
@click.option("--unit", type=Place(), help="Which value of the layer, from 0; the largest one.")
@click.option(
    "--deep", is_flag=True, help="Follow the strongest terms, layer by layer, to a pixel."
)
@click.option("--all", "complete", is_flag=True, help="Print all terms, however many.")
@options.data_dir
@options.device
@click.option(
    "--row", type=click.IntRange(0, options.MOST), default=0, help="Of an example's output."
)
@click.option("--col", "column", type=click.IntRange(0, options.MOST), default=0, help="Likewise.")
@click.option("--filter", "map_", type=click.IntRange(0, options.MOST), default=0, help="Likewise.")
@arithmetic_options
@options.picture(None)
def command(
    run, image, layer, unit, deep, complete, data_dir, row, column, map_, picture, **settings
):
    """The whole sum behind one value.

    \b
    convlab explain RUN IMAGE --layer conv2 --unit MAP,ROW,COL
    convlab explain --input 5x7 --kernel 3x3 --stride 2 --row 1 --col 2

    RUN is the folder of a run; IMAGE is a file, "-" for standard input, or
    test:N of the run's test set.  Without --layer and --unit it is the
    probability of the network's answer.  With --deep the picture is the chain of
    sums, and a .pdf has a page for each of them behind it.  Without RUN it is one
    value of an example, which the options from --input on describe.
    """
    context = click.get_current_context()
    on_device = context.get_parameter_source("device") == ParameterSource.COMMANDLINE
    if run is None and (layer is not None or unit is not None or deep or on_device):
        raise click.UsageError(
            "--layer, --unit, --deep, --device: expected RUN and IMAGE before them"
        )
    if run is None:
        terminal.report(_example((map_, row, column), settings, complete), picture)
        return
    example = {*settings, "row", "column", "map_"}
    given = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name in example
        and context.get_parameter_source(parameter.name) == ParameterSource.COMMANDLINE
    ]
    if given:
        raise click.UsageError(f"{', '.join(given)}: expected an example, without RUN")
    if image is None:
        raise click.UsageError("expected RUN and IMAGE, such as runs/lenet5-digits test:3")
    from convlab import pictures

    run = options.load_run(run)
    made = pictures.explanation(run, image, layer, unit, deep, data_dir, complete=complete)
    terminal.report(made, picture)


def _example(at, settings, complete):
    """The picture of an example's output value at ``at`` (filter, row, column)."""
    from convlab import lessons, pictures
    from convlab.errors import SpecError

    if settings["values"] == "none":
        raise SpecError("explain: expected numbers, got --values none")
    given = {name: value for name, value in settings.items() if name != "shape"}
    example = lessons.convolution_example(settings["shape"], **given)
    made = pictures.explain_example(example, at, complete=complete)
    return dataclasses.replace(made, parameters={**settings, "at": at})
