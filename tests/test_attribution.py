"""Where a network looks: against differences, PyTorch, brute force and planted answers."""

import json
import math
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import save_file
from scipy.stats import rankdata

from convlab import Tensor, data, insight, models, no_grad, optim, random, training, viz
from convlab import functional as F
from convlab.errors import ShapeError, SpecError


def layer(kind, name=None, **settings):
    """One [[layer]] of a spec."""
    settings = {"type": kind, **({"name": name} if name else {}), **settings}
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    return "\n".join(["\n[[layer]]", *lines]) + "\n"


def build(size, *layers, classes=3, loss="cross-entropy", dtype=np.float64, seed=1):
    """A network of layers for images of a size (rows x columns x channels)."""
    random.manual_seed(seed)
    text = f'input = "{size}"\nloss = "{loss}"\n' + "".join(layers)
    return models.build_from_text(text, name="test", classes=classes).astype(dtype)


def smooth_network(**settings):
    return build(
        "7x6x2",
        layer("Conv2d", "conv", out_channels=3, kernel_size=3, padding=1),
        layer("Tanh"),
        layer("AvgPool2d", kernel_size=2, stride=1),
        layer("Flatten"),
        layer("Linear", out_features="classes"),
        **settings,
    )


def penalties_network():
    """Distances to fixed centres, as in LeNet-5 of 1998: the smallest one wins."""
    return build(
        "7x6x2",
        layer("Flatten"),
        layer("Linear", out_features=84),
        layer("ScaledTanh"),
        layer("EuclideanRBF", centres="digits-7x12"),
        classes=10,
        loss="lecun-map",
    )


def noise(network, count=None, seed=0, dtype=np.float64):
    shape = network.input_shape if count is None else (count, *network.input_shape)
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def score(network, x, target):
    """The logit of a class, or minus its penalty."""
    with no_grad():
        value = network(Tensor(x[None])).numpy()[0, target]
    return -value if network.loss == "lecun-map" else value


# --- gradients ------------------------------------------------------------------------------


@pytest.mark.parametrize("network", [smooth_network(), penalties_network()], ids=["logit", "1998"])
def test_gradients_are_central_differences_of_the_score(network):
    x, step = noise(network, 2), 1e-6
    found = insight.gradients(network, x, 2)
    assert found.shape == x.shape
    expected = np.empty_like(x)
    for index in np.ndindex(x.shape):
        image = x[index[0]].copy()
        image[index[1:]] += step
        above = score(network, image, 2)
        image[index[1:]] -= 2 * step
        expected[index] = (above - score(network, image, 2)) / (2 * step)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


def test_gradients_of_many_images_are_those_of_each():
    network = smooth_network()
    x = noise(network, 70)  # more than one batch
    together = insight.gradients(network, x, 0)
    for index in (0, 63, 64, 69):
        np.testing.assert_allclose(together[index], insight.gradients(network, x[[index]], 0)[0])


def torch_lenet5(torch, network):
    nn = torch.nn
    twin = nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    ).double()
    with torch.no_grad():
        for theirs, ours in zip(twin.parameters(), network.parameters(), strict=True):
            theirs.copy_(torch.from_numpy(ours.data))
    return twin


@pytest.fixture(scope="module")
def twins():
    """(torch, our LeNet-5 in float64, PyTorch's with the same weights, an image)."""
    torch = pytest.importorskip("torch")
    random.manual_seed(5)
    network = models.build("lenet5").astype(np.float64)
    return torch, network, torch_lenet5(torch, network), noise(network, seed=2)


def torch_gradient(torch, twin, x, target):
    point = torch.from_numpy(x[None].copy()).requires_grad_()
    twin(point)[0, target].backward()
    return point.grad[0].numpy()


def test_saliency_against_pytorch(twins):
    torch, network, twin, x = twins
    plain = torch_gradient(torch, twin, x, 7)
    found = insight.saliency(network, x, 7)
    np.testing.assert_allclose(found.values, plain, atol=1e-10)
    np.testing.assert_allclose(found.map, np.abs(plain).max(axis=0), atol=1e-10)
    assert found.score == pytest.approx(twin(torch.from_numpy(x[None]))[0, 7].item())
    assert (found.signed, found.baseline_score) == (False, None)
    found = insight.saliency(network, x, 7, "gradient-x-input")
    np.testing.assert_allclose(found.map, (plain * x).sum(axis=0), atol=1e-10)
    assert found.signed


def test_integrated_gradients_against_pytorch(twins):
    torch, network, twin, x = twins
    baseline = np.full_like(x, -0.5)
    expected = np.zeros_like(x)
    for step in range(20):
        point = baseline + (2 * step + 1) / 40 * (x - baseline)
        expected += torch_gradient(torch, twin, point, 3) / 20
    expected *= x - baseline
    found = insight.saliency(network, x, 3, "integrated-gradients", baseline=baseline, steps=20)
    np.testing.assert_allclose(found.values, expected, atol=1e-10)


@pytest.mark.parametrize("layer_name, place", [(None, 5), ("pool2", 5), ("conv1", 0), ("relu2", 4)])
def test_grad_cam_against_pytorch(twins, layer_name, place):
    torch, network, twin, x = twins
    value = torch.from_numpy(x[None])
    for index, module in enumerate(twin):
        value = module(value)
        if index == place:
            maps = value.detach().requires_grad_()
            value = maps
    value[0, 4].backward()
    alpha = maps.grad[0].mean(dim=(1, 2))
    coarse = torch.relu((alpha[:, None, None] * maps[0]).sum(dim=0)).detach()
    fine = torch.nn.functional.interpolate(
        coarse[None, None], size=x.shape[1:], mode="bilinear", align_corners=False
    )[0, 0]
    found = insight.grad_cam(network, x, 4, layer_name)
    assert found.layer == (layer_name or "pool2")
    np.testing.assert_allclose(found.weights, alpha.numpy(), atol=1e-12)
    np.testing.assert_allclose(found.coarse, coarse.numpy(), atol=1e-12)
    np.testing.assert_allclose(found.map, fine.numpy(), atol=1e-12)
    assert found.coarse.max() > 0


