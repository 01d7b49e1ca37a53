"""``convlab render``: every idea of a CNN course as a picture."""

import click
from convlab_cli.lazy import LazyGroup


@click.group(
    "render",
    cls=LazyGroup,
    package="convlab_cli.render",
    lazy={
        "image": "The channels of an image, or its numbers.",
        "flatten": "An image as a row of numbers.",
        "convolution-1d": "Convolution of two signals.",
        "colours": "One kernel over all colours, or one for each.",
        "arithmetic": "Convolution step by step, any shape.",
        "im2col": "A convolution as a matrix times a vector.",
        "groups": "Grouped, depthwise, separable: who reads what.",
        "stamping": "Transposed convolution, stamp by stamp.",
        "padding-modes": "What is in the padding.",
        "usage": "How often each pixel is read.",
        "pooling": "Pooling step by step.",
        "filters": "The weights of a convolution.",
        "features": "What every layer makes of an image.",
        "channel-sum": "A map as the sum over its channels.",
        "any-size": "A vector of one length from images of any size.",
        "weights": "How the weights of each layer are distributed.",
        "embedding": "Test images in a plane, similar ones together.",
        "receptive-field": "Which input pixels one unit sees.",
        "field-growth": "The receptive field by depth, of several networks.",
        "architecture": "A network as papers draw it.",
        "costs": "Parameters and multiply-adds of each layer.",
        "ladder": "What each idea gains for one convolution.",
        "equivariance": "Shift, then convolve, and the other way round.",
        "neighbours": "Nearby pixels are alike.",
        "connections": "Dense, local and shared weights.",
        "connection-table": "Which maps each filter of a convolution reads.",
        "parameters": "Dense layers against convolutions as images grow.",
        "saliency": "Which pixels a class's score depends on.",
        "occlusion": "What covering a part of an image costs.",
        "grad-cam": "Where a layer's maps support a class.",
        "hierarchy": "From pixels to the class, a unit for each depth.",
        "maximise": "Images made to excite the units of a layer.",
        "top-patches": "The patches that excite a layer's units most.",
        "augment": "What training sees instead of an image.",
        "all-reduce": "How ranks add the gradients of a batch.",
        "dropout": "What dropout drops, and how the answer spreads.",
        "activations": "ReLU, sigmoid, tanh and their gradients.",
        "descent": "Gradient descent on a loss of two weights.",
        "backward": "Backpropagation, sum by sum.",
        "curves": "Loss and accuracy by epoch.",
        "confusion": "Which classes are mistaken for which.",
        "roc": "What a class gains and costs at each threshold.",
        "mistakes": "The test images that a network gets wrong.",
    },
)
def command():
    """Pictures for slides and papers; the suffix of -o decides the kind of file."""
