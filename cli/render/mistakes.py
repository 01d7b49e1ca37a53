"""``convlab render mistakes``: the test images that a network gets wrong."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@options.run_argument
@click.option(
    "--most",
    type=click.IntRange(1, 40),
    default=40,
    show_default=True,
    help="Images at most, the worst first.",
)
@options.data_dir
@options.device
@options.threads
@options.picture("mistakes.png")
def command(run, most, data_dir, picture):
    """The test images that RUN gets wrong, those first of whose answer it was surest.

    Below each stands its true class, the answer and the answer's probability.
    """
    from convlab import data, training, viz

    run = options.load_run(run)
    _, test = data.load(run.settings.data, data_dir=data_dir)
    result = training.evaluate(
        run.network, training.centred(test, run.network.input_shape[1:]), run.scaling
    )
    wrong = result.mistakes()
    shown = wrong[:most]
    chances = result.probabilities[shown].max(axis=1)
    true = [run.classes[label] for label in result.labels[shown]]
    answers = [run.classes[label] for label in result.predictions[shown]]
    title = "Worst mistakes"
    count = f"{len(wrong):,} of {len(test):,} test images wrong"
    subtitle = f"{options.title_of(run)}; {count}; true → answer, its probability"
    figure = viz.mistakes(
        test.images[shown],
        true,
        answers,
        chances,
        title=title,
        subtitle=subtitle,
        **picture.look,
    )
    named = "; ".join(f"{a} → {b}, {p:.2f}" for a, b, p in zip(true, answers, chances, strict=True))
    picture.save(
        figure,
        f"{title}, {options.title_of(run)}",
        f"{title}, {options.title_of(run)}: {count}{f': {named}' if named else ''}.",
        parameters={"run": run.folder, "data": run.settings.data, "most": most},
        inputs={"number": shown, "images": test.images[shown]},
        weights={},
        result={"true": true, "answer": answers, "probability": chances},
    )