def test_grad_cam_of_a_network_with_branches():
    network = build(
        "6x6x1",
        layer("Conv2d", "first", out_channels=2, kernel_size=3, padding=1),
        layer("Tanh", "side"),
        layer("Add", "sum", inputs=["first", "side"]),
        layer("Flatten"),
        layer("Linear", out_features="classes"),
    )
    x = noise(network)
    (first,) = insight.trace(network, x, "first")
    weight = dict(network.named_parameters())["linear1.weight"].data[1].reshape(2, 6, 6)
    # The score is weight * (first + tanh(first)), so by hand:
    gradient = weight * (1 + 1 - np.tanh(first.array) ** 2)
    expected = np.einsum("c,chw->hw", gradient.mean(axis=(1, 2)), first.array)
    found = insight.grad_cam(network, x, 1, "first")
    np.testing.assert_allclose(found.coarse, np.maximum(expected, 0), atol=1e-12)


def test_grad_cam_takes_the_last_maps_that_have_more_than_one_unit():
    network = models.build("lenet5-1998")
    x = noise(network, dtype=np.float32)
    # c5 and its squashing are 1 x 1; before them stand 5 x 5.
    found = insight.grad_cam(network, x, 0)
    assert found.coarse.shape == (5, 5) and found.map.shape == (32, 32)
    with pytest.raises(SpecError) as caught:
        insight.grad_cam(models.build("dense"), noise(models.build("dense")), 0)
    assert str(caught.value) == "Grad-CAM: dense has no layer with feature maps"


@pytest.mark.parametrize("name", ["lenet5", "lenet5-1998", "dense"])
def test_integrated_gradients_add_up_to_the_difference_of_the_scores(name):
    random.manual_seed(2)
    network = models.build(name)
    x, black = noise(network, dtype=np.float32), np.full(network.input_shape, -0.4, np.float32)
    found = insight.saliency(network, x, 6, "integrated-gradients", baseline=black)
    gain = score(network, x, 6) - score(network, black, 6)
    assert abs(gain) > 0.1
    assert found.map.sum() == pytest.approx(gain, rel=0.01)
    assert found.score - found.baseline_score == pytest.approx(gain, rel=1e-4)


def test_smooth_is_the_mean_gradient_of_noisy_copies():
    network = smooth_network()
    x = noise(network)
    plain = insight.saliency(network, x, 1)
    still = insight.saliency(
        network, x, 1, "smooth", smoothing=insight.Smoothing(noise=0.0, samples=3)
    )
    np.testing.assert_allclose(still.values, plain.values, atol=1e-12)
    one = insight.saliency(network, x, 1, "smooth", smoothing=insight.Smoothing(seed=4))
    same = insight.saliency(network, x, 1, "smooth", smoothing=insight.Smoothing(seed=4))
    other = insight.saliency(network, x, 1, "smooth", smoothing=insight.Smoothing(seed=5))
    np.testing.assert_array_equal(one.values, same.values)
    assert not np.allclose(one.values, other.values)
    # With more and more samples both go to the same mean.
    many = [
        insight.saliency(network, x, 1, "smooth", smoothing=insight.Smoothing(2000, seed=s))
        for s in (4, 5)
    ]
    near, far = (
        np.abs(first.values - second.values).mean() for first, second in (many, (one, other))
    )
    assert near < far / 3


# --- occlusion ------------------------------------------------------------------------------


def test_occlusion_by_brute_force():
    network = smooth_network()
    x, cover = noise(network), np.array([0.3, -0.2])
    patch, stride, target = (3, 2), (2, 2), 1
    found = insight.occlusion(network, x, target, patch, stride, cover)

    def probability(image):
        with no_grad():
            logits = network(Tensor(image[None])).numpy()[0]
        return (np.exp(logits) / np.exp(logits).sum())[target]

    # 7 rows: patches from 0, 2 and 4; 6 columns: from 0, 2 and 4.
    total, count = np.zeros((7, 6)), np.zeros((7, 6))
    for row, top in enumerate((0, 2, 4)):
        for column, left in enumerate((0, 2, 4)):
            image = x.copy()
            for channel in range(2):
                image[channel, top : top + 3, left : left + 2] = cover[channel]
            drop = probability(x) - probability(image)
            assert found.drops[row, column] == pytest.approx(drop, abs=1e-12)
            total[top : top + 3, left : left + 2] += drop
            count[top : top + 3, left : left + 2] += 1
    np.testing.assert_allclose(found.map, total / count, atol=1e-12)
    assert found.probability == pytest.approx(probability(x))


def test_the_last_patches_end_at_the_border():
    network = smooth_network()
    found = insight.occlusion(network, noise(network), 0, (4, 5), (2, 3))
    assert (found.tops.tolist(), found.lefts.tolist()) == ([0, 2, 3], [0, 1])
    assert np.isfinite(found.map).all()
    whole = insight.occlusion(network, noise(network), 0, (7, 6), (7, 6))
    assert whole.drops.shape == (1, 1)


# --- a pixel that decides -------------------------------------------------------------------

DECIDES = (2, 5)


@pytest.fixture(scope="module")
def pixel():
    """(network, scaling, images) that learned whether one pixel of noise is white."""
    generator = np.random.default_rng(0)
    images = (255 * generator.integers(0, 2, (512, 1, 8, 8))).astype(np.uint8)
    labels = (images[:, 0, DECIDES[0], DECIDES[1]] > 0).astype(np.int64)
    network = build(
        "8x8x1",
        layer("Conv2d", "conv", out_channels=4, kernel_size=3, padding=1),
        layer("ReLU"),
        layer("Flatten"),
        layer("Linear", out_features="classes"),
        classes=2,
        dtype=np.float32,
    )
    scaling = data.Scaling.between(-1, 1)
    x = data.to_floats(images, scaling)
    optimizer = optim.Adam(network.parameters(), 0.01)
    for _ in range(80):
        network.zero_grad()
        F.cross_entropy(network(Tensor(x)), labels).backward()
        optimizer.step()
    assert (insight.probabilities(network, x).argmax(axis=1) == labels).all()
    return network, scaling, images[:12]


