"""The classical drawing of a network."""

from __future__ import annotations

from functools import partial

from convlab import viz
from convlab.models import INPUT, Network, summarise
from convlab.pictures._drawn_layers import drawn_layers, kind_of, volumes
from convlab.pictures.picture import Picture
from convlab.pictures.sources import NetworkLike, network_of
from convlab.viz import Skip


def architecture(network: NetworkLike) -> Picture:
    """A network as in papers: its maps as stacked planes, windows with rays, dense columns.

    Sides are drawn to a square-root scale, so that 5 pixels are visible beside 28.  The longest
    branch is drawn, the others go around it as lines.  If there is too little room, blocks and
    stages are folded, and the second line says what is not drawn.  Raises SpecError for anything
    that is not a network.
    """
    built, _ = network_of(network, weights=False)
    layers, rows, read = drawn_layers(built), summarise(built), built.sources()
    total = sum(row.parameters for row in rows)
    title = f"Architecture of {built.name}"
    described = ", ".join(
        " ".join(part for part in (layer.name, *layer.head, *map(_around, layer.skips)) if part)
        for layer in layers
    )
    return Picture(
        title,
        f"{title}: {described}; {total:,} parameters.",
        partial(
            viz.architecture,
            layers,
            title=title,
            subtitle=f"{total:,} parameters",
            unsaid=in_words(built),
        ),
        parameters={"network": built.name},
        inputs={"input_shape": built.input_shape},
        result={
            "parameters": total,
            "layers": [
                {
                    "layer": row.name,
                    "type": row.kind,
                    "reads": read[row.name],
                    "output_shape": row.output_shape,
                    "parameters": row.parameters,
                    **({} if row.window is None else row.window._asdict()),
                }
                for row in rows
            ],
        },
    )


def _around(skip: Skip) -> str:
    return f"(with a path from {skip.source}: {skip.label})"


def in_words(network: Network) -> str:
    """Which layers activations and the like come after: ReLU after every convolution."""
    sources, notes = volumes(network)
    kinds = {row.name: kind_of(row) for row in summarise(network) if row.name in sources}
    phrases = []
    for note in dict.fromkeys(text for texts in notes.values() for text in texts):
        places = []
        for kind, (one, several) in _WORDS.items():
            every = [name for name in sources if kinds[name] == kind]
            noted = [name for name in every if note in notes[name]]
            if noted and noted == every and len(every) > 1:
                places.append(f"every {one}")
            elif noted and len(", ".join(noted)) < 24:
                places += noted
            elif noted:
                places.append(f"{len(noted)} of {len(every)} {several}")
        if note in notes[INPUT]:
            places.append("the input")
        text = " and ".join(filter(None, [", ".join(places[:-1]), places[-1]]))
        phrases.append(f"{note} after {text}")
    return ", ".join(phrases)


_WORDS = {
    "conv": ("convolution", "convolutions"),
    "pool": ("pooling", "poolings"),
    "sum": ("sum", "sums"),
    "concatenation": ("concatenation", "concatenations"),
    "dense": ("dense layer", "dense layers"),
    "placement": ("placement", "placements"),
}
