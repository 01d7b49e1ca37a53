"""Data sets, pictures, augmentation and batches.

Images stay bytes, (count, C, H, W), until a batch is made.  Heavy libraries
(scikit-learn, Pillow, SciPy, pooch) are imported by the functions that need
them, so that importing this package is quick.
"""

from convlab.checks import check_calls
from convlab.data.augmentation import Augmentation
from convlab.data.batches import Batches, Scaling, to_floats
from convlab.data.dataset import Dataset, limit_per_class, stratified_split
from convlab.data.folder import read_folder
from convlab.data.idx import read_idx_pair
from convlab.data.pictures import (
    MAX_PIXELS,
    PHOTOGRAPHS,
    PICTURE_SUFFIXES,
    as_dark_background,
    fit_images,
    photograph,
    read_picture,
)
from convlab.data.scenes import BACKGROUND, Scene, scene, scene_crops
from convlab.data.sources import NAMES, load, located

__all__ = [
    "BACKGROUND",
    "MAX_PIXELS",
    "NAMES",
    "PHOTOGRAPHS",
    "PICTURE_SUFFIXES",
    "Augmentation",
    "Batches",
    "Dataset",
    "Scaling",
    "Scene",
    "as_dark_background",
    "fit_images",
    "limit_per_class",
    "load",
    "located",
    "photograph",
    "read_folder",
    "read_idx_pair",
    "read_picture",
    "scene",
    "scene_crops",
    "stratified_split",
    "to_floats",
]

check_calls(globals(), __all__)
