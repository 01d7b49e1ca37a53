"""Everything that determines a training, and the data and network that follow from it."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple, TypeVar, cast, get_args, get_type_hints

import numpy as np

from convlab import data, models, nn, random
from convlab.checks import shown, whole
from convlab.data import Augmentation, Dataset, Scaling
from convlab.data.lazy import LazyImages, blocks
from convlab.data.pictures import check_room
from convlab.errors import DataError, ShapeError, SpecError
from convlab.names import meant
from convlab.optim import SCHEDULES, SGD, Adam, Optimizer
from convlab.shapes import MAX_SIZE
from convlab.training import transfer
from convlab.training.frozen import Parts, last_frozen

OPTIMIZERS = ("sgd", "nesterov", "adam")

DIGITS_AUGMENTATION = "shift=2,rotate=15,scale=0.15"
"""Variations that handwriting has too, since there are few digits."""

# Kinds of settings, as errors call them.
_KINDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    type(None): "nothing",
}


class Preprocessing(NamedTuple):
    """What a network takes: images of ``image_shape`` (C, H, W), in floats by ``scaling``.

    ``crop``: of a picture the middle part is taken, instead of all of it with a border.
    """

    image_shape: tuple[int, int, int]
    scaling: Scaling
    crop: bool = False


@dataclass(frozen=True)
class Settings:
    """How to train: the options of ``convlab train`` that determine the network's bits.

    ``epochs`` and ``augment`` default to what suits the data: few images need more epochs, and
    variations of them.  ``validation`` is the share of the training images that is held out to
    choose the best epoch; the test images have no part in it.  ``rate`` None takes the default of
    the network or the optimiser.  ``limit`` is how many training images per class, including those
    held out, are used; the seed chooses them.  ``start_from`` is the folder of the run whose
    weights were taken over, except those of the last layer with weights if ``new_head``; ``freeze``
    names layers that are not trained, separated by commas; ``skip_damaged`` goes on without the
    pictures of a folder that cannot be read; ``chunks`` is in how many parts the gradient of each
    batch is computed, which is how several processes share it, see ``training.ranks``.
    Raises SpecError for a value that is not possible.
    """

    model: str = "lenet5"
    data: str = "digits"
    epochs: int = cast(int, None)
    batch_size: int = 64
    rate: float | None = None
    optimizer: str = "sgd"
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: str = "one-cycle"
    dropout: float | None = None
    augment: str = cast(str, None)
    patience: int | None = None
    validation: float = 0.1
    seed: int = 0
    limit: int | None = None
    start_from: str | None = None
    new_head: bool = False
    freeze: str | None = None
    skip_damaged: bool = False
    chunks: int = 1

    def __post_init__(self):
        few = self.data == "digits"
        for name, usual in (
            ("epochs", 60 if few else 20),
            ("augment", DIGITS_AUGMENTATION if few else "none"),
        ):
            if getattr(self, name) is None:
                object.__setattr__(self, name, usual)
        self._check_kinds()
        self._check_numbers()
        for name, known in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
            value = getattr(self, name)
            if value not in known:
                raise SpecError(
                    f"{name}: expected one of {', '.join(known)}, got {value!r}"
                    f"{meant(value, known)}"
                )
        if not 0 < self.validation < 1:
            raise SpecError(f"validation: expected a share between 0 and 1, got {self.validation}")
        if self.new_head and self.start_from is None:
            raise SpecError("new head: expected a run to start from, got none")
        Augmentation.parse(self.augment)

    def _check_kinds(self) -> None:
        for name, kind in get_type_hints(type(self)).items():
            value, kinds = getattr(self, name), get_args(kind) or (kind,)
            known = (*kinds, int) if float in kinds else kinds
            if isinstance(value, bool) != (bool in kinds) or not isinstance(value, known):
                wanted = " or ".join(_KINDS[kind] for kind in kinds)
                raise SpecError(f"{name.replace('_', ' ')}: expected {wanted}, got {value!r:.40}")
            # Also a whole number in place of a float that cannot hold it.
            most = 2**63 - 1 if name == "seed" else MAX_SIZE
            if isinstance(value, int) and value > most:
                raise SpecError(
                    f"{name.replace('_', ' ')}: expected at most {most:,}, got {shown(value)}"
                )

    def _check_numbers(self) -> None:
        for name, value, least in (
            ("epochs", self.epochs, 1),
            ("seed", self.seed, 0),
            ("patience", 1 if self.patience is None else self.patience, 1),
            ("limit", 2 if self.limit is None else self.limit, 2),
            ("chunks", self.chunks, 1),
        ):
            if value < least:
                raise SpecError(f"{name}: expected at least {least}, got {shown(value)}")
        whole(self.batch_size, "batch size", error=SpecError)
        for name, value in vars(self).items():
            if isinstance(value, float) and not math.isfinite(value):
                raise SpecError(f"{name.replace('_', ' ')}: expected a finite number, got {value}")

    def datasets(
        self,
        data_dir: str | os.PathLike | None = None,
        form: Preprocessing | None = None,
        *,
        limited: bool = False,
    ) -> tuple[Dataset, Dataset]:
        """The training and the test images, in the form that a network takes or their own; in their
        files if they are too many for the memory.

        ``limited``: those for training beyond ``limit`` need not be read.

        Raises DataError if they are missing.
        """
        shape: dict[str, Any] = {}
        if form is not None:
            channels, rows, columns = form.image_shape
            size = rows, columns
            read = partial(data.read_picture, size=size, channels=channels, crop=form.crop)
            shape = {"image_size": size, "channels": channels, "read": read}
        if limited and self.limit is not None:
            shape["limit"] = self.limit, self.seed
        return data.load(
            self.data, data_dir=data_dir, skip_damaged=self.skip_damaged, lazy=True, **shape
        )

    def to_dict(self) -> dict:
        """The settings as plain values, for JSON."""
        return dataclasses.asdict(self)


def peak_rate(settings: Settings, network: models.Network) -> float:
    """The largest learning rate: as set, or the network's own, or the optimiser's default."""
    if settings.rate is not None:
        return settings.rate
    if settings.optimizer == "adam":
        return 0.002
    return network.rate or 0.05


def optimizer(settings: Settings, network: models.Network) -> Optimizer:
    """The optimiser that the settings name, over the network's parameters that are not frozen."""
    rate = peak_rate(settings, network)
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if settings.optimizer == "adam":
        return Adam(trained, rate, weight_decay=settings.weight_decay)
    return SGD(
        trained,
        rate,
        settings.momentum,
        settings.weight_decay,
        nesterov=settings.optimizer == "nesterov",
    )


