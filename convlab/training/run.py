"""A run: a trained network in its folder, which classifies images."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from convlab import data, display, models, random, tensor_files
from convlab.data import Scaling, to_floats
from convlab.data.folder import listed_errors, pictures_in
from convlab.data.lazy import LazyImages
from convlab.data.pictures import PictureSource, given_picture, picture_size
from convlab.errors import ConvlabError, DataError, RunError
from convlab.names import shortened
from convlab.tape import no_grad
from convlab.tensors import Tensor
from convlab.training.fit import Evaluation, evaluate
from convlab.training.run_folder import (
    CONFIG,
    FIRST,
    MODEL,
    SNAPSHOTS,
    classes_of,
    flag_of,
    history,
    preprocessing_of,
    read_config,
    settings_of,
    sizes_of,
    snapshot_name,
    spec_of,
)
from convlab.training.settings import Preprocessing, Settings, centred, centred_images
from convlab.words import t

INVERTED = "dark on light, as drawings are: inverted to light on dark"

ImageLike = np.ndarray | str | os.PathLike
"""Pixels (C, H, W) of bytes, a picture's file, "-" for standard input, or test:N of a test set."""


class Image(NamedTuple):
    """An image for a run: bytes (C, H, W), whether they were inverted, and their source.

    ``called``: what it shows, for titles; ``prepared``: what was done to the digit that was found
    on a sheet, in words; ``missing``: why there is none, with the pixels of the whole picture.
    """

    pixels: np.ndarray
    inverted: bool
    source: str
    called: str = ""
    prepared: str = ""
    missing: str = ""

    @property
    def aside(self) -> str:
        """What was done to it, to go on with a subtitle: "; inverted", or nothing."""
        if self.prepared:
            return "; digit found and centred"
        return "; no digit found" if self.missing else "; inverted" if self.inverted else ""

    @property
    def story(self) -> str:
        """What was done to it, in a line."""
        if self.prepared:
            return f"digit found: {self.prepared}"
        return self.missing or (INVERTED if self.inverted else "")

    @property
    def name(self) -> str:
        """The image, for titles."""
        return self.called or Path(self.source).name


class Answer(NamedTuple):
    """What a run says about an image: probabilities, the likeliest class first.

    They are empty for a picture on which a digit was looked for in vain.
    """

    image: Image
    probabilities: dict[str, float]

    def line(self, top: int) -> str:
        """The likeliest classes, as many as ``top``, and what was done to the image."""
        named = "  ".join(
            f"{shortened(name)} {100 * chance:.2f} %"
            for name, chance in [*self.probabilities.items()][:top]
        )
        story = self.image.story
        note = f"  ({story})" if named and story else self.image.missing
        return f"{self.image.source}: {named}{note}"

    def record(self) -> dict[str, Any]:
        """All of it by name, for JSON."""
        image = self.image
        done = {name: getattr(image, name) for name in ("inverted", "prepared", "missing")}
        return {"image": image.source, **done, "probabilities": self.probabilities}


def name_of_test_image(test: data.Dataset, number: int) -> str:
    """What a test image shows, for titles: a handwritten 7, or image 7 and its class."""
    shown = test.classes[int(test.labels[number])]
    if test.name in data.FORMS:
        return t("a handwritten {digit}", shown)
    return t("test image {number}, {shown}", number, shown)


