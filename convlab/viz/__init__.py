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
from convlab.viz.curves import curves
from convlab.viz.feature_maps import feature_maps, journey
from convlab.viz.filters import filters
from convlab.viz.mistakes import mistakes
from convlab.viz.receptive_field import receptive_field
from convlab.viz.style import SIZES, THEMES, Size, Theme, canvas
from convlab.viz.write import figure_bytes

__all__ = [
    "KernelPoint",
    "SIZES",
    "ScalingCurve",
    "THEMES",
    "Size",
    "Theme",
    "TrainingBar",
    "canvas",
    "confusion",
    "curves",
    "feature_maps",
    "figure_bytes",
    "filters",
    "journey",
    "kernel_speed",
    "mistakes",
    "receptive_field",
    "scaling",
    "training_speed",
]
