"""Pictures: arrays in, matplotlib figures out, in one visual language."""

from convlab.comparison import Comparison, Convention
from convlab.viz.activations import ActivationCurve, activations
from convlab.viz.applied import ShownKernel, ShownResult, applied
from convlab.viz.architecture import DrawnLayer, Skip, architecture
from convlab.viz.attribution import attribution
from convlab.viz.bench import (
    KernelPoint,
    ScalingCurve,
    TrainingBar,
    kernel_speed,
    scaling,
    training_speed,
)
from convlab.viz.confusion import confusion
from convlab.viz.connection_table import connection_table
from convlab.viz.connections import Wiring, connections
from convlab.viz.conventions import conventions
from convlab.viz.costs import LayerCost, costs
from convlab.viz.curves import curves
from convlab.viz.detections import detections
from convlab.viz.embedding import embedding
from convlab.viz.equivariance import equivariance, two_ways
from convlab.viz.experiment import MeasuredLine, MeasuredRow, measured_lines, measured_rows
from convlab.viz.feature_maps import feature_maps
from convlab.viz.field_growth import FieldLine, field_growth
from convlab.viz.filters import filters
from convlab.viz.invariance import invariance
from convlab.viz.isometric import isometric
from convlab.viz.journey import journey
from convlab.viz.ladder import ladder
from convlab.viz.ladder_rows import LadderStep
from convlab.viz.learned_kernels import KernelColumn, learned_kernels
from convlab.viz.line_panels import LinePanel, line_panels
from convlab.viz.maximise import maximise
from convlab.viz.measured_columns import MeasuredColumn, measured_columns
from convlab.viz.mistakes import mistakes
from convlab.viz.neighbours import neighbours
from convlab.viz.padding_modes import padding_modes
from convlab.viz.parameters import Example, Growth, parameters
from convlab.viz.pixels import channels, pixel_numbers
from convlab.viz.pyramid import PyramidLevel, pyramid
from convlab.viz.quiz_grids import NumberGrid
from convlab.viz.quiz_sheet import SheetExercise, quiz_sheet
from convlab.viz.receptive_field import effective_field, field_chain, receptive_field
from convlab.viz.segmentation import segmentation
from convlab.viz.sliding_window import sliding_window
from convlab.viz.step_sheet import step_sheet
from convlab.viz.style import SIZES, THEMES, Size, Theme, blank_figure
from convlab.viz.stylized import stylized
from convlab.viz.sum_chain import ChainLink, sum_chain
from convlab.viz.top_patches import top_patches
from convlab.viz.unit_sum import SumStep, SumTerm, unit_sum
from convlab.viz.weights import WeightNumbers, weights
from convlab.viz.write import animation_bytes, figure_bytes, pages_bytes
from convlab.window_step import SlidingWindow

__all__ = [
    "ActivationCurve",
    "ChainLink",
    "Comparison",
    "Convention",
    "DrawnLayer",
    "Example",
    "FieldLine",
    "Growth",
    "KernelColumn",
    "KernelPoint",
    "LadderStep",
    "LayerCost",
    "LinePanel",
    "MeasuredColumn",
    "MeasuredLine",
    "MeasuredRow",
    "NumberGrid",
    "SIZES",
    "SlidingWindow",
    "ScalingCurve",
    "SheetExercise",
    "THEMES",
    "Size",
    "Skip",
    "SumStep",
    "SumTerm",
    "Theme",
    "TrainingBar",
    "WeightNumbers",
    "Wiring",
    "ShownKernel",
    "ShownResult",
    "activations",
    "animation_bytes",
    "applied",
    "architecture",
    "attribution",
    "blank_figure",
    "channels",
    "confusion",
    "connection_table",
    "connections",
    "conventions",
    "costs",
    "curves",
    "detections",
    "embedding",
    "equivariance",
    "feature_maps",
    "field_growth",
    "figure_bytes",
    "filters",
    "invariance",
    "isometric",
    "journey",
    "kernel_speed",
    "ladder",
    "learned_kernels",
    "line_panels",
    "maximise",
    "measured_columns",
    "measured_lines",
    "measured_rows",
    "mistakes",
    "neighbours",
    "padding_modes",
    "parameters",
    "pixel_numbers",
    "quiz_sheet",
    "PyramidLevel",
    "effective_field",
    "field_chain",
    "pyramid",
    "receptive_field",
    "pages_bytes",
    "scaling",
    "segmentation",
    "sliding_window",
    "step_sheet",
    "stylized",
    "sum_chain",
    "top_patches",
    "training_speed",
    "two_ways",
    "unit_sum",
    "weights",
]
