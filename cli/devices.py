"""``convlab devices``: what the loops can run on here."""

from convlab_cli import options


@options.command()
@options.flag(
    *("--compile", "compile_"), help="Also compile and assemble every CUDA kernel, without a GPU."
)
@options.json_options()
def command(compile_, record):
    """The CPU and the NVIDIA GPUs of this machine, or why CUDA cannot be used.

    --compile shows what each CUDA kernel needs of a GPU: registers of a thread, and
    bytes that did not fit into them.  It needs the packages of convlab[cuda-compile].
    """
    from convlab import bench

    found = bench.Devices.found(compile_)
    record.show([found.record()], found.lines())
