"""How fast it is, on the machine of whoever asks: always as a ratio, measured in turn."""

from convlab.bench.answers import AnswersRow, measure_answers
from convlab.bench.card import Report, card_steps, run_steps
from convlab.bench.convolutions import (
    EFFICIENTNET,
    GRADIENTS,
    LAYERS,
    KernelRow,
    Layer,
    measure_kernels,
    measure_kernels_on_cuda,
    torch_has_cuda,
)
from convlab.bench.ladder import LadderRow, check_ladder, measure_ladder, measure_ladder_on_cuda
from convlab.bench.ladder_page import ladder_page, ladder_rung
from convlab.bench.machine import (
    BUSY,
    Machine,
    Roof,
    busy_share,
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
    pytorch_layers,
    random_images,
    training_images,
)
from convlab.bench.scaling import Curve, measure_scaling
from convlab.bench.start import measure_start
from convlab.bench.titles import kernel_words, ladder_words, scaling_title, training_title
from convlab.bench.training import TrainingRow, measure_training

__all__ = [
    "BUSY",
    "EFFICIENTNET",
    "COMPARED",
    "GRADIENTS",
    "LAYERS",
    "RANDOM",
    "AnswersRow",
    "Curve",
    "KernelRow",
    "LadderRow",
    "Layer",
    "Machine",
    "Report",
    "Roof",
    "Timing",
    "TrainingRow",
    "alternate",
    "busy_share",
    "card_steps",
    "check_ladder",
    "kernel_words",
    "ladder_page",
    "ladder_rung",
    "ladder_words",
    "compared",
    "images_for",
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
