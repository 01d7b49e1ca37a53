"""Pictures: arrays in, matplotlib figures out, in one visual language."""

from convlab.viz.applied import ShownKernel, ShownResult, applied
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
from convlab.viz.feature_maps import feature_maps, journey
from convlab.viz.filters import filters
from convlab.viz.isometric import isometric
from convlab.viz.mistakes import mistakes
from convlab.viz.parameters import Example, Growth, parameters
from convlab.viz.quiz_sheet import NumberGrid, SheetExercise, quiz_sheet
from convlab.viz.receptive_field import receptive_field
from convlab.viz.sliding_window import SlidingWindow, sliding_window
from convlab.viz.step_sheet import step_sheet
from convlab.viz.style import SIZES, THEMES, Size, Theme, canvas
from convlab.viz.unit_sum import SumStep, SumTerm, unit_sum
from convlab.viz.write import animation_bytes, figure_bytes, pages_bytes

__all__ = [
    "Comparison",
    "Convention",
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
    "SumStep",
    "SumTerm",
    "Theme",
    "TrainingBar",
    "Wiring",
    "ShownKernel",
    "ShownResult",
    "animation_bytes",
    "applied",
    "canvas",
    "confusion",
    "connections",
    "conventions",
    "curves",
    "feature_maps",
    "figure_bytes",
    "filters",
    "isometric",
    "journey",
    "kernel_speed",
    "mistakes",
    "parameters",
    "quiz_sheet",
    "receptive_field",
    "pages_bytes",
    "scaling",
    "sliding_window",
    "step_sheet",
    "training_speed",
    "unit_sum",
]
