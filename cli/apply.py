"""``convlab apply``: a classic kernel on an image."""

from __future__ import annotations

from pathlib import Path

import click
from convlab_cli import options

RAW = (".npy", ".csv")


@click.command()
@click.argument("image", default="china")
@click.option(
    "--kernel",
    default="sobel",
    show_default=True,
    help="Name, name:NUMBER, rows such as '1 0 -1; 2 0 -2; 1 0 -1', or a .csv file with"
    " semicolons, tabs, commas or spaces between the numbers; beside semicolons and tabs a comma is"
    " the decimal mark.",
)
@click.option(
    "--grey/--colour",
    default=None,
    help="The luma of a colour picture, or each channel; luma for edges by default.",
)
@click.option("--padding", type=options.Padding(), help="same by default, valid for 6x6-edge.")
@click.option(
    "--padding-mode",
    type=click.Choice(["zeros", "reflect", "replicate", "circular"]),
    default="replicate",
    show_default=True,
    help="What stands in the padding; zeros make edges at the border.",
)
@click.option("--stride", type=options.Lengths(example="2"), default="1", show_default=True)
@click.option(
    "--convolve",
    is_flag=True,
    help="Also true convolution, with the kernel turned by 180°, and the difference.",
)
@click.option(
    "--threshold",
    type=options.Number(0, 1e9),
    help="Least magnitude whose direction is shown; a tenth of the largest by default.",
)
@click.option(
    "--raw",
    type=options.WRITTEN,
    callback=lambda context, parameter, path: path and options.check_suffix(path, RAW),
    help="Also write the result's numbers: .npy or .csv.",
)
@options.threads
@options.picture("apply.png")
def command(image, kernel, grey, padding, padding_mode, stride, convolve, threshold, raw, picture):
    """What a kernel makes of an image: before, kernel, after.

    IMAGE is a picture file, "-" for standard input, a photograph (china, flower)
    or a test pattern (step, checkerboard, 6x6-edge); china by default.

    \b
    Gradients   sobel, scharr, prewitt, roberts: magnitude and direction;
                one of the two with -x or -y, such as sobel-x
    Edges       vertical, horizontal, laplacian
    Smoothing   gaussian:SIGMA, box:K, motion:K
    Others      sharpen, emboss, identity

    The kernel slides over the image as it is printed: cross-correlation.
    """
    from convlab import lessons, viz
    from convlab.shapes import size_text

    chosen = lessons.classic_kernel(kernel)
    if chosen.is_pair and grey is False:
        raise click.UsageError(
            f"--colour: expected one kernel such as {chosen.name}-x, got the pair {chosen.name},"
            " whose direction is that of one channel"
        )
    pixels, luma = _read(image, chosen.is_derivative if grey is None else grey)
    is_pattern = image in lessons.PATTERNS
    if padding is None:
        padding = "valid" if image == "6x6-edge" else "same"

    def apply(flip: bool):
        return lessons.apply_kernel(
            pixels, chosen, stride=stride, padding=padding, padding_mode=padding_mode, flip=flip
        )

    applied = apply(False)
    shown = lessons.AppliedView(
        applied,
        apply(True) if convolve else None,
        levels=(0.0, 10.0) if is_pattern else (0.0, 255.0),
        unit="" if is_pattern else "grey levels",
        threshold=threshold,
    )
    numbers = shown.numbers() if raw is not None or picture.json is not None else None
    content = None if raw is None else _raw_bytes(raw, numbers)

    channels, *size = pixels.shape
    name = "standard input" if image == "-" else Path(image).name
    subtitle = f"{name}, {size_text(*size, *([channels] if channels > 1 else []))}"
    subtitle += ", grey (BT.601 luma)" if luma else ""
    subtitle += f"; {applied.setting()}"
    facts = shown.facts()
    words = [*facts, shown.values()]
    figure = viz.applied(
        pixels,
        shown.kernels(),
        shown.results(),
        title=chosen.title,
        subtitle=subtitle,
        facts=facts,
        levels=shown.levels,
        padded=applied.padded,
        sides=applied.padding,
        **picture.look,
    )
    if raw is not None:
        from convlab.files import write_atomically

        write_atomically(raw, content)
    if not picture.alt:
        for label, text in [("image", subtitle), *words]:
            click.echo(f"{label}: {text}")
        if raw is not None:
            click.echo(f"wrote {raw}")
    described = "; ".join(f"{label}: {text}" for label, text in words)
    picture.save(
        figure,
        f"{chosen.title} on {name}",
        f"{chosen.title} on {subtitle}. {described}.",
        parameters={
            "image": image,
            "grey": channels == 1,
            "kernel": chosen.name,
            "stride": stride,
            "padding": applied.padding,
            "padding_mode": padding_mode,
            "convolve": convolve,
        }
        | ({"threshold": shown.least} if chosen.is_pair else {}),
        inputs={"image": lessons.record(pixels)},
        weights={"kernel": chosen.weights},
        result={} if numbers is None else {"output": lessons.record(numbers), **dict(words)},
    )


def _read(image: str, grey: bool):
    """(pixels (C, H, W), whether they are the luma of a colour picture)."""
    from convlab import data, lessons
    from convlab.data.pictures import picture_header
    from convlab.errors import DataError
    from convlab.reading import read_standard_input

    if image in lessons.PATTERNS:
        return lessons.pattern(image)[None], False
    if image in data.PHOTOGRAPHS:
        pixels = data.photograph(image).transpose(2, 0, 1)[None]
        return (data.fit_images(pixels, channels=1) if grey else pixels)[0], grey
    if image == "-":
        source = read_standard_input()
    elif not Path(image).exists():
        names = ", ".join([*data.PHOTOGRAPHS, *lessons.PATTERNS])
        raise DataError(
            f"{image}: expected a picture file or one of {names}; there is no such file"
        )
    else:
        source = Path(image)
    size, is_grey = picture_header(source)
    channels = 1 if grey or is_grey else 3
    return data.read_picture(source, size=size, channels=channels), grey and not is_grey


def _raw_bytes(path: Path, numbers) -> bytes:
    """An array as the bytes of a .npy or .csv file.  Raises DataError."""
    import io

    import numpy as np

    from convlab.errors import DataError
    from convlab.shapes import size_text

    stream = io.BytesIO()
    if path.suffix == ".npy":
        np.save(stream, numbers)
    elif numbers.ndim == 2:
        # Nine digits give each float32 back.
        np.savetxt(stream, numbers, fmt="%.9g", delimiter=",")
    else:
        raise DataError(
            f"{path.name}: expected one map for a .csv file, got {size_text(*numbers.shape)}"
            " numbers; a .npy file holds them"
        )
    return stream.getvalue()