@dataclass(frozen=True, eq=False)
class Run:
    """A trained network in a run folder, which classifies images."""

    folder: Path
    settings: Settings
    network: models.Network
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]  # of the data set; the network's input may be larger
    dark_background: bool
    scaling: Scaling
    best_epoch: int
    as_is: bool = False  # no digit is looked for on a picture
    crop: bool = False  # of a picture the middle part is taken, instead of all of it with a border

    def network_input(self, image: np.ndarray) -> np.ndarray:
        """An image of bytes (C, H, W) of the data's size as the network's input, in floats."""
        x = centred_images(image[np.newaxis], self.network.input_shape[1:])
        return np.ascontiguousarray(to_floats(x, self.scaling)[0])

    @property
    def name(self) -> str:
        """A description of the run, for a picture's subtitle."""
        if self.is_imported:
            return t("{network}, imported", self.network.name)
        return t("{network} trained on {data}", self.network.name, Path(self.settings.data).name)

    @property
    def is_imported(self) -> bool:
        """Whether the network was trained elsewhere: there are no epochs and no data set."""
        return self.settings.data == data.IMPORTED

    @property
    def weights_name(self) -> str:
        """Which weights these are: those after an epoch, or imported ones."""
        if self.is_imported:
            return t("as imported")
        return t("after epoch {best_epoch}", self.best_epoch)

    def image(self, source: ImageLike, data_dir: str | os.PathLike | None = None) -> Image:
        """An image like the run's data: of their size, and light on dark if they are.

        For a run of data.FORMS the digit is found on a picture and brought to their form, unless
        the picture already has it, or ``as_is``.

        Raises DataError for a number that the test set does not have, for a file that is not a
        picture, and for bytes whose shape is not ``image_shape``.
        """
        if isinstance(source, np.ndarray):
            if source.dtype != np.uint8 or source.shape != self.image_shape:
                raise DataError(
                    f"image: expected uint8 of shape {self.image_shape}, got {source.dtype} of"
                    f" shape {source.shape}"
                )
            return Image(source, False, "an image")
        source = os.fspath(source)
        if source.startswith("test:"):
            test = self.test_set(data_dir)
            number = source.removeprefix("test:")
            if not number.isdecimal() or len(number) > 18 or int(number) >= len(test):
                raise DataError(
                    f"image {source}: expected test:0 to test:{len(test) - 1} of {test.name}"
                )
            called = "" if self.is_imported else name_of_test_image(test, int(number))
            return Image(test.images[int(number)], False, source, called)
        given = given_picture(source)
        form = self.settings.data
        if self.as_is or form not in data.FORMS:
            return self._as_it_is(given, source)
        size = picture_size(given)
        if size == self.image_shape[1:]:
            image = self._as_it_is(given, source)
            if data.is_in_form(image.pixels[0]):
                return image
        try:
            digit = data.written_digit(data.read_sheet(given), form)
        except data.NoDigit as error:
            return self._as_it_is(given, source)._replace(missing=f"no digit found: {error}")
        pixels, inverted = digit
        channels, *side = self.image_shape
        pixels = data.fit_images(pixels[np.newaxis], (side[0], side[1]), channels)[0]
        return Image(pixels, inverted, source, prepared=data.FORMS[form])

    def datasets(
        self, data_dir: str | os.PathLike | None = None
    ) -> tuple[data.Dataset, data.Dataset]:
        """The training and the test images of its data set, in its images' size.

        Raises DataError if they are missing.
        """
        return self.settings.datasets(data_dir, self.form)

    @property
    def form(self) -> Preprocessing:
        """What its network takes: the size of images, their scaling, and how pictures are cut."""
        return Preprocessing(self.image_shape, self.scaling, self.crop)

    def test_set(self, data_dir: str | os.PathLike | None = None) -> data.Dataset:
        """The test set; for an imported network all pictures in the folder ``data_dir``.

        These have the first class as their label, for lack of another, and are read when they are
        asked for.  Raises DataError.
        """
        if not self.is_imported or data_dir is None:
            return self.datasets(data_dir)[1]
        paths = pictures_in(os.fspath(data_dir))

        def read(numbers: np.ndarray) -> np.ndarray:
            return np.stack([self._as_it_is(paths[at], paths[at]).pixels for at in numbers])

        images = cast(np.ndarray, LazyImages(read, self.image_shape, len(paths)))
        labels = np.zeros(len(paths), np.int64)
        return data.Dataset(Path(data_dir).name, "test", images, labels, self.classes)

    def of_test_images(self, count: int, of: int | None = None) -> str:
        """So many test images, or pictures of a folder, in words; perhaps ``of`` more."""
        if of not in (None, count):
            if self.is_imported:
                return t("{shown:,} of {total:,} pictures", count, of)
            return t("{shown:,} of {total:,} test images", count, of)
        if self.is_imported:
            return t("{n:,} picture", count, several="{n:,} pictures")
        return t("{n:,} test image", count, several="{n:,} test images")

    def _as_it_is(self, given: PictureSource, source: str) -> Image:
        channels, rows, columns = self.image_shape
        size = rows, columns
        pixels = data.read_picture(given, size=size, channels=channels, crop=self.crop)
        if self.dark_background:
            return Image(*data.as_dark_background(pixels), source)
        return Image(pixels, False, source)

    def predict(
        self, *images: ImageLike, data_dir: str | os.PathLike | None = None
    ) -> list[dict[str, float]]:
        """For each image the probability of every class, the likeliest first.

        Raises the same errors as ``image``, and DataError for a picture without a digit; all are
        read before the first answer.
        """
        read = [self.image(image, data_dir) for image in images]
        for image in read:
            if image.missing:
                raise DataError(f"{image.source}: {image.missing}")
        x = np.stack([self.network_input(image.pixels) for image in read])
        with no_grad():
            chances = self.network.probabilities(self.network(Tensor(x)).numpy())
        return [
            {self.classes[k]: float(row[k]) for k in np.argsort(-row, kind="stable")}
            for row in chances
        ]

    def answers(
        self, sources: Sequence[str], data_dir: str | os.PathLike | None = None
    ) -> Iterator[Answer]:
        """An answer for each image, also if no digit is found on it, and for all in a folder.

        Raises DataError after the last one, with all that could not be read.
        """
        errors = []
        for source in [path for one in sources for path in pictures_in(one)]:
            try:
                image = self.image(source, data_dir)
            except DataError as error:
                errors.append(str(error))
                continue
            yield Answer(image, {} if image.missing else self.predict(image.pixels)[0])
        if errors:
            raise DataError(listed_errors(errors))

    def evaluate(
        self, test: data.Dataset | None = None, data_dir: str | os.PathLike | None = None
    ) -> Evaluation:
        """The network's answers for images of the data's size, by default those of its test set.

        Raises DataError if that is missing.
        """
        if test is None:
            _, test = self.datasets(data_dir)
        return evaluate(self.network, centred(test, self.network.input_shape[1:]), self.scaling)

    def summary(self) -> models.SummaryTable:
        """What each layer costs and sees."""
        return self.network.summary()

    def __repr__(self) -> str:
        epoch = "" if self.is_imported else f", best epoch {self.best_epoch}"
        return f"Run({self.name}{epoch})"

    def _repr_html_(self) -> str:
        if self.is_imported:
            return f"<div>{html.escape(self.name)}</div>{self.summary()._repr_html_()}"
        accuracy = [float(value) for value in history(self.folder)["validation_accuracy"]]
        best = accuracy[self.best_epoch - 1]
        said = (
            f"{self.name}; validation accuracy {100 * best:.2f} % in epoch {self.best_epoch} of"
            f" {len(accuracy)}"
        )
        drawn = display.curve(accuracy, "validation accuracy by epoch")
        return f"<div>{html.escape(said)}</div>{drawn}{self.summary()._repr_html_()}"


