"""``convlab render arithmetic``: convolution step by step, for any shape."""

from convlab_cli import options, steps
from convlab_cli.options import DRAWN

arithmetic_options = options.together(
    [
        options.lengths(
            "--input", most=DRAWN, help="Rows x columns; 5x5 unless --values has a table."
        ),
        options.lengths(
            "--kernel", most=DRAWN, help="Rows x columns; as --kernel-values, else 3x3."
        ),
        options.lengths("--stride", most=DRAWN, default=(1, 1), show_default="1"),
        options.padding(
            DRAWN,
            default="valid",
            help="In words, one number, ROWSxCOLUMNS, or top,bottom,left,right.",
        ),
        options.lengths("--dilation", most=DRAWN, default=(1, 1), show_default="1"),
        options.whole("--channels", most=512, default=1),
        options.whole("--filters", most=512, default=1),
        options.flag("--transposed", help="Transposed convolution."),
        options.lengths(
            "--output-padding",
            least=0,
            example="1",
            most=DRAWN,
            default=(0, 0),
            show_default="0",
            help="For a transposed convolution: additional rows and columns.",
        ),
        options.padding_mode(),
        options.convention,
        options.flag("--flip", help="Turn the kernel by 180 degrees: true convolution."),
        steps.numbers_options,
        options.valued(
            "--kernel-values",
            metavar='"1 0; 0 -1"|FILE.csv',
            help="Numbers of the kernel, rows separated by ;, or a table as for --values.",
        ),
        options.number(
            "--bias",
            (-1e30, 1e30),
            help="Added to every output; by default 1 with random kernels, else 0.",
        ),
    ]
)
"""The options of a convolution, for ``render arithmetic`` and ``explain``."""


@options.command()
@arithmetic_options
@steps.steps("arithmetic.png", ".html")
def command(pictures, **settings):
    """Convolution step by step: the window, the kernel, the sum and the resulting size.

    \b
    convlab render arithmetic --input 5x7 --stride 2 --padding 1 -o steps.gif
    convlab render arithmetic -o step.html
    """
    return pictures.arithmetic(**settings)