@pytest.mark.parametrize("method", ["gradient", "integrated-gradients", "smooth"])
def test_saliency_finds_the_pixel_that_decides(pixel, method):
    network, scaling, images = pixel
    for x in data.to_floats(images, scaling):
        target = int(x[0, DECIDES[0], DECIDES[1]] > 0)
        # From grey: a black pixel is then evidence too.
        found = insight.saliency(network, x, target, method, baseline=np.zeros_like(x))
        assert np.unravel_index(np.abs(found.map).argmax(), (8, 8)) == DECIDES
        if found.signed:
            assert found.map[DECIDES] > 0


def test_occlusion_finds_the_pixel_that_decides(pixel):
    network, scaling, images = pixel
    for x in data.to_floats(images, scaling):
        target = int(x[0, DECIDES[0], DECIDES[1]] > 0)
        found = insight.occlusion(network, x, target, (1, 1), (1, 1), -x[0, DECIDES[0], DECIDES[1]])
        assert np.unravel_index(found.map.argmax(), (8, 8)) == DECIDES
        assert found.map[DECIDES] > 0.5


def test_random_weights_do_not_find_it(pixel):
    network, scaling, images = pixel
    untrained = insight.randomised(network, 1)
    right, alike = 0, []
    for x in data.to_floats(images, scaling):
        trained = insight.saliency(network, x, 1).map
        drawn = insight.saliency(untrained, x, 1).map
        right += np.unravel_index(drawn.argmax(), (8, 8)) == DECIDES
        alike.append(insight.similarity(trained, drawn))
    assert right <= 2 and np.abs(alike).max() < 0.6


def test_maximise_and_top_patches_find_the_pixel_that_decides(pixel):
    network, scaling, images = pixel
    made = insight.maximise(
        network, "linear1", [0, 1], scaling, insight.Ascent(shift=0, blur=0, steps=100)
    )
    assert made.images[0, 0][DECIDES] == 0 and made.images[1, 0][DECIDES] == 255
    white, black = images[:, 0, DECIDES[0], DECIDES[1]] > 0, images[:, 0, 2, 5] == 0
    rows = insight.top_patches(network, "linear1", [0, 1], images, scaling, 3)
    assert all(black[patch.image] for patch in rows[0])
    assert all(white[patch.image] for patch in rows[1])


# --- the network with random weights ----------------------------------------------------------


def test_randomised_draws_the_same_architecture_by_its_seed_alone():
    random.manual_seed(9)
    network = models.build("lenet5-1998")
    before = random.get_state()
    one, same, other = (insight.randomised(network, seed) for seed in (3, 3, 4))
    assert random.get_state() == before
    for name, value in one.state_dict().items():
        assert value.shape == network.state_dict()[name].shape
        np.testing.assert_array_equal(value, same.state_dict()[name])
    weights = [net.state_dict()["c1.weight"] for net in (network, one, other)]
    assert not np.allclose(weights[0], weights[1]) and not np.allclose(weights[1], weights[2])
    random.manual_seed(3)
    np.testing.assert_array_equal(models.build("lenet5-1998").state_dict()["c1.weight"], weights[1])


def test_similarity_is_the_correlation_of_the_ranks_of_magnitudes():
    first, second = np.random.default_rng(0).normal(size=(2, 6, 7))
    first[:2], second[1:3] = 0, 0  # ties
    ranks = [rankdata(np.abs(array).ravel()) for array in (first, second)]
    expected = np.corrcoef(*ranks)[0, 1]
    assert insight.similarity(first, second) == pytest.approx(expected, abs=1e-12)
    assert insight.similarity(-first, second) == pytest.approx(expected, abs=1e-12)
    assert insight.similarity(first, 2 * first**3) == pytest.approx(1)
    assert math.isnan(insight.similarity(first, np.ones((6, 7))))
    assert math.isnan(insight.similarity(np.zeros(0), np.zeros(0)))
    with pytest.raises(ShapeError, match="two maps of one shape"):
        insight.similarity(first, second.T)


def test_nothing_leaves_a_trace_in_the_network():
    network = smooth_network(dtype=np.float32).train()
    network.parameters()[0].requires_grad = False
    before = network.state_dict()
    scaling = data.Scaling.between(-1, 1, 2)
    x = noise(network, dtype=np.float32)
    images = np.zeros((2, *network.input_shape), np.uint8)
    insight.saliency(network, x, 0, "smooth", smoothing=insight.Smoothing(samples=2))
    insight.occlusion(network, x, 0, (7, 6), (7, 6))
    insight.grad_cam(network, x, 0)
    insight.maximise(network, "conv", [0], scaling, insight.Ascent(steps=2))
    insight.top_patches(network, "conv", [0], images, scaling, 1)
    with pytest.raises(SpecError):
        insight.grad_cam(network, x, 0, "nosuch")
    assert network.training and all(module.training for module in network)
    assert [p.requires_grad for p in network.parameters()] == [False, True, True, True]
    assert all(p.grad is None for p in network.parameters())
    for name, value in network.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


# --- activation maximisation ------------------------------------------------------------------


def test_maximise_reaches_the_largest_answer_of_a_convolution():
    network = build(
        "9x9x2",
        layer("Conv2d", "conv", out_channels=3, kernel_size=[3, 5], padding=[1, 2]),
        layer("Flatten"),
        layer("Linear", out_features="classes"),
        dtype=np.float32,
    )
    scaling = data.Scaling((0.01, 0.02), (-1.0, -2.0))
    weight = network["conv"].weight.data.astype(np.float64)
    made = insight.maximise(
        network, "conv", [2, 0], scaling, insight.Ascent(shift=0, decay=0, blur=0, rate=9)
    )
    # The middle of 9 x 9 is 4,4; three rows and five columns around it.
    assert (made.unit, made.box) == ((4, 4), (3, 2, 6, 7))
    black, white = np.array([-1.0, -2.0]), np.array([1.55, 3.1])
    for image, value, unit in zip(made.images, made.values, (2, 0), strict=True):
        best = np.where(weight[unit] > 0, 255, 0)
        np.testing.assert_array_equal(image[:, 3:6, 2:7], best)
        pixels = np.where(weight[unit] > 0, white[:, None, None], black[:, None, None])
        assert value == pytest.approx((weight[unit] * pixels).sum(), rel=1e-5)
    assert (made.values > made.started).all()