def load(folder: Path | str, *, as_is: bool = False) -> Run:
    """The best network of a run; with ``as_is`` it takes pictures as they are.

    Raises RunError if the folder is not a run, or is damaged.
    """
    folder = Path(folder)
    config = read_config(folder)
    settings = settings_of(folder, config)
    arrays, metadata = _weights(folder, MODEL, config, settings)
    best_epoch = metadata.get("best_epoch", "0")
    if not re.fullmatch(r"[0-9]{1,9}", best_epoch) or int(best_epoch) > settings.epochs:
        raise RunError(
            f"{folder / MODEL}: expected the number of its epoch, got {best_epoch!r:.40}"
        )
    network = _network(folder, config, settings)
    try:
        network.load_state_dict(arrays)
        image_shape, scaling, crop = preprocessing_of(folder, config)
    except RunError:
        raise
    except ConvlabError as error:
        raise RunError(f"{folder}: the network does not fit its weights: {error}") from None
    fits = (len(scaling.scale), *image_shape[1:])
    if image_shape[0] != network.input_shape[0] or any(
        small > large for small, large in zip(fits, network.input_shape, strict=True)
    ):
        raise RunError(
            f"{folder / CONFIG}: expected images and a scaling for the network's input"
            f" {network.input_shape}, got {image_shape} and {len(scaling.scale)} channels"
        )
    return Run(
        folder,
        settings,
        network.eval(),
        classes_of(folder, config),
        image_shape,
        flag_of(folder, config, "dark_background"),
        scaling,
        int(best_epoch),
        as_is,
        crop,
    )


