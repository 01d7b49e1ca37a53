"""Segmentation: the encoder-decoder, the loss of pixels, shares of pixels, folder and command."""

import json

import numpy as np
import pytest
from PIL import Image

from convlab import Tensor, data, models, nn, no_grad, tasks, training, viz
from convlab.errors import DataError, RunError, ShapeError, SpecError

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


@pytest.fixture(scope="module")
def segmenter(digits):
    """A network that ``history`` trains for two steps: its numbers are no good, but there."""
    settings = tasks.SegmentationSettings(steps=2, batch_size=4)
    return tasks.new_segmenter(settings, digits[0])


@pytest.fixture(scope="module")
def history(segmenter, digits):
    return list(tasks.train_segmenter(segmenter, digits[0], every=1))


# --- the network and its loss ---------------------------------------------------------------


def test_the_network_answers_for_every_pixel():
    network = models.encoder_decoder((16, 24), 5, (4, 6, 8), (7, 3))
    assert network.shapes()[-1][3] == (5, 16, 24)
    with no_grad():
        assert network(Tensor(np.zeros((2, 1, 32, 8), np.float32))).shape == (2, 5, 32, 8)
    # Kernels of 5 x 5 down, 3 x 3 in the middle, 2 x 2 up, and 3 x 3 over the 3 + 4 maps.
    down = (25 * 1 * 4 + 4) + (25 * 4 * 6 + 6) + (25 * 6 * 8 + 8) + (9 * 8 * 8 + 8)
    up = (4 * 8 * 7 + 7) + (4 * 7 * 3 + 3)
    assert network.parameter_count() == down + up + (9 * 7 * 5 + 5)


def test_only_the_skip_sees_the_full_size():
    network = models.encoder_decoder((16, 16), 3, (4, 6), (4,))
    assert network.sources()["skip"] == ("relu_up1", "relu1")
    for name, layer in network.named_children():
        if isinstance(layer, nn.ConvTranspose2d):
            layer.weight.data[:] = 0  # nothing comes from below
            layer.bias.data[:] = 0
            assert name == "up1"
    image = np.zeros((1, 1, 16, 16), np.float32)
    image[0, 0, 8, 8] = 1
    with no_grad():
        answer = network(Tensor(image)).numpy() - network(Tensor(0 * image)).numpy()
    rows = np.flatnonzero(np.abs(answer[0]).max(axis=(0, 2)) > 1e-7)
    # A convolution of 5 x 5 and one of 3 x 3: three pixels on each side.
    assert (rows.min(), rows.max()) == (5, 11)


def test_pixel_loss_is_the_mean_over_all_pixels():
    logits = RNG.standard_normal((3, 4, 5, 6))
    mask = RNG.integers(0, 4, (3, 5, 6))
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances = shifted / shifted.sum(axis=1, keepdims=True)
    right = np.take_along_axis(chances, mask[:, None], 1)
    tensor = Tensor(logits, requires_grad=True)
    loss = tasks.pixel_loss(tensor, mask)
    assert loss.item() == pytest.approx(-np.log(right).mean())
    loss.backward()
    wanted = chances - np.eye(4)[mask].transpose(0, 3, 1, 2)
    np.testing.assert_allclose(tensor.grad, wanted / mask.size, atol=1e-12)


@pytest.mark.parametrize("background", [1.0, 0.2])
def test_pixel_loss_against_pytorch(background):
    torch = pytest.importorskip("torch")
    logits = RNG.standard_normal((2, 3, 4, 4)).astype(np.float32)
    mask = RNG.integers(0, 3, (2, 4, 4))
    wanted = torch.nn.functional.cross_entropy(
        torch.tensor(logits), torch.tensor(mask), torch.tensor([background, 1.0, 1.0])
    )
    loss = tasks.pixel_loss(Tensor(logits), mask, background)
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-5)


# --- shares of pixels -----------------------------------------------------------------------


def test_shares_by_counting():
    truth, answers = RNG.integers(0, 4, (2, 6, 20, 20))
    answers = np.where(RNG.random(truth.shape) < 0.5, truth, answers)
    confusion = tasks.pixel_confusion(truth, answers, 5)
    shares = tasks.intersection_over_union(confusion)
    for k in range(4):
        both = ((truth == k) & (answers == k)).sum()
        assert shares[k] == both / ((truth == k) | (answers == k)).sum()
    assert np.isnan(shares[4])  # neither there nor answered
    assert tasks.pixel_accuracy(confusion) == (truth == answers).mean()
    assert confusion[1, 2] == ((truth == 1) & (answers == 2)).sum()


def test_shares_worked_by_hand():
    # Background 6 of 8 pixels, one called 1; class 1 2 pixels, one called background.
    confusion = np.array([[5, 1], [1, 1]])
    np.testing.assert_allclose(tasks.intersection_over_union(confusion), [5 / 7, 1 / 3])
    assert tasks.pixel_accuracy(confusion) == 6 / 8


def test_regions_are_named_and_small_ones_are_not():
    mask = np.zeros((20, 30), int)
    mask[4:9, 2:6] = 3
    mask[10:12, 20:22] = 1
    assert tasks.regions(mask, ("background", "0", "1", "2")) == [("2", 4, 9, 4.0)]


# --- training -------------------------------------------------------------------------------


