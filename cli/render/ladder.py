"""``convlab render ladder``: what each idea buys one convolution, as it was measured."""

from __future__ import annotations

from pathlib import Path

import click
from convlab_cli import options


@click.command()
@click.argument("file", metavar="[FILE.json]", type=click.Path(path_type=Path), required=False)
@options.picture("ladder.png")
def command(file, picture):
    """One convolution from plain Python to the engine's loop: what each idea buys.

    FILE is what "convlab bench ladder --json" wrote; without one, what was measured of
    LeNet's C3 on the machine that the picture names.
    """
    from convlab_cli.bench_ladder import TITLE, description, figure_of

    from convlab import ladder, reading
    from convlab.errors import RunError

    file = file or Path(ladder.__file__).with_name("measured.json")
    try:
        record = reading.read_json(file)
        figure = figure_of(record, **picture.look)
        text = description(record)
    except OSError as error:
        raise RunError(f"{file}: cannot be read: {error.strerror}") from None
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
        raise RunError(
            f"{file}: expected what convlab bench ladder --json wrote, got something else"
        ) from None
    picture.save(
        figure,
        TITLE,
        f"{TITLE}. {text}.",
        parameters={"layer": record["layer"]["name"]},
        inputs={},
        weights={},
        result=record,
    )