def test_maximise_is_decided_by_its_seed_and_a_unit_by_itself():
    network, scaling = models.build("lenet5"), data.Scaling.between(-1, 1)
    settings = insight.Ascent(steps=10, seed=3)
    two = insight.maximise(network, "conv2", [4, 7], scaling, settings)
    one = insight.maximise(network, "conv2", [7], scaling, settings)
    np.testing.assert_array_equal(two.images[1], one.images[0])
    assert two.values[1] == one.values[0]
    other = insight.maximise(network, "conv2", [7], scaling, insight.Ascent(steps=10, seed=4))
    assert (other.images != one.images).any()
    # What is said is what the engine gives for the very image that is shown.
    x = data.to_floats(one.images, scaling)[0]
    (activation,) = insight.trace(network, x, "conv2")
    assert one.values[0] == pytest.approx(activation.array[7, 5, 5], rel=1e-5)


def test_decay_leads_to_darker_images_than_none():
    network, scaling = models.build("lenet5"), data.Scaling.between(0, 1)
    light, dark = (
        insight.maximise(
            network, "fc3", [0], scaling, insight.Ascent(40, decay=decay)
        ).images.mean()
        for decay in (0, 0.1)
    )
    assert dark < light


def test_a_step_of_maximise_is_the_smoothed_and_mixed_gradient_of_one_size():
    network = build(
        "9x8x2",
        layer("Conv2d", "conv", out_channels=2, kernel_size=3),
        layer("Flatten"),
        layer("Linear", out_features="classes"),
        dtype=np.float32,
    )
    scaling = data.Scaling((0.01, 0.01), (-1.275, -1.275))
    colours = np.array([[1.0, 0.75], [0.75, 1.0]])
    settings = {"steps": 1, "rate": 0.02, "decay": 0, "shift": 0, "seed": 4}
    made = insight.maximise(
        network, "conv", [1], scaling, insight.Ascent(blur=1.5, **settings), colours=colours
    ).images[0]
    noise = np.random.default_rng([4, 2]).standard_normal((2, 9, 8)) * 0.255
    # The unit 3,3 of 7 x 6 sees rows 3 to 5 and columns 3 to 5.
    gradient = np.zeros((2, 9, 8))
    gradient[:, 3:6, 3:6] = network["conv"].weight.data[1]
    apart = np.arange(-8, 9)
    bell = np.exp(-0.5 * (apart / 1.5) ** 2) * (np.abs(apart) <= 6)
    bell /= bell.sum()
    rows, columns = (
        np.array([[bell[8 + i - j] for j in range(length)] for i in range(length)])
        for length in (9, 8)
    )
    smooth = colours @ (rows @ gradient @ columns).reshape(2, -1)
    step = smooth.reshape(2, 9, 8) * 0.02 * 2.55 / np.sqrt((smooth**2).sum() / (2 * 3 * 3))
    expected = (noise + step).clip(-1.275, 1.275) * 100 + 127.5
    assert np.abs(made - expected).max() < 0.51


def test_channels_correlate_as_numpy_says():
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (7, 3, 5, 4)).astype(np.uint8)
    images[:, 1] = images[:, 0] // 2 + images[:, 2] // 3
    flat = np.moveaxis(images, 1, 0).reshape(3, -1)
    np.testing.assert_allclose(insight.channel_correlation(images), np.corrcoef(flat), atol=1e-12)
    images[:, 2] = 9
    found = insight.channel_correlation(images)
    np.testing.assert_array_equal(found[2], [0, 0, 1])
    assert found[0, 1] == pytest.approx(np.corrcoef(flat[:2])[0, 1])


def test_maximise_of_penalties_makes_them_small():
    network = penalties_network().astype(np.float32)
    scaling = data.Scaling.between(-1, 1, 2)
    made = insight.maximise(network, "euclideanrbf1", [3], scaling, insight.Ascent(shift=0))
    assert made.started[0] < made.values[0] <= 0
    x = data.to_floats(made.images, scaling)[0]
    assert made.values[0] == pytest.approx(score(network, x, 3), rel=1e-4)


# --- top patches ------------------------------------------------------------------------------


def test_top_patches_by_brute_force():
    random.manual_seed(0)
    network, scaling = models.build("lenet5"), data.Scaling.between(-1, 1)
    images = np.random.default_rng(3).integers(0, 256, (70, 1, 28, 28)).astype(np.uint8)
    maps = np.stack(
        [
            insight.trace(network, data.to_floats(i[None], scaling)[0], "conv2")[0].array
            for i in images
        ]
    )
    rows = insight.top_patches(network, "conv2", [5, 2], images, scaling, 4)
    for unit, row in zip((5, 2), rows, strict=True):
        best = maps[:, unit].max(axis=(1, 2))
        order = sorted(range(70), key=lambda image: -best[image])[:4]
        assert [patch.image for patch in row] == order
        for patch in row:
            assert patch.value == pytest.approx(best[patch.image], rel=1e-5)
            assert maps[(patch.image, unit, *patch.unit)] == best[patch.image]
            assert patch.box == insight.unit_field(network, "conv2", patch.unit).box


def test_the_patch_is_where_the_planted_blob_is():
    network = build(
        "12x12x1",
        layer("Conv2d", "conv", out_channels=1, kernel_size=3, padding=1),
        layer("Flatten"),
        layer("Linear", out_features="classes"),
        dtype=np.float32,
    )
    network["conv"].weight.data[:] = 1
    images = np.zeros((5, 1, 12, 12), np.uint8)
    images[3, 0, 6:9, 2:5] = 200
    images[1, 0, 0:2, 10:12] = 255
    first, second = insight.top_patches(
        network, "conv", [0], images, data.Scaling.between(0, 1), 2
    )[0]
    assert (first.image, first.unit, first.box) == (3, (7, 3), (6, 2, 9, 5))
    assert first.value == pytest.approx(9 * 200 / 255)
    # Four pixels at the corner: several units see all of them, the first one counts.
    assert second.image == 1 and second.value == pytest.approx(4)
    assert second.unit == (0, 10) and second.box == (-1, 9, 2, 12)


