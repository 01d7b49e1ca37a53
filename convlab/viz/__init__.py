"""Pictures: arrays in, matplotlib figures out, in one visual language."""

from convlab.comparison import Comparison, Convention
from convlab.equations import ChainLink, SumStep, SumTerm
from convlab.folding import DrawnLayer, Skip
from convlab.histograms import WeightNumbers
from convlab.viz.activations import ActivationCurve, activations
from convlab.viz.applied import applied
from convlab.viz.applied_tiles import ShownKernel, ShownResult
from convlab.viz.architecture import architecture
from convlab.viz.attribution import attribution
from convlab.viz.confusion import confusion
from convlab.viz.connection_table import connection_table
from convlab.viz.connections import connections
from convlab.viz.conventions import conventions
from convlab.viz.costs import LayerCost, costs
from convlab.viz.curves import curves
from convlab.viz.detections import detections
from convlab.viz.effective_field import effective_field
from convlab.viz.embedding import embedding
from convlab.viz.equivariance import equivariance
from convlab.viz.experiment import MeasuredRow, measured_rows
from convlab.viz.feature_maps import feature_maps
from convlab.viz.field_chain import field_chain
from convlab.viz.field_growth import FieldLine, field_growth
from convlab.viz.filters import filters
from convlab.viz.flatten import flatten
from convlab.viz.invariance import invariance
from convlab.viz.isometric import isometric
from convlab.viz.journey import journey
from convlab.viz.kernel_speed import kernel_speed
from convlab.viz.ladder import LadderStep, ladder
from convlab.viz.learned_kernels import KernelColumn, learned_kernels
from convlab.viz.line_panels import LinePanel, MeasuredLine, line_panels, measured_lines
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
from convlab.viz.receptive_field import receptive_field
from convlab.viz.roofline import KernelPoint
from convlab.viz.scaling import ScalingCurve, scaling
from convlab.viz.segmentation import segmentation
from convlab.viz.sliding_window import sliding_window
from convlab.viz.step_sheet import step_sheet
from convlab.viz.style import SIZES, THEMES, Size, Theme, blank_figure
from convlab.viz.stylized import stylized
from convlab.viz.sum_chain import sum_chain
from convlab.viz.top_patches import top_patches
from convlab.viz.training_speed import TrainingBar, training_speed
from convlab.viz.two_ways import two_ways
from convlab.viz.unit_sum import unit_sum
from convlab.viz.usage import CentredKernel, ReadPixels, usage
from convlab.viz.weights import weights
from convlab.viz.write import animation_bytes, figure_bytes, pages_bytes
from convlab.window_step import SlidingWindow
from convlab.wiring import Wiring

__all__ = [
    "ActivationCurve",
    "CentredKernel",
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
    "ReadPixels",
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
    "flatten",
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
    "usage",
    "weights",
]
