"""``convlab summary``: what each layer costs and sees."""

from convlab_cli import options, terminal


@options.command()
@options.network_argument(classes=True)
@terminal.wide
@options.json_options("One JSON object per line, one for each layer.")
def command(network, record):
    """Shapes, parameters, connections, multiply-adds and receptive field of every layer.

    Receptive field and stride are in input pixels; "dense" is how many parameters
    a dense layer between the same numbers would have.
    """
    network, _ = options.network_of(network, weights=False)
    table = network.summary()
    record.show((row.record() for row in table.layers), [table.table])
