"""``convlab receptive-field``: what the units of every layer see."""

from convlab_cli import options, terminal


@options.command()
@options.network_argument()
@terminal.wide
@options.flag("--explain", help="The recursion with its numbers, layer by layer.")
@options.json_options("Print all numbers as JSON, with layers that only pass numbers on.")
def command(network, explain, record):
    """Receptive field r, effective stride S and effective padding P of every layer.

    All in pixels of the input, rows × columns where they differ; "centre" is where the
    first unit looks.  A join is aligned where all its branches have the same S
    and the same centres.  Layers that only pass numbers on are left out.

    Padding that differs is "0 and 1" before and after, or TOP,BOTTOM,LEFT,RIGHT.
    """
    from convlab.lessons import field_explanation, field_table
    from convlab.models import field_record

    network, _ = options.network_of(network, weights=False)
    if record.wanted:
        record.put(field_record(network), by_key=True)
    terminal.say(field_explanation(network) if explain else [field_table(network)])
