"""``convlab stylize``: the content of one picture in the style of another."""

import click
from convlab_cli import completion, drawing, options, terminal
from convlab_cli.output import write


@options.command()
@click.argument("content", metavar="CONTENT", shell_complete=completion.images)
@click.argument("style", metavar="STYLE", shell_complete=completion.images)
@options.also(
    "--result",
    suffixes=(".png", ".jpg", ".webp"),
    help="The result by itself: .png, .jpg or .webp.  [default: -o's name with -result.png]",
)
@options.whole("--pixels", least=64, most=512, default=256, help="Longer side of the result.")
@options.whole("--steps", most=5000, default=80)
@options.whole(
    "--every",
    default=10,
    help="Steps from one frame of a .gif or .webp, and line of progress, to the next.",
)
@options.number(
    "--content-weight",
    (0, 1e9),
    default=0.05,
    help="Weight of the maps' similarity to the content's.",
)
@options.number(
    "--style-weight",
    (0, 1e9),
    default=1.0,
    help="Weight of the Gram matrices' similarity to the style's.",
)
@options.run_option(
    "--network",
    metavar="RUN",
    help="Filters of a run on colour pictures.  [default: random filters]",
)
@options.choice("--start", "content", "noise", help="The picture whose pixels are changed.")
@options.seed("For random filters and noise.")
@options.quiet
@options.threads
@drawing.picture("stylized.png", drawing.MOVING)
def command(result, quiet, picture, **settings):
    """Give CONTENT the style of STYLE, by changing its pixels step by step.

    Both are picture files or the photographs china and flower.  The maps of the
    result should match those of CONTENT, place by place, and be correlated like those
    of STYLE, wherever they are: Gram matrices (Gatys, Ecker & Bethge 2016).  Random
    filters of several sizes are enough for that (Ustyuzhaninov et al. 2016), or
    those of RUN.

    The figure shows all three pictures, as .gif or .webp step by step; the result
    is also written separately.
    """
    from convlab import pictures
    from convlab.data.pictures import picture_bytes

    plain = result or picture.path.with_name(f"{picture.path.stem.strip('-')}-result.png")
    if plain == picture.path:
        raise click.UsageError(f"--result: expected another file than that of -o, got {plain}")
    if settings["content_weight"] == settings["style_weight"] == 0:
        raise click.UsageError("expected --content-weight or --style-weight above 0, got 0 twice")

    def watch(step) -> None:
        if step.step % settings["every"] == 0 and not quiet:
            click.echo(step.text(settings["steps"]), err=True)

    made = pictures.stylize(watch=watch, **settings)
    alone = picture_bytes(made.result["picture"], plain.suffix.lower())
    picture.finish(made, lambda: write(plain, alone))
    if not picture.alt:
        terminal.say([f"wrote {plain}"])
