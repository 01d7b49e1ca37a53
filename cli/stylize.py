"""``convlab stylize``: the content of one picture in the style of another."""

from __future__ import annotations

from pathlib import Path

import click
from convlab_cli import options

PLAIN = (".png", ".jpg", ".webp")
SMALLEST = 48  # pixels: a quarter of it still holds the largest filter


@click.command()
@click.argument("content", metavar="CONTENT")
@click.argument("style", metavar="STYLE")
@click.option(
    "--result",
    type=options.WRITTEN,
    callback=lambda context, parameter, path: path and options.check_suffix(path, PLAIN),
    help="The result alone: .png, .jpg or .webp.  [default: -o's name with -result.png]",
)
@click.option(
    "--pixels",
    type=click.IntRange(64, 512),
    default=256,
    show_default=True,
    help="Longer side of the result.",
)
@click.option("--steps", type=click.IntRange(1, 5000), default=80, show_default=True)
@click.option(
    "--every",
    type=click.IntRange(1, options.MOST),
    default=10,
    show_default=True,
    help="Steps from one frame of a .gif or .webp, and line of progress, to the next.",
)
@click.option(
    "--content-weight",
    type=options.Number(0, 1e9),
    default=0.05,
    show_default=True,
    help="How much it counts that maps are like the content's.",
)
@click.option(
    "--style-weight",
    type=options.Number(0, 1e9),
    default=1.0,
    show_default=True,
    help="How much it counts that Gram matrices are like the style's.",
)
@click.option(
    "--network",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Filters of a run on colour pictures.  [default: random filters]",
)
@click.option(
    "--start",
    type=click.Choice(["content", "noise"]),
    default="content",
    show_default=True,
    help="The picture whose pixels are changed.",
)
@click.option(
    "--seed",
    type=options.SEED,
    default=0,
    show_default=True,
    help="Of random filters and of noise.",
)
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
    result shall be those of CONTENT, place by place, and go together as those of
    STYLE do, wherever they are: Gram matrices (Gatys, Ecker & Bethge 2016).  Random
    filters of several sizes do for that (Ustyuzhaninov et al. 2016), or those of RUN.

    The figure shows all three pictures, as .gif or .webp step by step; the result
    is also written alone.
    """
    import numpy as np

    from convlab import files, tasks, viz
    from convlab.shapes import size_text

    plain = result or picture.path.with_name(f"{picture.path.stem}-result.png")
    if plain == picture.path:
        raise click.UsageError(f"--result: expected another file than that of -o, got {plain}")
    if content_weight == style_weight == 0:
        raise click.UsageError("expected --content-weight or --style-weight above 0, got 0 twice")
    sources = [_read(source, pixels) for source in (content, style)]
    if network is None:
        features, filters = tasks.random_features(seed), "random filters"
    else:
        run = options.load_run(network)
        features = tasks.network_features(run.network, run.scaling)
        filters = f"filters of run {network.resolve().name}"
    target = tasks.style_target(tasks.at_sizes(features), *map(_floats, sources))
    first = _floats(sources[0])
    if start == "noise":
        first = np.random.default_rng(seed).random(first.shape, np.float32)
    history, frames = [], []
    moving = picture.path.suffix in (".gif", ".webp")

    def watch(step, x):
        history.append(step)
        if step.step % every == 0:
            if moving:
                frames.append((len(history), _bytes(x)))
            if not quiet:
                click.echo(
                    f"step {step.step}/{steps}  loss {step.loss:.4f}"
                    f"  content {step.content:.4f}  style {step.style:.4f}",
                    err=True,
                )

    made = _bytes(
        tasks.stylize(
            target,
            first,
            steps=steps,
            content_weight=content_weight,
            style_weight=style_weight,
            watch=watch,
        )
    )
    names = [Path(source).name for source in (content, style)]
    title = f"{names[0]} in the style of {names[1]}"
    begin, end = history[0], history[-1]
    subtitle = (
        f"{filters}; {size_text(*made.shape[1:])} pixels; {end.step} steps of L-BFGS from"
        f" {'noise' if start == 'noise' else 'the content'}"
    )
    facts = [
        (
            "loss",
            f"{content_weight:g} × content + {style_weight:g} × style, from"
            f" {begin.loss:.3g} to {end.loss:.3g}",
        ),
        ("content", f"from {begin.content:.3g} to {end.content:.3g}; 1 is that of empty maps"),
        ("style", f"from {begin.style:.3g} to {end.style:.3g}; 1 is that of empty maps"),
    ]

    above_zero = [step.loss for step in history if step.loss > 0]

    def figure(count, shown):
        losses = [step.loss for step in history[:count]]
        return viz.stylized(
            *sources,
            shown,
            losses,
            of=len(history),
            span=(min(above_zero), max(above_zero)) if above_zero else None,
            names=(f"content: {names[0]}", f"style: {names[1]}"),
            facts=facts,
            title=title,
            subtitle=subtitle,
            **picture.look,
        )

    said = "; ".join(f"{label}: {text}" for label, text in facts)
    description = f"{title}; {subtitle}; {said}."
    numbers = {
        "parameters": {
            "content": content,
            "style": style,
            "network": network,
            "pixels": pixels,
            "steps": steps,
            "content weight": content_weight,
            "style weight": style_weight,
            "start": start,
            "seed": seed,
        },
        "inputs": {"content": sources[0], "style": sources[1]},
        "weights": {},
        "result": {
            "picture": made,
            **{
                name: [getattr(step, name) for step in history]
                for name in ("loss", "content", "style")
            },
        },
    }
    if moving:
        if frames[-1][0] < len(history):
            frames.append((len(history), made))
        encoded = viz.animation_bytes(
            (figure(count, shown) for count, shown in frames),
            picture.path.suffix,
            description=description,
            command=options.command_line(),
        )
    else:
        encoded = None
    files.write_atomically(plain, _encoded(made, plain))
    if moving:
        picture.write(encoded, title, description, **numbers)
    else:
        picture.save(figure(len(history), made), title, description, **numbers)
    if not picture.alt:
        click.echo(f"wrote {plain}")


def _read(source: str, pixels: int):
    """(3, H, W) bytes whose longer side has so many pixels."""
    from convlab import data
    from convlab.data.pictures import picture_header
    from convlab.errors import DataError

    if source in data.PHOTOGRAPHS:
        image = data.photograph(source)
        size = image.shape[:2]
    elif not Path(source).exists():
        raise DataError(
            f"{source}: expected a picture file or one of {', '.join(data.PHOTOGRAPHS)}; there is"
            " no such file"
        )
    else:
        size, _ = picture_header(Path(source))
    factor = pixels / max(size)
    fitted = tuple(max(1, round(length * factor)) for length in size)
    if min(fitted) < SMALLEST:
        raise DataError(
            f"{source}: expected a picture of at least {SMALLEST} pixels along both sides with"
            f" --pixels {pixels}, got {fitted[0]} x {fitted[1]}"
        )
    if source in data.PHOTOGRAPHS:
        return data.fit_images(image.transpose(2, 0, 1)[None], fitted)[0]
    return data.read_picture(Path(source), size=fitted, channels=3)


def _floats(image):
    """Bytes (3, H, W) as a batch of one from 0 to 1."""
    import numpy as np

    return image[None].astype(np.float32) / 255


def _bytes(x):
    """A batch of one from 0 to 1 as bytes (3, H, W)."""
    import numpy as np

    return np.round(255 * x[0]).astype(np.uint8)


def _encoded(image, path: Path) -> bytes:
    """A picture's bytes as a file's."""
    import io

    from PIL import Image

    stream = io.BytesIO()
    kind = {".png": "PNG", ".jpg": "JPEG", ".webp": "WEBP"}[path.suffix]
    Image.fromarray(image.transpose(1, 2, 0)).save(stream, kind, quality=95)
    return stream.getvalue()
