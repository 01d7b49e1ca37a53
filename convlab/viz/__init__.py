"""Pictures: arrays in, matplotlib figures out, in one visual language."""

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
from convlab.viz.connections import Wiring, connections
from convlab.viz.conventions import Comparison, Convention, conventions
from convlab.viz.curves import curves
from convlab.viz.embedding import embedding
from convlab.viz.equivariance import equivariance, two_ways
from convlab.viz.feature_maps import feature_maps, journey
from convlab.viz.filters import filters
from convlab.viz.invariance import invariance
from convlab.viz.isometric import isometric
from convlab.viz.maximise import maximise
from convlab.viz.mistakes import mistakes
from convlab.viz.parameters import Example, Growth, parameters
from convlab.viz.pyramid import PyramidLevel, pyramid
from convlab.viz.quiz_sheet import NumberGrid, SheetExercise, quiz_sheet
from convlab.viz.receptive_field import effective_field, field_chain, receptive_field
from convlab.viz.sliding_window import SlidingWindow, sliding_window
from convlab.viz.step_sheet import step_sheet
from convlab.viz.style import SIZES, THEMES, Size, Theme, canvas
from convlab.viz.sum_chain import ChainLink, sum_chain
from convlab.viz.top_patches import top_patches
from convlab.viz.unit_sum import SumStep, SumTerm, unit_sum
from convlab.viz.weights import WeightNumbers, weights
from convlab.viz.write import animation_bytes, figure_bytes, pages_bytes

__all__ = [
    "ChainLink",
    "Comparison",
    "Convention",
    "DrawnLayer",
    "Example",
    "Growth",
    "KernelPoint",
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
    "animation_bytes",
    "applied",
    "architecture",
    "attribution",
    "canvas",
    "confusion",
    "connections",
    "conventions",
    "curves",
    "embedding",
    "equivariance",
    "feature_maps",
    "figure_bytes",
    "filters",
    "invariance",
    "isometric",
    "journey",
    "kernel_speed",
    "maximise",
    "mistakes",
    "parameters",
    "quiz_sheet",
    "PyramidLevel",
    "effective_field",
    "field_chain",
    "pyramid",
    "receptive_field",
    "pages_bytes",
    "scaling",
    "sliding_window",
    "step_sheet",
    "sum_chain",
    "top_patches",
    "training_speed",
    "two_ways",
    "unit_sum",
    "weights",
]