def test_training_yields_records(segmenter, history):
    assert [record.step for record in history] == [1, 2]
    first = history[0]
    assert first.loss > 0 and 0 <= first.accuracy <= 1 and first.seconds > 0
    assert segmenter.classes == (data.BACKGROUND, *"0123456789")


def test_the_same_seed_gives_the_same_weights(segmenter, history, digits):
    again = tasks.new_segmenter(segmenter.settings, digits[0])
    for _ in tasks.train_segmenter(again, digits[0]):
        pass
    for name, values in segmenter.network.state_dict().items():
        np.testing.assert_array_equal(again.network.state_dict()[name], values)


def test_pictures_of_any_size_keep_theirs(segmenter):
    images = RNG.integers(0, 255, (2, 1, 37, 50), dtype=np.uint8)
    assert segmenter.answers(images).shape == (2, 37, 50)


def test_settings_that_cannot_be():
    with pytest.raises(SpecError, match="steps: expected a whole number of at least 1, got 0"):
        tasks.SegmentationSettings(steps=0)
    with pytest.raises(SpecError, match="rate: expected a number above 0, got -1"):
        tasks.SegmentationSettings(rate=-1)


@pytest.mark.parametrize("classes, level", [(("a", data.BACKGROUND), 0), (("a", "b"), 255)])
def test_data_that_make_no_scenes(classes, level):
    images = np.full((4, 1, 28, 28), level, np.uint8)
    some = data.Dataset("some", "train", images, np.zeros(4, np.int64), classes)
    with pytest.raises(DataError, match="some: expected grey images of single digits"):
        tasks.new_segmenter(tasks.SegmentationSettings(), some)


def test_its_folder(segmenter, history, digits, tmp_path):
    folder = tmp_path / "run"
    tasks.save_segmenter(folder, segmenter, history)
    again = tasks.load_segmenter(folder)
    images = tasks.segmentation_scene(digits[1], 3).image[None]
    np.testing.assert_array_equal(again.answers(images), segmenter.answers(images))
    assert (folder / "history.csv").read_text().splitlines()[0] == "step,loss,accuracy,rate,seconds"
    (folder / "model.safetensors").write_bytes(b"no")
    with pytest.raises(RunError, match="cannot be read"):
        tasks.load_segmenter(folder)
    with pytest.raises(RunError, match="expected the folder that convlab segment train wrote"):
        tasks.load_segmenter(tmp_path)
    # And the commands of classifiers say what they got.
    with pytest.raises(RunError, match="convlab segment"):
        training.load(folder)


# --- the picture and the command ------------------------------------------------------------

CLASSES = (data.BACKGROUND, *"0123456789")


@pytest.mark.parametrize("size", ["slide", "small", "animation", "paper", "paper-wide"])
@pytest.mark.parametrize("theme, panels", [("light", 2), ("dark", 1)])
def test_the_picture_is_legible(assert_legible, size, theme, panels):
    masks = RNG.integers(0, 11, (panels, 64, 64))
    marks = [(str(k), 6.0 * k, 6.0 * k + 5, 6.0 * k) for k in range(10)] + [("9", 0, 64, 0)]
    figure = viz.segmentation(
        RNG.integers(0, 255, (1, 64, 64), dtype=np.uint8),
        [(name, mask, marks) for name, mask in zip(("truth", "answer"), masks, strict=False)],
        CLASSES,
        facts=[("pixels", "94.43 % right"), ("IoU", "background 0.99, 3 0.81, 7 0.66 " * 4)],
        title="Segmentation of scene:3",
        subtitle="run segment-digits, encoder-decoder trained on scenes of digits; 64 × 64",
        theme=theme,
        size=size,
    )
    assert_legible(figure, size)


def test_the_picture_refuses():
    image = np.zeros((1, 8, 8), np.uint8)
    for mask, message in (
        (np.zeros((8, 7), int), "as the image"),
        (np.full((8, 8), 11), "0 to 10"),
    ):
        with pytest.raises(ShapeError, match=message):
            viz.segmentation(image, [("answer", mask, [])], CLASSES, title="t")


def test_segment_from_the_terminal(convlab, segmenter, history, digits):
    tasks.save_segmenter(convlab.folder / "r", segmenter, history)
    out = convlab.works("segment", "predict", "r", "scene:2", "--json-file", "n.json")
    assert out.startswith("pixels: ") and out.endswith("wrote segmented.png\n")
    with Image.open(convlab.folder / "segmented.png") as picture:
        assert picture.size == (1600, 900)
    numbers = json.loads((convlab.folder / "n.json").read_text())["result"]
    shown = tasks.segmentation_scene(digits[1], 2)
    np.testing.assert_array_equal(numbers["truth"], shown.mask)
    np.testing.assert_array_equal(numbers["answer"], segmenter.answers(shown.image[None])[0])


def test_segment_refuses(convlab):
    assert "expected the folder that convlab segment train wrote" in convlab.fails(
        "segment", "predict", "nosuch", "scene:1"
    )
    assert list(convlab.folder.iterdir()) == []


@pytest.mark.slow
def test_it_learns_to_tell_ink_from_its_ground(digits):
    settings = tasks.SegmentationSettings(steps=120)
    made = tasks.new_segmenter(settings, digits[0])
    *_, last = tasks.train_segmenter(made, digits[0])
    assert last.accuracy > 0.9
    shares = tasks.intersection_over_union(tasks.evaluate_segmenter(made, digits[1], 20))
    assert shares[0] > 0.9
