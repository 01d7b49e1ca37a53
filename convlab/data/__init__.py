"""Data sets, pictures, augmentation and batches.

Images stay bytes, (count, C, H, W), until a batch is made.  Heavy libraries
(scikit-learn, Pillow, SciPy, pooch) are imported by the functions that need
them, so that importing this package is quick.
"""

from convlab.checks import check_calls
from convlab.data.augmentation import Augmentation, Changes
from convlab.data.batches import Batches, Scaling, to_floats
from convlab.data.composed import composed_scene, composed_windows
from convlab.data.dataset import (
    Dataset,
    has_dark_background,
    limit_per_class,
    stratified_split,
)
from convlab.data.folder import read_folder
from convlab.data.handwriting import FORMS, NoDigit, is_in_form, written_digit
from convlab.data.idx import read_idx_pair
from convlab.data.own_files import read_files
from convlab.data.pictures import (
    MAX_PIXELS,
    PHOTOGRAPHS,
    as_dark_background,
    fit_images,
    photograph,
    picture_suffixes,
    read_picture,
    read_sheet,
)
from convlab.data.scenes import BACKGROUND, Scene, scene, scene_crops
from convlab.data.sources import EXPECTED, IMPORTED, NAMES, is_source, load, located, short_name

__all__ = [
    "BACKGROUND",
    "EXPECTED",
    "FORMS",
    "IMPORTED",
    "MAX_PIXELS",
    "NAMES",
    "PHOTOGRAPHS",
    "Augmentation",
    "Batches",
    "Changes",
    "Dataset",
    "NoDigit",
    "Scaling",
    "Scene",
    "as_dark_background",
    "composed_scene",
    "composed_windows",
    "fit_images",
    "has_dark_background",
    "is_in_form",
    "is_source",
    "limit_per_class",
    "load",
    "located",
    "photograph",
    "picture_suffixes",
    "read_files",
    "read_folder",
    "read_idx_pair",
    "read_picture",
    "read_sheet",
    "scene",
    "scene_crops",
    "short_name",
    "stratified_split",
    "to_floats",
    "written_digit",
]

check_calls(globals(), __all__)
