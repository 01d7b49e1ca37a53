"""Pictures: arrays in, matplotlib figures out, in one visual language."""

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
from convlab.viz.curves import curves
from convlab.viz.feature_maps import feature_maps, journey
from convlab.viz.filters import filters
from convlab.viz.isometric import isometric
from convlab.viz.mistakes import mistakes
from convlab.viz.receptive_field import receptive_field
from convlab.viz.sliding_window import SlidingWindow, sliding_window
from convlab.viz.step_sheet import step_sheet
from convlab.viz.style import SIZES, THEMES, Size, Theme, canvas
from convlab.viz.write import animation_bytes, figure_bytes, pages_bytes

__all__ = [
    "KernelPoint",
    "SIZES",
    "SlidingWindow",
    "ScalingCurve",
    "THEMES",
    "Size",
    "Theme",
    "TrainingBar",
    "Wiring",
    "animation_bytes",
    "canvas",
    "confusion",
    "connections",
    "curves",
    "feature_maps",
    "figure_bytes",
    "filters",
    "isometric",
    "journey",
    "kernel_speed",
    "mistakes",
    "receptive_field",
    "pages_bytes",
    "scaling",
    "sliding_window",
    "step_sheet",
    "training_speed",
]
