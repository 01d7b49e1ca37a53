"""Pictures: arrays in, matplotlib figures out, in one visual language."""

from convlab.comparison import Comparison, Convention
from convlab.equations import ChainLink, SumStep, SumTerm
from convlab.folding import DrawnLayer, Skip
from convlab.histograms import WeightNumbers
from convlab.viz.album import augmented, mistakes
from convlab.viz.all_reduce import ReducingRank, all_reduce
from convlab.viz.any_size import SizedImage, any_size
from convlab.viz.applied import SmallImage, applied, downsized
from convlab.viz.applied_detail import Errors
from convlab.viz.applied_tiles import ShownKernel, ShownResult
from convlab.viz.architecture import architecture
from convlab.viz.channel_sum import ChannelRow, channel_sum
from convlab.viz.colours import ColourRow, colours
from convlab.viz.connections import connections
from convlab.viz.conventions import conventions
from convlab.viz.convolution_1d import SlidSignals, convolution_1d
from convlab.viz.curves import (
    ActivationCurve,
    FieldLine,
    RateCurve,
    activations,
    curves,
    field_growth,
    invariance,
    neighbours,
    rate_curves,
)
from convlab.viz.descent import DescentPath, descent
from convlab.viz.dropout import MaskedUnits, dropout
from convlab.viz.embedding import embedding
from convlab.viz.equivariance import equivariance, two_ways
from convlab.viz.experiment import (
    KernelColumn,
    LinePanel,
    MeasuredLine,
    MeasuredRow,
    learned_kernels,
    line_panels,
    measured_columns,
    measured_lines,
    measured_rows,
)
from convlab.viz.feature_maps import feature_maps
from convlab.viz.fields import effective_field, field_chain, receptive_field
from convlab.viz.film import FILM, Film, film_bytes, pixels_of
from convlab.viz.film import SUFFIXES as FILMS
from convlab.viz.film_stamp import ShownStamp, stamp_film
from convlab.viz.film_window import window_film
from convlab.viz.filters import filters
from convlab.viz.grid_rows import ShownGrid, grid_rows
from convlab.viz.groups import GroupedLayers, groups
from convlab.viz.image_maps import attribution, detections, segmentation, stylized
from convlab.viz.isometric import isometric
from convlab.viz.journey import journey
from convlab.viz.ladder import LadderStep, ladder
from convlab.viz.measured_cells import MOST as MOST_CELLS
from convlab.viz.measured_cells import measured_cells
from convlab.viz.padding import CentredKernel, ReadPixels, padding_modes, usage
from convlab.viz.page import Page
from convlab.viz.parameters import Example, Growth, parameters
from convlab.viz.patches import Depth, hierarchy, maximise, top_patches
from convlab.viz.photo_window import PhotoWindow, photo_film, photo_window
from convlab.viz.pixels import channels, flatten, pixel_numbers
from convlab.viz.pyramid import PyramidLevel, pyramid
from convlab.viz.quiz_grids import NumberGrid
from convlab.viz.quiz_sheet import KeySection, SheetExercise, quiz_key, quiz_sheet
from convlab.viz.roofline import KernelPoint, kernel_speed
from convlab.viz.scaling import ScalingCurve, scaling
from convlab.viz.sliding_window import sliding_window
from convlab.viz.sprites import ease
from convlab.viz.style import SIZES, THEMES, Size, Theme, blank_figure
from convlab.viz.sum_chain import sum_chain
from convlab.viz.table import MeasuredColumn
from convlab.viz.tables import LayerCost, confusion, connection_table, costs
from convlab.viz.training_speed import TrainingBar, training_speed
from convlab.viz.unit_sum import unit_sum
from convlab.viz.volumes import volumes
from convlab.viz.weights import weights
from convlab.viz.window_grids import step_sheet
from convlab.viz.write import MOVING, STILL, animation_bytes, figure_bytes, pages_bytes
from convlab.window_step import SlidingWindow
from convlab.wiring import Wiring