def snapshot_epochs(folder: Path | str) -> list[int]:
    """The epochs, from 1, whose weights the run has kept.  Raises RunError if there are none."""
    names = [path.name for path in (Path(folder) / SNAPSHOTS).glob("epoch-*.safetensors")]
    found = [re.fullmatch(r"epoch-(\d+)\.safetensors", name) for name in names]
    epochs = sorted(int(match[1]) for match in found if match)
    if not epochs:
        raise RunError(
            f"{folder}: expected a run with the weights of each epoch, it has no snapshots;"
            " train it with convlab train --snapshots (in Python: snapshots=True)"
        )
    return epochs


def snapshot(folder: Path | str, epoch: int) -> dict[str, np.ndarray]:
    """The weights after an epoch of a run with snapshots, by name; before training for epoch 0.

    Raises RunError if the run has not kept them.
    """
    if epoch == 0:
        return initial_weights(folder)
    folder = Path(folder)
    config = read_config(folder)
    return _weights(folder, snapshot_name(epoch), config, settings_of(folder, config))[0]


def initial_weights(folder: Path | str) -> dict[str, np.ndarray]:
    """The weights that a run started with, by name: kept, or drawn again from its seed.

    Raises RunError.
    """
    folder = Path(folder)
    config = read_config(folder)
    settings = settings_of(folder, config)
    if settings.data == data.IMPORTED:
        raise RunError(f"{folder}: expected a run that was trained here, got an imported network")
    if settings.start_from is not None:
        return _weights(folder, FIRST, config, settings)[0]
    before = random.get_state()
    try:
        random.manual_seed(settings.seed)
        _weights(folder, MODEL, config, settings)
        return _network(folder, config, settings).state_dict()
    finally:
        random.set_state(before)


def _network(
    folder: Path, config: dict, settings: Settings, weights: bool = True
) -> models.Network:
    """The network of a run with first weights from the current random numbers.

    Without ``weights`` they are all zero, which takes no memory.
    """
    try:
        return models.build(
            spec_of(folder, config),
            input_shape=sizes_of(folder, config["network"], "input_shape"),
            classes=len(classes_of(folder, config)),
            dropout=settings.dropout,
            weights=weights,
        )
    except RunError:
        raise
    except (ConvlabError, MemoryError) as error:
        raise RunError(f"{folder}: the network cannot be built: {error}") from None


def _weights(
    folder: Path, name: str, config: dict, settings: Settings
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """A file of the run's weights, checked against the network by names and shapes.

    A network made too large by a damaged config.json is found here, before memory is allocated.
    """
    path = folder / name
    arrays, metadata = tensor_files.read_tensors(path)
    network = _network(folder, config, settings, weights=False)
    own = network.named_state()
    wanted = {name: tensor.shape for name, tensor in own.items()}
    kinds = {name: tensor.dtype.kind for name, tensor in own.items()}
    got = {
        name: array.shape
        for name, array in arrays.items()
        if array.dtype.kind == kinds.get(name, "f")
    }
    for name in sorted(wanted.keys() | got.keys()):
        if wanted.get(name) != got.get(name):
            raise RunError(
                f"{path}: the network does not fit its weights: expected {name} of shape"
                f" {wanted.get(name)}, got {got.get(name)}"
            )
    return {name: arrays[name] for name in wanted}, metadata