def test_which_layers_stand_at_a_relu():
    network = build(
        "8x8x1",
        layer("Conv2d", "first", out_channels=2, kernel_size=3),
        layer("MaxPool2d", "pool", kernel_size=2),
        layer("ReLU", "relu"),
        layer("AvgPool2d", "mean", kernel_size=3),
        layer("Flatten", "flat"),
        layer("Linear", "wide", out_features=4),
        layer("Tanh", "tanh"),
        layer("Linear", "last", out_features="classes"),
    )
    at = ["first", "pool", "relu", "mean", "flat"]
    rows = [name for name, _, _, _ in network.shapes()]
    assert [name for name in rows if insight.behind_relu(network, name)] == at
    # Where anything else reads a layer too, what is below 0 is not lost.
    network = build(
        "6x6x1",
        layer("Conv2d", "first", out_channels=2, kernel_size=3),
        layer("ReLU", "relu"),
        layer("Add", "sum", inputs=["first", "relu"]),
        layer("Flatten"),
        layer("Linear", out_features="classes"),
    )
    assert not insight.behind_relu(network, "first") and insight.behind_relu(network, "relu")
    assert not insight.behind_relu(network, "sum")


def test_equal_answers_come_in_the_order_of_the_images():
    network = models.build("dense")
    images = np.zeros((9, 1, 28, 28), np.uint8)
    row = insight.top_patches(network, "fc3", [1], images, data.Scaling.between(0, 1), 20)[0]
    assert [patch.image for patch in row] == list(range(9))
    assert {(patch.unit, patch.box) for patch in row} == {(None, (0, 0, 28, 28))}


# --- what is refused --------------------------------------------------------------------------

LENET5, GREY = models.build("lenet5"), data.Scaling.between(0, 1)
X = np.zeros((1, 28, 28), np.float32)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (
            lambda: insight.saliency(LENET5, X, 0, "magic"),
            SpecError,
            "method: expected one of gradient, gradient-x-input, integrated-gradients, smooth,"
            " got 'magic'",
        ),
        (lambda: insight.saliency(LENET5, X, 10), SpecError, "class: expected 0 to 9, got 10"),
        (
            lambda: insight.saliency(LENET5, X[:, 1:], 0),
            ShapeError,
            "expected an image of shape (1, 28, 28), got (1, 27, 28)",
        ),
        (
            lambda: insight.saliency(LENET5, X, 0, "integrated-gradients", steps=0),
            SpecError,
            "saliency: expected at least 1 step, got 0",
        ),
        (lambda: insight.Smoothing(0), SpecError, "samples: expected at least 1, got 0"),
        (
            lambda: insight.Smoothing(noise=math.nan),
            SpecError,
            "noise: expected a share of at least 0, got nan",
        ),
        (
            lambda: insight.saliency(LENET5, X, 0, baseline=X[0]),
            ShapeError,
            "baseline: expected the shape (1, 28, 28), got (28, 28)",
        ),
        (
            lambda: insight.occlusion(LENET5, X, 0, (29, 3), (1, 1)),
            ShapeError,
            "patch: expected 1 × 1 to 28 × 28 pixels, got 29 × 3",
        ),
        (
            lambda: insight.occlusion(LENET5, X, 0, (4, 4), (2, 5)),
            ShapeError,
            "stride: expected 1 × 1 to 4 × 4 pixels, so that no pixel is left out, got 2 × 5",
        ),
        (
            lambda: insight.grad_cam(LENET5, X, 0, "fc1"),
            SpecError,
            "layer: expected one with feature maps, conv1, relu1, pool1, conv2, relu2, pool2,"
            " got 'fc1'",
        ),
        (
            lambda: insight.maximise(LENET5, "conv9", [0], GREY),
            SpecError,
            "layer: expected one of conv1, relu1, pool1, conv2, relu2, pool2, flatten1, fc1,"
            " relu3, fc2, relu4, fc3, got 'conv9'; did you mean conv2?",
        ),
        (
            lambda: insight.maximise(LENET5, "conv2", [3, 16], GREY),
            SpecError,
            "unit: expected 0 to 15 of conv2, got 16",
        ),
        (
            lambda: insight.Ascent(rate=0),
            SpecError,
            "rate: expected a finite number above 0, got 0",
        ),
        (
            lambda: insight.Ascent(blur=math.inf),
            SpecError,
            "blur: expected pixels of at least 0, got inf",
        ),
        (
            lambda: insight.maximise(LENET5, "conv2", [0], GREY, colours=np.eye(3)),
            ShapeError,
            "colours: expected (1, 1), got (3, 3)",
        ),
        (
            lambda: insight.channel_correlation(np.zeros((0, 3, 2, 2))),
            ShapeError,
            "expected images (N, C, H, W), got (0, 3, 2, 2)",
        ),
        (
            lambda: insight.Ascent(steps=0),
            SpecError,
            "steps: expected at least 1, got 0",
        ),
        (
            lambda: insight.top_patches(LENET5, "fc3", [-1], np.zeros((1, 1, 28, 28)), GREY),
            SpecError,
            "unit: expected 0 to 9 of fc3, got -1",
        ),
        (
            lambda: insight.top_patches(LENET5, "fc3", [0], np.zeros((0, 1, 28, 28)), GREY),
            ShapeError,
            "expected at least one image (N, 1, 28, 28), got (0, 1, 28, 28)",
        ),
    ],
)
def test_what_is_refused(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


# --- figures ----------------------------------------------------------------------------------

LONG = "a class with quite a long name"
LOOKS = [("slide", "light"), ("small", "dark"), ("paper", "light"), ("paper-wide", "transparent")]
FACTS = [
    ("map", "magnitude of the mean gradient of minus the penalty of 4 by 50 copies with noise"),
    ("probability", "7 1.000, with random weights 0.123"),
    ("likeness", "0.23, the rank correlation; near 1 the map does not depend on what was learned"),
]


def pixels(*shape):
    return np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)


def signed(*shape):
    return np.random.default_rng(2).normal(size=shape)


def looked_at(shape, maps=2, magnitude=1.0, **more):
    rows, columns = shape[1:]
    names = ["trained", "random weights", "a third one"][:maps]
    arrays = [(name, magnitude * signed(rows, columns)) for name in names]
    notes = [("", False), ("answer 4 (0.782), wrong", True), *[(f"answer {LONG}", False)] * 2]
    usual = {
        "signed": True,
        "ends": ("against 4", "for 4"),
        "notes": notes[: 1 + maps],
        "facts": FACTS,
    }
    return viz.attribution, (pixels(*shape), arrays), usual | more


