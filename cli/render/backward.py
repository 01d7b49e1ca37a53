"""``convlab render backward``: backpropagation through a convolution or a pooling."""

from convlab_cli import drawing, options, steps


@options.command()
@options.choice("--kind", "convolution", "max", "average", help="What the gradient goes through.")
@options.lengths("--input", most=24, help="Rows x columns; 4x4, or 6x6 for a pooling.")
@options.lengths("--kernel", most=24, help="Rows x columns; 3x3, or 2x2 for a pooling.")
@options.lengths("--stride", most=24, help="1, or for a pooling the kernel's size.")
@options.lengths("--padding", least=0, example="1", most=24, default=(0, 0), show_default="0")
@steps.numbers_options
@options.valued("--kernel-values", metavar='"1 0; 0 -1"|FILE.csv', help="Numbers of the kernel.")
@options.number("--bias", (-1e30, 1e30), help="By default 1 with random kernels, else 0.")
@options.number("--rate", (0, 1e3), min_open=True, help="Of a step; by default one that helps.")
@options.whole("--step", least=0, help="The sum that is being computed, from 0; by default all.")
@drawing.draws("backward.png", drawing.MOVING, parts=True)
def command(pictures, **settings):
    """Backpropagation through a convolution or a pooling, sum by sum, with the engine's numbers.

    A .gif, .webp or .pdf shows one sum after the other.

    \b
    convlab render backward -o backward.gif
    convlab render backward --kind max
    """
    return pictures.backward(**settings)
