"""``convlab explain RUN IMAGE``: the whole sum behind one value in a trained network."""

from __future__ import annotations

from convlab_cli import options
from convlab_cli.explain_chain import print_pixels, print_step
from convlab_cli.explain_sums import print_sum
from convlab_cli.explain_text import say

from convlab.pictures._explanation import explained
from convlab.pictures.sources import INVERTED


def explain(run, image, layer, unit, deep, complete, data_dir, picture: options.Picture) -> None:
    """Print the sum behind one value, and write what ``picture`` asks for."""
    run = options.load_run(run)
    found = explained(run, image, layer, unit, deep, data_dir)
    first, *rest = chain = found.chain
    say(f"{run.name}; {found.name}{f'; {INVERTED}' if found.inverted else ''}", dim=True)
    say()
    print_sum(first, run, complete)
    for one in rest:
        say()
        if deep:
            print_step(one, run)
        else:  # the layers that only passed a number on
            print_sum(one, run, complete)
    say()
    print_pixels(chain if deep else chain[-1:], found.x, found.shown)
    if picture.wanted:
        picture.finish(found.picture())