def excited(count, shape=(1, 14, 14), box=(0, 0, 14, 14), name="map {}"):
    names = [name.format(index) for index in range(count)]
    answers = 10 * signed(2, count)
    more = {"never": answers[1] < 0, "facts": FACTS[:1]}
    return viz.maximise, (pixels(count, *shape), box, names, *answers), more


def patched(units, each, shape=(1, 28, 28), box=(4, 4, 18, 18), name="map {}"):
    images = [[pixels(*shape)] * each] * units
    names = [name.format(index) for index in range(units)]
    more = {"facts": [("never fires", f"{LONG}, {LONG}, {LONG}")]} if units > 3 else {}
    return viz.top_patches, (images, [[box] * each] * units, signed(units, each), names), more


CASES = {
    "digit": looked_at((1, 28, 28)),
    "magnitudes": looked_at((1, 28, 28), signed=False),
    "over": looked_at((3, 32, 32), signed=False, over=True),
    "alone": looked_at((1, 28, 28), maps=1, facts=[]),
    "three": looked_at((1, 28, 28), maps=3),
    "wide": looked_at((1, 6, 60), magnitude=1e-7),
    "tall": looked_at((3, 60, 6), magnitude=1e-7),
    "large": looked_at((3, 224, 224), signed=False),
    "one-pixel": looked_at((1, 1, 1)),
    "zeros": looked_at((1, 8, 8), magnitude=0.0, over=True, signed=False),
    "nan": looked_at((1, 8, 8), magnitude=math.nan),
    "long-ends": looked_at((1, 28, 28), ends=(f"against {LONG}", f"for {LONG}")),
    "no-ends": looked_at((1, 60, 6), ends=("", ""), notes=(), magnitude=1e-7),
    "long-facts": looked_at((1, 28, 28), facts=[("probability", f"{LONG} {LONG} {LONG}")] * 3),
    "excited-1": excited(1),
    "excited-16": excited(16),
    "excited-16-of-3x3": excited(16, box=(4, 4, 7, 7)),
    "excited-10-classes": excited(10, (3, 32, 32), (0, 0, 32, 32), LONG),
    "excited-60": excited(60),
    "excited-padded": excited(4, box=(-3, -2, 9, 20)),
    "excited-wide": excited(5, (1, 4, 40), (0, 0, 4, 40)),
    "patches-1": patched(1, 1),
    "patches-16": patched(16, 6),
    "patches-3x30": patched(3, 30),
    "patches-40": patched(40, 4, name=LONG),
    "patches-padded": patched(6, 6, (3, 32, 32), (-5, 20, 23, 48)),
    "patches-outside": patched(2, 3, box=(-9, -9, -2, -2)),
    "patches-wide": patched(4, 5, (1, 8, 60), (0, 0, 8, 60)),
    "patches-tall": patched(4, 5, (1, 60, 8), (0, 0, 60, 8)),
}


@pytest.mark.sample(14)
@pytest.mark.parametrize("name", CASES)
def test_figures_are_legible(name, assert_legible):
    function, arrays, more = CASES[name]
    # A slide, and the other sizes in turn.
    others = LOOKS[1:]
    for size, theme in (LOOKS[0], others[list(CASES).index(name) % 3]):
        look = {"title": "Saliency of test:3 for 4: gradient", "size": size, "theme": theme}
        look["subtitle"] = "run lenet5-digits, lenet5 trained on digits; steps 200, rate 0.02"
        assert_legible(function(*arrays, **(look | more)), size)


def texts(figure, boxes_of):
    return [text.get_text() for text, _ in boxes_of(figure)]


def test_a_figure_says_its_numbers(boxes_of):
    map_ = np.array([[0.5, -2.0], [0.0, 1.0]])
    figure = viz.attribution(
        pixels(1, 2, 2), [("trained", map_)], signed=True, title="T", facts=[("sum", "−0.5")]
    )
    assert texts(figure, boxes_of) == ["T", "sum", "−0.5", "input", "trained", "−2", "2", "0"]
    figure = viz.maximise(
        pixels(2, 1, 3, 3), (0, 0, 3, 3), ["map 4", "map 7"], [3.0, -1.5], [2.25, 0], title="T"
    )
    expected = ["map 4", "made 3", "real 2.25", "map 7", "made −1.5", "real 0"]
    assert texts(figure, boxes_of)[1:] == expected
    figure = viz.top_patches(
        [[pixels(1, 3, 3)] * 2], [[(0, 0, 2, 2)] * 2], [[4, 3]], ["A"], title="T"
    )
    assert texts(figure, boxes_of)[1:] == ["A", "4", "3"]


def test_a_figure_says_what_its_scales_mean(boxes_of):
    values = np.array([[0.5, -2.0], [0.0, 1.0]])
    notes = [("true class 3", False), ("answer 5 (0.6), wrong", True), ("answer 1 (0.2)", False)]
    maps = [("trained", values), ("random weights", np.zeros((2, 2)))]
    figure = viz.attribution(
        pixels(1, 2, 2),
        maps,
        signed=True,
        ends=("against 5", "for 5"),
        notes=notes,
        title="T",
        subtitle="a run",
    )
    said = texts(figure, boxes_of)
    assert "a run, each map on its own scale" in said
    # One of the maps is constant: it has no scale, and so no ends.
    assert [said.count(text) for text in ("against 5", "for 5", "0 everywhere")] == [1, 1, 1]
    assert {text for text, _ in notes} <= {*said}
    colours = {text.get_text(): text.get_color() for text, _ in boxes_of(figure)}
    assert colours[notes[1][0]] == viz.style.theme_named("light").mistake
    assert colours[notes[2][0]] != colours[notes[1][0]]
    alone = viz.attribution(pixels(1, 2, 2), maps[:1], signed=True, title="T", subtitle="a run")
    assert "a run" in texts(alone, boxes_of)
    over = viz.attribution(
        pixels(1, 2, 2), [("trained", np.full((2, 2), math.nan))], signed=False, title="T"
    )
    assert "no finite number" in texts(over, boxes_of)