_Images = TypeVar("_Images", np.ndarray, LazyImages)


def centred_images(images: _Images, size: tuple[int, int]) -> _Images:
    """Images of bytes (N, C, H, W) in the middle of a field (rows, columns) of background, byte 0.

    As MNIST's 28 x 28 in LeNet-5's 32 x 32 (LeCun et al. 1998, section II.B).
    Raises ShapeError for a smaller field.
    """
    rows, columns = images.shape[2:]
    if (rows, columns) == tuple(size):
        return images
    if rows > size[0] or columns > size[1]:
        raise ShapeError(
            f"expected images of at most {size[0]} x {size[1]} pixels, got {rows} x {columns}"
        )
    top, left = (size[0] - rows) // 2, (size[1] - columns) // 2
    edges = ((0, 0), (0, 0), (top, size[0] - rows - top), (left, size[1] - columns - left))
    if isinstance(images, LazyImages):
        return images.changed(lambda read: np.pad(read, edges), (images.shape[1], *size))
    check_room(images.shape[0], images.shape[1], size)
    return np.pad(images, edges)


def centred(dataset: Dataset, size: tuple[int, int]) -> Dataset:
    """The data set with every image centred as in ``centred_images``."""
    return dataclasses.replace(dataset, images=centred_images(dataset.images, size))


