"""``convlab explain``: the whole sum behind one value, of an example or in a trained network."""

import dataclasses

import click
from convlab_cli import completion, drawing, options, terminal
from convlab_cli.render.arithmetic import arithmetic_options
from convlab_cli.values import RUN


@options.command()
@click.argument("run", metavar="[RUN]", type=RUN, required=False, shell_complete=completion.runs)
@options.image_argument(required=False)
@options.layer('A layer, or "probabilities", the softmax at the end, by default.')
@options.unit(1, 3, help="Which value of the layer, from 0; the largest one.")
@options.flag("--deep", help="Follow the strongest terms, layer by layer, to a pixel.")
@options.flag("--all", "complete", help="Print all terms, not only what fits a screen.")
@terminal.wide
@options.code_flag
@options.data_dir
@options.as_is
@options.device
@options.whole("--row", least=0, default=0, help="Of an example's output.")
@options.whole("--col", "column", least=0, default=0, help="Likewise.")
@options.whole("--filter", "map_", least=0, default=0, help="Likewise.")
@arithmetic_options
@drawing.picture(None)
@click.pass_context
def command(context, run, image, complete, code, data_dir, row, column, map_, picture, **settings):
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
    asked = {name: settings.pop(name) for name in ("layer", "unit", "deep")}
    if run is None and (given := options.typed(context, {*asked, "device"})):
        raise click.UsageError(f"{', '.join(given)}: expected RUN and IMAGE before them")
    if run is None:
        terminal.report(_example((map_, row, column), settings, complete, code), picture)
        return
    if given := options.typed(context, {*settings, "row", "column", "map_"}):
        raise click.UsageError(f"{', '.join(given)}: expected an example, without RUN")
    if image is None:
        raise click.UsageError("expected RUN and IMAGE, such as runs/lenet5-digits test:3")
    from convlab import pictures

    shown = {"complete": complete, "code": code, "data_dir": data_dir}
    made = pictures.explanation(options.load_run(run), image, **asked, **shown)
    terminal.report(made, picture)


def _example(at, settings, complete, code):
    """The picture of an example's output value at ``at`` (filter, row, column)."""
    from convlab import lessons, pictures
    from convlab.errors import SpecError

    if settings["values"] == "none":
        raise SpecError("explain: expected numbers, got --values none")
    example = lessons.convolution_example(**settings)
    made = pictures.explain_example(example, at, complete=complete, code=code)
    return dataclasses.replace(made, parameters={**settings, "at": at})
