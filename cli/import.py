"""``convlab import``: a network that was trained elsewhere, as a run."""

import click
from convlab_cli import options
from convlab_cli.values import FILE


@options.command()
@click.argument("file", metavar="FILE|NAME", type=FILE)
@options.output(help="Folder of the run.  [default: runs/NAME-imported]", folder=True)
@options.valued(
    "--model", help="For weights alone: the network that has them, a name or a .toml file."
)
@options.valued("--class-names", type=FILE, help="Text file with the name of each class on a line.")
@options.valued(
    "--preprocessing",
    metavar="imagenet|none|FILE.toml",
    help="What the network takes: ImageNet's mean and deviation, pixels from 0 to 1, or mean, std"
    " and size from a file.  [default: imagenet for colours, none for grey]",
)
@options.exist_ok
@options.json_options()
def command(file, output, model, class_names, preprocessing, exist_ok, record):
    """Make a run of FILE: an .onnx, or weights (.safetensors, .pt) with --model.

    Everything that convlab shows of runs works on it: predict, explain, render and the rest.  NAME
    is a trained network that a package has: efficientnet-lite0.  Nothing in a file is run.
    """
    from convlab import training

    found = training.import_run(
        file,
        output,
        model=model,
        class_names=class_names,
        preprocessing=preprocessing,
        exist_ok=exist_ok,
    )
    record.show([found.record()], found.lines())
