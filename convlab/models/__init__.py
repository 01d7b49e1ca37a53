"""Networks by name or from a TOML file, and what their layers cost and see."""

from convlab.checks import check_calls
from convlab.models.encoder_decoder import encoder_decoder
from convlab.models.onnx import from_onnx, to_onnx
from convlab.models.spec import (
    LOSSES,
    GraphNetwork,
    Network,
    Spec,
    build,
    build_from_text,
    check_classifies,
    input_shape,
    model_names,
    read_spec,
)
from convlab.models.summary import (
    INPUT,
    LayerField,
    LayerSummary,
    field_record,
    images_at_once,
    receptive_fields,
    summarise,
)
from convlab.models.summary_table import SummaryTable

__all__ = [
    "INPUT",
    "LOSSES",
    "GraphNetwork",
    "LayerField",
    "LayerSummary",
    "Network",
    "Spec",
    "SummaryTable",
    "build",
    "build_from_text",
    "check_classifies",
    "encoder_decoder",
    "field_record",
    "from_onnx",
    "input_shape",
    "model_names",
    "read_spec",
    "receptive_fields",
    "images_at_once",
    "summarise",
    "to_onnx",
]

check_calls(globals(), __all__)
