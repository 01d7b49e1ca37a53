"""Networks by name or from a TOML file, and what their layers cost and see."""

from convlab.models.spec import (
    LOSSES,
    Network,
    Spec,
    build,
    build_from_text,
    input_shape,
    model_names,
    read_spec,
)
from convlab.models.summary import LayerSummary, summarise

__all__ = [
    "LOSSES",
    "LayerSummary",
    "Network",
    "Spec",
    "build",
    "build_from_text",
    "input_shape",
    "model_names",
    "read_spec",
    "summarise",
]
