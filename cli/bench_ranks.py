"""``convlab bench ranks``: one training on several processes."""

from convlab_cli import options
from convlab_cli.bench_options import bench_options


@options.command()
@options.model
@options.whole("--batch", default=64, help="Images per step.")
@options.whole("--chunks", default=4, most=1024, help="Parts of a batch, and the most ranks.")
@bench_options(rounds=50, picture=False)
def command(model, batch, chunks, rounds, shown):
    """A training step on 1, 2 ... ranks of MPI, as many as there are cores, and beyond on paper.

    On digits, with one thread a rank.  It starts mpiexec itself.
    """
    from convlab.bench.ranks import RanksReport

    shown.show(RanksReport(model, batch, chunks, rounds))
