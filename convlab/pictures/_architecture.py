"""The classical drawing of a network."""

from __future__ import annotations

from functools import partial

from convlab import viz
from convlab.checks import one_of
from convlab.errors import SpecError
from convlab.models import INPUT, Network, summarise
from convlab.pictures._drawn_layers import drawn_layers, kind_of, volumes
from convlab.pictures.picture import Picture
from convlab.pictures.sources import NetworkLike, network_of
from convlab.viz import Skip
from convlab.words import Said, joined, t

FINDS, DECIDES = t("finds features"), t("decides")
# Of networks of which several are called by one name.
VARIANTS = {
    "alexnet": t("one column, as in 2014"),
    "alexnet-slim": t("one column, as in 2014"),
    "resnet50": t("stride 2 in 3 × 3 convolutions"),
    "resnet50-slim": t("stride 2 at the end of a block"),
    "vgg16": t("configuration D, without batch normalisation"),
}


def architecture(
    network: NetworkLike, *, brackets: bool = False, layout: str = "stacks"
) -> Picture:
    """A network as in papers: its maps as stacked planes, windows with rays, dense columns.

    Sides are drawn to a square-root scale, so that 5 pixels are visible beside 28.  The longest
    branch is drawn, the others go around it as lines.  If there is too little room, blocks and
    stages are folded, and the second line says what is not drawn.  ``brackets``: below the layers
    stands which of them find features, and which decide, from the first that has one number a
    map.  ``layout`` volumes: faces by rows and columns, thickness by channels, all to scale; maps
    that grow again are drawn as a U.  Raises SpecError for anything that is not a network, and for
    brackets where there are not both.
    """
    one_of(layout, "layout", ("stacks", "volumes"))
    built, _ = network_of(network, weights=False)
    layers, rows, read = drawn_layers(built), summarise(built), built.sources()
    total = sum(row.parameters for row in rows)
    decide = [layer.name for layer in layers if layer.is_column]
    if brackets and (not decide or layers[1].is_column):
        raise SpecError(
            f"brackets: expected a network with layers of maps and with units behind them, got"
            f" {built.name}"
        )
    if brackets and layout == "volumes":
        raise SpecError("brackets: expected layout stacks, got volumes")
    parts = ""
    if brackets:
        halves = f"{layers[1].name} to {layers[-len(decide) - 1].name} {FINDS}, {decide[0]} to"
        parts = f", {halves} {decide[-1]} {DECIDES}"
    title = t("Architecture of {name}", built.name)
    described = ", ".join(
        " ".join(part for part in (layer.name, *layer.head, *map(_around, layer.skips)) if part)
        for layer in layers
    )
    normalised = any(row.family == "normalisation" and row.parameters for row in rows)
    counted = t(", those of normalisations counted") if normalised else ""
    variant = VARIANTS.get(built.name, "")
    unsaid = in_words(built)
    if layout == "volumes":
        count = t("{total:,} parameters for {classes:,} classes", total, built.classes) + counted
        left_out = t("not drawn: {listed}", unsaid[1]) if unsaid[1] else ""
        draw = partial(viz.volumes, layers, subtitle=joined([count, variant, left_out], "; "))
    else:
        draw = partial(
            viz.architecture,
            layers,
            subtitle=joined([variant, t("{total:,} parameters", total) + counted], "; "),
            unsaid=unsaid,
            brackets=(FINDS, DECIDES) if brackets else None,
        )
    return Picture(
        title,
        f"{title}: {described}; {total:,} parameters{parts}.",
        partial(draw, title=title),
        parameters={"network": built.name, "layout": layout},
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


def in_words(network: Network) -> tuple[str, str]:
    """Which layers activations and the like come after, ReLU after every convolution; the kinds."""
    sources, notes, _ = volumes(network)
    kinds = {row.name: kind_of(row) for row in summarise(network) if row.name in sources}
    phrases: dict[str, str] = {}
    for note in dict.fromkeys(text for texts in notes.values() for text in texts):
        places = []
        for kind, (every_one, some) in _WORDS.items():
            every = [name for name in sources if kinds[name] == kind]
            noted = [name for name in every if note in notes[name]]
            if noted and noted == every and len(every) > 1:
                places.append(t(every_one))
            elif noted and len(", ".join(noted)) < 24:
                places += noted
            elif noted:
                places.append(t(some, len(noted), len(every)))
        if note in notes[INPUT]:
            places.append(t("the input"))
        text = (
            t("{listed} and {last}", joined(places[:-1]), places[-1]) if places[1:] else places[0]
        )
        phrases[note] = t("{note} after {text}", note, text)
    path = t(" on one path")
    alone = [
        note.values["before"] if isinstance(note, Said) and note.endswith(path) else note
        for note in phrases
    ]
    return joined([*phrases.values()]), joined(dict.fromkeys(alone))


_WORDS = {
    "conv": ("every convolution", "{some} of {all} convolutions"),
    "pool": ("every pooling", "{some} of {all} poolings"),
    "sum": ("every sum", "{some} of {all} sums"),
    "concatenation": ("every concatenation", "{some} of {all} concatenations"),
    "dense": ("every dense layer", "{some} of {all} dense layers"),
    "placement": ("every placement", "{some} of {all} placements"),
    "flatten": ("every row of pixels", "{some} of {all} rows of pixels"),
}
