"""How fast it is, on the user's own machine: always as a ratio, measured in turn."""

from convlab.bench.answers import AnswersRow, measure_answers
from convlab.bench.card import Report, card_steps, run_steps
from convlab.bench.convolutions import (
    EFFICIENTNET,
    GRADIENTS,
    LAYERS,
    KernelRow,
    Layer,
    layers_named,
    measure_kernels,
    measure_kernels_on_cuda,
    torch_has_cuda,
)
from convlab.bench.devices import Devices
from convlab.bench.ladder import (
    LadderRow,
    check_ladder,
    ladder_layer,
    measure_ladder,
    measure_ladder_on_cuda,
)
from convlab.bench.ladder_page import ladder_page, ladder_rung
from convlab.bench.ladder_report import LadderOnCudaReport, LadderReport
from convlab.bench.machine import (
    BUSY,
    Machine,
    Roof,
    busy_share,
    busy_text,
    gpu_name,
    machine,
    other_name,
    roof,
    version,
)
from convlab.bench.measure import Timing, alternate
from convlab.bench.networks import (
    COMPARED,
    RANDOM,
    compared,
    images_for,
    network,
    not_in_pytorch,
    pytorch_layers,
    random_images,
    training_images,
)
from convlab.bench.reports import (
    AnswersReport,
    KernelsOnCudaReport,
    KernelsReport,
    ScalingReport,
    StartReport,
    TrainingReport,
)
from convlab.bench.scaling import Curve, measure_scaling
from convlab.bench.start import measure_start
from convlab.bench.titles import kernel_words, ladder_words, scaling_title, training_title
from convlab.bench.training import TrainingRow, measure_training

__all__ = [
    "BUSY",
    "COMPARED",
    "Devices",
    "EFFICIENTNET",
    "GRADIENTS",
    "LAYERS",
    "RANDOM",
    "AnswersReport",
    "AnswersRow",
    "Curve",
    "KernelRow",
    "KernelsOnCudaReport",
    "KernelsReport",
    "LadderOnCudaReport",
    "LadderReport",
    "LadderRow",
    "Layer",
    "Machine",
    "Report",
    "Roof",
    "ScalingReport",
    "StartReport",
    "Timing",
    "TrainingReport",
    "TrainingRow",
    "alternate",
    "busy_share",
    "busy_text",
    "card_steps",
    "check_ladder",
    "compared",
    "gpu_name",
    "images_for",
    "kernel_words",
    "ladder_layer",
    "ladder_page",
    "ladder_rung",
    "ladder_words",
    "layers_named",
    "machine",
    "measure_answers",
    "measure_kernels",
    "measure_kernels_on_cuda",
    "measure_ladder",
    "measure_ladder_on_cuda",
    "measure_scaling",
    "measure_start",
    "measure_training",
    "network",
    "not_in_pytorch",
    "other_name",
    "pytorch_layers",
    "random_images",
    "roof",
    "run_steps",
    "scaling_title",
    "torch_has_cuda",
    "training_images",
    "training_title",
    "version",
]