def scaling_for(network: models.Network, train: Dataset) -> Scaling:
    """Scaling to the network's own values of background and ink, or else to mean 0 and variance
    1."""
    if network.pixels is None:
        return Scaling.standardise(train)
    return Scaling.between(*network.pixels, channels=train.image_shape[0])


@dataclass(frozen=True, eq=False)
class Task:
    """Data and network of a training, ready to run."""

    train: Dataset
    validation: Dataset
    test: Dataset
    network: models.Network
    scaling: Scaling
    image_shape: tuple[int, int, int]  # of the data, before it was centred
    dark_background: bool
    crop: bool | None = None  # of a picture, where the network has brought its preprocessing

    @cached_property
    def parts(self) -> Parts | None:
        """The network as its frozen layers and the rest, if it has some in front."""
        after = last_frozen(self.network)
        return None if after is None else Parts(self.network, after)

    def digest(self) -> str:
        """A hash of the training and validation images and labels, in their order."""
        digest = hashlib.blake2b(digest_size=16)
        for part in (self.train, self.validation):
            for block in blocks(part.images):
                digest.update(np.ascontiguousarray(block).data)
            digest.update(part.labels.data)
        return digest.hexdigest()


def prepare(
    settings: Settings,
    *,
    data_dir: str | None = None,
    spec: models.Spec | None = None,
    datasets: tuple[Dataset, Dataset] | None = None,
    preprocessing: Preprocessing | None = None,
) -> Task:
    """Load the data, hold out the validation images, build the network with the seed's weights.

    Images that are smaller than the network's input are centred in it; for larger
    ones the network is built for their size.  With ``preprocessing``, that of a network that was
    trained elsewhere, they are brought to its form and scaled as it says.  ``spec`` is the
    network's and ``datasets`` are (train, test); None reads those that the settings name.
    Raises DataError or SpecError if something is missing or does not fit.
    """
    spec = spec or models.read_spec(settings.model)
    train, test = datasets or settings.datasets(data_dir, preprocessing, limited=True)
    if settings.limit is not None:
        train = data.limit_per_class(train, settings.limit, settings.seed)
    image_shape = channels, rows, columns = train.image_shape
    dark = data.has_dark_background(train)
    _, own_rows, own_columns = models.input_shape(spec)
    size = max(rows, own_rows), max(columns, own_columns)
    try:
        train, test = centred(train, size), centred(test, size)
    except MemoryError:
        raise DataError(
            f"{settings.data}: {len(train):,} images centred in the network's {size[0]} x {size[1]}"
            " pixels are too large for this machine's memory"
        ) from None
    random.manual_seed(settings.seed)
    network = models.build(
        spec,
        input_shape=(channels, *size),
        classes=len(train.classes),
        dropout=settings.dropout,
    )
    models.check_classifies(network)
    if settings.dropout is not None and all(m.family is not nn.Family.DROPOUT for m in network):
        raise SpecError(f"dropout: expected a network with Dropout layers, {network.name} has none")
    if settings.freeze is not None:
        frozen = transfer.freeze(network, settings.freeze, new_head=settings.new_head)
        if settings.new_head and transfer.head(network) in frozen:
            raise SpecError(
                f"freeze: expected the new head, {transfer.head(network)}, to be trained"
            )
    rest, validation = data.stratified_split(train, settings.validation, settings.seed)
    if not len(validation):
        raise DataError(
            f"{settings.data}: expected two images or more of a class to train with, one of which"
            " is held out to choose the best epoch, got one in each class"
        )
    scaling = scaling_for(network, rest) if preprocessing is None else preprocessing.scaling
    crop = None if preprocessing is None else preprocessing.crop
    return Task(rest, validation, test, network, scaling, image_shape, dark, crop)
