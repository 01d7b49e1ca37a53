"""Networks by name or from a TOML file, and what their layers cost and see."""

from convlab.models.spec import LOSSES, Network, build, build_from_text, input_shape, model_names
from convlab.models.summary import LayerSummary, summarise

__all__ = [
    "LOSSES",
    "LayerSummary",
    "Network",
    "build",
    "build_from_text",
    "input_shape",
    "model_names",
    "summarise",
]