def test_a_small_page_leaves_out_the_last_facts(boxes_of):
    function, arrays, more = CASES["digit"]
    more = more | {"facts": [*FACTS, ("more", LONG * 3), ("last", LONG * 3)], "title": "T"}
    labels = [
        {"map", "probability", "likeness", "more", "last"}
        & {*texts(function(*arrays, **more, size=size), boxes_of)}
        for size in ("slide", "small")
    ]
    assert len(labels[0]) == 5 and {"map"} <= labels[1] < labels[0] and "last" not in labels[1]


def test_units_that_never_fire_are_said_to(boxes_of):
    images = pixels(2, 1, 3, 3)
    figure = viz.maximise(
        images, (0, 0, 3, 3), ["a", "b"], [3, 1], [2, -4], never=[False, True], title="T"
    )
    assert texts(figure, boxes_of)[1:] == ["a", "made 3", "real 2", "b", "made 1", "never fires"]


def test_too_many_units_are_said_to_be_left_out(boxes_of):
    function, arrays, more = CASES["patches-40"]
    figure = function(*arrays, title="T", size="small", **more)
    assert any("of these 40" in text for text in texts(figure, boxes_of))


def test_too_many_patches_are_left_out_with_their_answers(boxes_of):
    images, boxes = [[pixels(1, 3, 3)] * 40] * 2, [[(0, 0, 2, 2)] * 40] * 2
    values = [np.arange(100, 140), np.arange(200, 240)]
    said = texts(viz.top_patches(images, boxes, values, ["A", "B"], title="T"), boxes_of)
    first, second = said.index("A"), said.index("B")
    count = second - first - 1
    assert 1 < count < 40 and f"first {count} of 40 patches" in said
    assert said[first + 1 : second] == [str(100 + at) for at in range(count)]
    assert said[second + 1 :] == [str(200 + at) for at in range(count)]


def test_patches_that_fit_are_all_shown(boxes_of):
    function, arrays, more = patched(16, 5)
    figure = function(*arrays, title="T", subtitle="a run", **more)
    assert "a run" in texts(figure, boxes_of)
    assert len(shown_rgb(figure)) == 16 * 5


def shown_rgb(figure):
    return [image.get_array() for axes in figure.axes for image in axes.images]


def test_zero_is_the_ground_and_where_a_map_is_zero_the_image_stays():
    image = np.array([[[0, 255], [100, 100]]], np.uint8)
    map_ = np.array([[0.0, 1.0], [0.0, 0.5]])
    figure = viz.attribution(image, [("trained", map_)], signed=True, title="T", theme="dark")
    np.testing.assert_array_equal(shown_rgb(figure)[1][0, 0], (0x12, 0x17, 0x1D))
    figure = viz.attribution(image, [("trained", map_)], signed=False, over=True, title="T")
    over = shown_rgb(figure)[1].astype(int)
    assert np.ptp(over[0, 0]) == np.ptp(over[1, 0]) == 0  # grey
    assert over[0, 0, 0] < over[1, 0, 0] < 100  # dimmed, so that the glow stands out
    # A glow of the scale's yellow: the larger, the more red than blue.
    assert over[0, 1, 0] - over[0, 1, 2] > over[1, 1, 0] - over[1, 1, 2] > 20


def test_a_patch_outside_the_image_is_padding():
    image = np.full((1, 4, 4), 200, np.uint8)
    figure = viz.top_patches([[image]], [[(-1, 2, 2, 5)]], [[1.0]], ["A"], title="T")
    (inside,) = shown_rgb(figure)
    assert inside.shape[:2] == (2, 2)  # rows 0 and 1, columns 2 and 3 of the box's 3 x 3


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: viz.attribution(pixels(1, 3, 3), [], signed=True, title=""),
            "expected at least one map, got none",
        ),
        (
            lambda: viz.attribution(
                pixels(1, 3, 3), [("a", np.ones((3, 4)))], signed=True, title=""
            ),
            r"expected maps \(3, 3\) as the image, got \(3, 4\)",
        ),
        (
            lambda: viz.attribution(
                pixels(1, 2, 2), [("a", np.ones((2, 2)))], signed=True, notes=[("x", 0)], title=""
            ),
            "expected 2 notes, got 1",
        ),
        (
            lambda: viz.maximise(pixels(1, 3, 3), (0, 0, 1, 1), ["a"], [1], [1], title=""),
            r"expected M images \(C, H, W\)",
        ),
        (
            lambda: viz.top_patches([[]], [[]], np.zeros((1, 0)), ["a"], title=""),
            r"expected values \(units, images\)",
        ),
        (
            lambda: viz.top_patches(
                [[pixels(1, 3, 3)] * 2], [[(0, 0, 2, 2), (0, 0, 1, 1)]], [[1, 2]], ["a"], title=""
            ),
            "expected boxes of one size",
        ),
    ],
)
def test_what_the_figures_refuse(call, message):
    with pytest.raises(ShapeError, match=message):
        call()


# --- commands ---------------------------------------------------------------------------------


def test_saliency_command(convlab, run):
    arguments = ("--method", "integrated-gradients", "--target", "3", "--json-file", "s.json")
    out = convlab.works("render", "saliency", run, "test:3", *arguments)
    assert out == "wrote saliency.png\n"
    record = json.loads((convlab.folder / "s.json").read_text())
    assert record["parameters"]["target"] == "3" and record["parameters"]["steps"] == 128
    trained, (_, test) = training.load(run), data.load("digits")
    assert record["parameters"]["true class"] == str(test.labels[3])
    x = np.array(record["inputs"]["network input"], np.float32)
    black = trained.network_input(np.zeros((1, 28, 28), np.uint8))
    for name, network in (
        ("trained", trained.network),
        ("random weights", insight.randomised(trained.network, trained.settings.seed + 1)),
    ):
        found = insight.saliency(network, x, 3, "integrated-gradients", baseline=black)
        np.testing.assert_allclose(record["result"][name]["map"], found.map, atol=1e-6)
        chances = np.exp(network(Tensor(x[None])).numpy()[0].astype(np.float64))
        chances /= chances.sum()
        kept = record["result"][name]
        assert kept["answer"] == trained.classes[chances.argmax()]
        assert kept["probability of the answer"] == pytest.approx(chances.max(), rel=1e-4)
    maps = [np.array(record["result"][name]["map"]) for name in ("trained", "random weights")]
    alike = record["result"]["likeness"]
    assert alike["rank correlation"] == pytest.approx(insight.similarity(*maps), abs=1e-6)
    assert alike["where not both are 0"] < alike["rank correlation"]


