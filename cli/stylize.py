"""``convlab stylize``: the content of one picture in the style of another."""

from __future__ import annotations

from pathlib import Path

import click
from convlab_cli import options

PLAIN = (".png", ".jpg", ".webp")


@click.command()
@click.argument("content", metavar="CONTENT")
@click.argument("style", metavar="STYLE")
@click.option(
    "--result",
    type=options.WRITTEN,
    callback=lambda context, parameter, path: path and options.check_suffix(path, PLAIN),
    help="The result by itself: .png, .jpg or .webp.  [default: -o's name with -result.png]",
)
@options.whole("--pixels", least=64, most=512, default=256, help="Longer side of the result.")
@options.whole("--steps", most=5000, default=80)
@options.whole(
    "--every",
    default=10,
    help="Steps from one frame of a .gif or .webp, and line of progress, to the next.",
)
@click.option(
    "--content-weight",
    type=options.Number(0, 1e9),
    default=0.05,
    show_default=True,
    help="Weight of the maps' similarity to the content's.",
)
@click.option(
    "--style-weight",
    type=options.Number(0, 1e9),
    default=1.0,
    show_default=True,
    help="Weight of the Gram matrices' similarity to the style's.",
)
@click.option(
    "--network",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Filters of a run on colour pictures.  [default: random filters]",
)
@options.choice("--start", "content", "noise", help="The picture whose pixels are changed.")
@options.seed("For random filters and noise.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@options.threads
@options.picture("stylized.png", options.MOVING)
def command(
    content,
    style,
    result,
    pixels,
    steps,
    every,
    content_weight,
    style_weight,
    network,
    start,
    seed,
    quiet,
    picture,
):
    """Give CONTENT the style of STYLE, by changing its pixels step by step.

    Both are picture files or the photographs china and flower.  The maps of the
    result should match those of CONTENT, place by place, and be correlated like those
    of STYLE, wherever they are: Gram matrices (Gatys, Ecker & Bethge 2016).  Random
    filters of several sizes are enough for that (Ustyuzhaninov et al. 2016), or
    those of RUN.

    The figure shows all three pictures, as .gif or .webp step by step; the result
    is also written separately.
    """
    from convlab import files, pictures
    from convlab.data.pictures import picture_bytes

    plain = result or picture.path.with_name(f"{picture.path.stem}-result.png")
    if plain == picture.path:
        raise click.UsageError(f"--result: expected another file than that of -o, got {plain}")
    if content_weight == style_weight == 0:
        raise click.UsageError("expected --content-weight or --style-weight above 0, got 0 twice")

    def watch(step) -> None:
        if step.step % every == 0 and not quiet:
            click.echo(
                f"step {step.step}/{steps}  loss {step.loss:.4f}"
                f"  content {step.content:.4f}  style {step.style:.4f}",
                err=True,
            )

    made = pictures.stylize(
        content,
        style,
        pixels=pixels,
        steps=steps,
        every=every,
        content_weight=content_weight,
        style_weight=style_weight,
        network=network,
        start=start,
        seed=seed,
        watch=watch,
    )
    alone = picture_bytes(made.result["picture"], plain.suffix)
    picture.finish(made, lambda: files.write_atomically(plain, alone))
    if not picture.alt:
        click.echo(f"wrote {plain}")
