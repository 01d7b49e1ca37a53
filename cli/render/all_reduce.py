"""``convlab render all-reduce``: how ranks add the gradients of a batch."""

from convlab_cli import drawing, options


@options.command()
@options.whole("--ranks", default=2, most=4, help="Processes of the training.")
@options.whole("--chunks", default=4, most=8, help="Parts of a batch.")
@drawing.draws("all-reduce.png")
def command(pictures, ranks, chunks):
    """How MPI's ranks add the gradients of a batch, to the same bits on any number of them.

    Each rank computes some chunks, is sent one part of all of them, adds it and sends the sum.
    """
    return pictures.all_reduce(ranks, chunks)