def test_grad_cam_command(convlab, run):
    out = convlab.works("render", "grad-cam", run, "test:0", "--no-sanity", "--alt")
    assert "Grad-CAM of a handwritten " in out and "random" not in out
    _, test = data.load("digits")
    network = training.load(run)
    chances = insight.probabilities(network.network, network.network_input(test.images[0])[None])[0]
    answer = int(chances.argmax())
    wrong = ", wrong" if answer != test.labels[0] else ""
    assert f"true class {test.labels[0]}; answer {answer} ({chances[answer]:.3f}){wrong};" in out


def invoke(*words):
    """What a command prints, or the error that it ends with, without a process of its own."""
    from convlab_cli.render import command

    result = CliRunner().invoke(command, [str(word) for word in words])
    return result.output if result.exit_code in (0, 2) else str(result.exception)


def test_occlusion_command(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = invoke("occlusion", run, "test:0", "--patch", "7x4", "--json-file", "o.json", "--alt")
    assert "patches over a pixel, 7 × 4 of the background, stride 3 × 2" in out
    assert "near 1 the map shows nothing that was learned" in out
    assert (tmp_path / "occlusion.png").exists()
    record = json.loads((tmp_path / "o.json").read_text())
    assert record["parameters"]["cover"] == [0]
    trained = training.load(run)
    x = np.array(record["inputs"]["network input"], np.float32)
    target = trained.classes.index(record["parameters"]["target"])
    assert target == insight.probabilities(trained.network, x[None])[0].argmax()
    black = trained.network_input(np.zeros((1, 28, 28), np.uint8))[0, 0, 0]
    found = insight.occlusion(trained.network, x, target, (7, 4), (3, 2), black)
    np.testing.assert_allclose(record["result"]["trained"]["drops"], found.drops, atol=1e-6)


def test_maximise_and_top_patches_commands(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ("--layer", "conv2", "--unit", 3, "--unit", 0, "--json-file", "m.json")
    out = invoke("maximise", run, *arguments, "--steps", 5)
    assert out == "wrote maximise.png\n"
    record = json.loads((tmp_path / "m.json").read_text())
    assert record["parameters"]["units"] == [3, 0]
    assert np.shape(record["result"]["images"]) == (2, 1, 28, 28)
    natural = record["result"]["largest in the data"]
    assert record["result"]["never fires"] == [most <= 0 for most in natural]
    out = invoke("top-patches", run, *arguments, "--patches", 4)
    assert out == "wrote top-patches.png\n"
    record = json.loads((tmp_path / "m.json").read_text())
    best = record["result"]["map 3"]
    assert len(best) == 4 and len({patch["image"] for patch in best}) == 4
    assert best[0]["activation"] == pytest.approx(natural[0])
    few = invoke("top-patches", run, "--images", 50, "--alt")
    assert "best of the first 50 of 360 test images" in few


def test_top_patches_leaves_out_what_never_fires(run, tmp_path, monkeypatch):
    silent = training.load(run)
    weights = silent.network.state_dict()
    weights["conv2.bias"][[1, 2]] = -1e3
    folder = tmp_path / "silent"
    shutil.copytree(run, folder)
    save_file(weights, folder / "model.safetensors", {"best_epoch": "1"})
    monkeypatch.chdir(tmp_path)
    words = ("--unit", 0, "--unit", 1, "--unit", 2, "--images", 40, "--alt")
    out = invoke("top-patches", folder, "--layer", "relu2", *words, "-o", "t.svg")
    assert "map 1 never fires, at most 0; map 2 never fires, at most 0." in out
    drawn = (tmp_path / "t.svg").read_text()
    assert "map 1, map 2: 0 on all of these images" in drawn and ">map 1<" not in drawn
    assert ">map 0<" in drawn
    out = invoke("top-patches", folder, "--unit", 1, "--images", 40, "-o", "t.svg")
    drawn = (tmp_path / "t.svg").read_text()
    assert ">map 1<" in drawn and "above 0 on none of these images" in drawn
    out = invoke("maximise", folder, *words, "--steps", 2, "-o", "t.svg")
    assert "map 1 made" in out and out.count("never fires") == 3


@pytest.mark.parametrize(
    "words",
    [
        *[(name, "lenet5", "test:0") for name in ("saliency", "occlusion", "grad-cam")],
        *[(name, "lenet5") for name in ("embedding", "maximise", "top-patches")],
    ],
    ids=lambda words: words[0],
)
def test_a_network_without_training_is_to_be_trained_first(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert invoke(*words) == (
        "lenet5: expected the folder of a run, got a network's name; train it first:"
        " convlab train --model lenet5"
    )
    (tmp_path / "my net.toml").write_text("")
    assert invoke(words[0], "my net.toml", *words[2:]) == (
        "my net.toml: expected the folder of a run, got a network's spec; train it first:"
        " convlab train --model 'my net.toml'"
    )


def test_what_the_commands_refuse(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words, message in [
        (
            ("saliency", run, "test:0", "--target", "cat"),
            "target: expected predicted or one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, got 'cat'",
        ),
        (
            ("saliency", run, "test:0", "--samples", 5),
            "Invalid value for --samples: the method gradient has no such setting",
        ),
        (("occlusion", run, "test:0", "--value", "256"), "background or a number from 0 to 255"),
        (("occlusion", run, "test:0", "--patch", 29), "patch: expected 1 × 1 to 28 × 28 pixels"),
        (("occlusion", run, "test:0", "--patch", 2, "--stride", 3), "no pixel is left out"),
        (("grad-cam", run, "test:0", "--layer", "fc1"), "expected one with feature maps, conv1"),
        (("maximise", run, "--unit", "16"), "unit: expected 0 to 15 of conv2, got 16"),
        (("top-patches", run, "--layer", "nosuch"), "layer: expected one of conv1, relu1"),
        (("embedding", run, "--images", 1), "1 is not in the range 4<=x<=65535"),
        (("saliency", "nosuch", "test:0"), "nosuch: expected the folder of a run with a config"),
    ]:
        assert message in " ".join(invoke(*words).split()), words
    assert list(tmp_path.iterdir()) == []
