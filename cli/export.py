"""``convlab export``: a run's network for other programs."""

from convlab_cli import options


@options.command()
@options.run_argument
@options.output(
    *(".onnx", ".safetensors", ".pt", ".pth"),
    help="The file; its ending says the format.  [default: RUN/net.onnx]",
)
@options.json_options()
def command(run, output, record):
    """Write the network of RUN: .onnx with its layers, .safetensors or .pt with its weights.

    The weights are those of the best epoch, by the names of the layers.
    """
    from convlab import training

    path = output or run / "net.onnx"
    training.export_run(options.load_run(run), path)
    record.show([{"wrote": str(path)}], [f"wrote {path}"])
