"""``convlab render convolution-1d``: convolution of two signals."""

from convlab_cli import drawing, options


@options.command()
@options.valued("--f", default="box", metavar="SIGNAL", help="It stays.")
@options.valued("--g", default="ramp", metavar="SIGNAL", help="It slides.")
@options.choice(
    "--show", "sliding", "three", help="three: convolution and both kinds of correlation."
)
@options.number(
    "--at", (-1e6, 1e6), help="How far g is slid; by default until the result is half its largest."
)
@options.number("--reach", (0.01, 1000), help="Functions are drawn from minus this to this.")
@drawing.draws("convolution-1d.png", (*drawing.MOVING, *drawing.FILMS))
def command(pictures, **settings):
    """Convolution of two signals: one is turned, slid over the other, and the product added up.

    SIGNAL is a list of numbers; or box, triangle, ramp, gaussian, decay, step, and as --g impulse;
    or a formula in t with + - * / ^, parentheses, these names and exp, log, sin, cos, tan, tanh,
    sqrt, abs and sign.

    \b
    convlab render convolution-1d --f box --g decay -o sliding.gif
    convlab render convolution-1d --f box --g ramp -o sliding.mp4
    convlab render convolution-1d --f "step(t)*exp(-t)" --g box --show three
    convlab render convolution-1d --f 1,2,3 --g 0,1,0.5
    """
    return pictures.convolution_1d(**settings)
