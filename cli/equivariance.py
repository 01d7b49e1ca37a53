"""``convlab equivariance``: how far each layer is from following a shift of the image."""

import click
from convlab_cli import drawing, options, terminal
from convlab_cli.values import Spelled

AMOUNTS = {"shift": "--shifts", "rotation": "--angles", "scale": "--scales"}


def amounts(transform: str, example: str, help: str, whole: bool = False, **settings):
    """An option for the amounts of a transformation, each of them once."""
    kind = Spelled("N,N,...", "numbers", example=example, whole=whole, distinct=True)
    return options.valued(AMOUNTS[transform], type=kind, help=help, **settings)


def border(default: str):
    """``--border`` of a command that shifts images."""
    return options.choice(
        *("--border", "circular", "zeros"),
        default=default,
        help="What a shift brings in: what left on the other side, or black.",
    )


@options.command()
@options.network_argument()
@options.layer("A layer with feature maps; all by default.", "layers", multiple=True)
@options.choice("--transform", *AMOUNTS)
@amounts("shift", "0,1,2,3", "Pixels to the right.  [default: 0,1,2,3,4]", whole=True)
@amounts("rotation", "0,45,90", "Degrees anticlockwise.  [default: 0,15,45,90,180]")
@amounts("scale", "0.8,1,1.25", "Factors.  [default: 0.8,0.9,1,1.1,1.25]")
@border("circular")
@options.whole(
    "--images",
    most=10_000,
    default=64,
    help="The first ones of the test set; random images if there is no run.",
)
@options.data_dir
@options.device
@options.threads
@terminal.wide
@drawing.picture(None)
def command(network, transform, picture, **settings):
    """Transform, then layer, or layer, then transform: how much the results differ.

    The error is the mean over images of ||f(T x) - T' f(x)|| / ||f(x)||, where T'
    shifts the maps by the shift over the effective stride, to the nearest whole cell
    (marked ≈; a half goes up).  It is 0 if a layer is exactly equivariant.

    Zero padding breaks it at the border: a second table has the errors of only those
    cells that have read neither padding nor what the shift brought in.
    """
    from convlab import pictures

    given = {kind: settings.pop(option.lstrip("-")) for kind, option in AMOUNTS.items()}
    amounts = given.pop(transform)
    for other, value in given.items():
        if value is not None:
            raise click.BadParameter(
                f"expected with --transform {other}, got --transform {transform}",
                param_hint=AMOUNTS[other],
            )
    network, run = options.network_of(network)
    made = pictures.equivariance(run or network, amounts, transform=transform, **settings)
    terminal.report(made, picture)
