"""The chain of units behind a class, beside the same worked out in plain NumPy and SciPy."""

import numpy as np
import pytest
from scipy.signal import correlate

from convlab import Tensor, data, insight, models, pictures
from convlab.errors import ShapeError, SpecError


def maps(x, weight, bias, padding):
    """A convolution of maps x (C, H, W) by SciPy."""
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    return np.stack([correlate(x, w, "valid")[0] + b for w, b in zip(weight, bias, strict=True)])


def pooled(x):
    """ReLU, then the largest of each 2 × 2 window, and where (row, column) it came from."""
    x = np.maximum(x, 0)
    count, rows, columns = x.shape
    windows = x.reshape(count, rows // 2, 2, columns // 2, 2).swapaxes(2, 3)
    windows = windows.reshape(count, rows // 2, columns // 2, 4)
    best = windows.argmax(3)
    down, right = np.indices(best.shape[1:])
    return windows.max(3), np.stack([2 * down + best // 2, 2 * right + best % 2], -1)


@pytest.fixture(scope="module")
def by_hand(tiny):
    """The chain behind the answer to test:3: (unit, value, added, sum) of both convolutions."""
    p = {name: a.astype(float) for name, a in tiny.network.state_dict().items()}
    x = tiny.network_input(tiny.image("test:3").pixels).astype(float)
    conv1 = maps(x, p["conv1.weight"], p["conv1.bias"], 2)
    pool1, from1 = pooled(conv1)
    conv2 = maps(pool1, p["conv2.weight"], p["conv2.bias"], 0)
    pool2, from2 = pooled(conv2)
    row, value, biases = pool2.ravel(), pool2.ravel(), []
    jacobian = np.eye(len(row))
    for name in ("fc1", "fc2", "fc3"):
        weight, bias = p[f"{name}.weight"], p[f"{name}.bias"]
        value, jacobian = weight @ value + bias, weight @ jacobian
        biases = [weight @ one for one in biases] + [bias]
        if name != "fc3":
            on = value > 0
            value, jacobian = value * on, jacobian * on[:, None]
            biases = [one * on for one in biases]
    target = int(value.argmax())
    added = (jacobian[target] * row).reshape(pool2.shape)
    m, r, c = np.unravel_index(added.argmax(), added.shape)
    unit2 = (m, *from2[m, r, c])
    second = unit2, conv2[unit2], added.max(), added.sum()
    of_biases = sum(one[target] for one in biases)
    _, r, c = unit2
    terms = p["conv2.weight"][m] * pool1[:, r : r + 5, c : c + 5]
    i, down, right = np.unravel_index(terms.argmax(), terms.shape)
    unit1 = (i, *from1[i, r + down, c + right])
    first = unit1, conv1[unit1], terms.max(), terms.sum()
    return target, value[target], of_biases, first, second


def test_each_unit_is_the_one_that_adds_most(tiny, by_hand):
    target, logit, of_biases, *units = by_hand
    x = tiny.network_input(tiny.image("test:3").pixels)
    *chain, last = insight.hierarchy(tiny.network, x, target)
    for link, name, (unit, value, added, total) in zip(
        chain, ("conv1", "conv2"), units, strict=True
    ):
        assert (link.layer, link.unit, link.adds_up) == (name, unit, True)
        assert (link.value, link.added, link.sum) == pytest.approx((value, added, total), rel=1e-4)
    assert (last.layer, last.unit, last.added) == ("fc3", (target,), None)
    assert last.value == pytest.approx(logit, rel=1e-4)
    # Everything that is not a unit's is a bias's.
    assert chain[1].sum + of_biases == pytest.approx(last.value, rel=1e-4)
    bias = tiny.network.state_dict()["conv2.bias"][chain[1].unit[0]]
    assert chain[0].sum + bias == pytest.approx(chain[1].value, rel=1e-4)


def test_the_picture_says_so(tiny, by_hand):
    _, _, _, (unit, value, added, _), (_, second, _, _) = by_hand
    made = pictures.hierarchy(tiny, "test:3", images=12, patches=2, steps=3)
    first, *_, last = made.result["chain"]
    assert first["unit"] == unit
    assert first["box"] == (unit[1] - 2, unit[2] - 2, unit[1] + 3, unit[2] + 3)
    assert f"adds ≈{added:.3g} of ≈{second:.3g}" in made.alt
    assert f"value ≈{value:.3g}" in made.alt
    twelve = data.load("digits")[1].images[:12]
    outputs = insight.largest(tiny.network, "conv1", [unit[0]], twelve, tiny.scaling)[0][:, 0]
    assert [patch["activation"] for patch in first["patches"]] == sorted(outputs)[:-3:-1]
    assert last["box"] == (0, 0, 28, 28)


def test_units_of_several_layers_climb_and_are_searched_as_each_alone(tiny):
    units = [("conv2", 5), ("fc3", 2), ("conv1", 0)]
    ascent = insight.Ascent(steps=6)
    network, scaling = tiny.network, tiny.scaling
    images = data.load("digits")[1].images[:20]
    made = insight.maximise_each(network, units, scaling, ascent)
    best = insight.top_patches_each(network, units, images, scaling, 3)
    for one, patches, (layer, unit) in zip(made, best, units, strict=True):
        alone = insight.maximise(network, layer, [unit], scaling, ascent)
        assert (one.unit, one.box) == (alone.unit, alone.box)
        assert np.abs(one.images.astype(int) - alone.images).max() <= 1
        np.testing.assert_allclose(one.values, alone.values, rtol=1e-2)
        assert patches == insight.top_patches(network, layer, [unit], images, scaling, 3)[0]


def test_penalties_and_bends_do_not_add_up():
    network = models.build("lenet5-1998")
    x = np.random.default_rng(0).normal(size=(1, 32, 32)).astype(np.float32)
    *chain, last = insight.hierarchy(network, x, 3)
    assert [link.layer for link in chain] == ["c1", "c3", "c5"]
    assert not any(link.adds_up for link in chain)
    assert min(link.value for link in chain) > 0
    output = network(Tensor(x[None])).numpy()[0, 3]
    assert last.value == pytest.approx(-output, rel=1e-5)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"layers": ["nosuch"]}, SpecError, "expected one with feature maps"),
        ({"layers": ["fc1"]}, SpecError, "expected one with feature maps"),
        ({"layers": ["conv1"] * 6}, SpecError, "layers: expected at most 5, got 6"),
        ({"target": "cat"}, SpecError, "target: expected predicted or one of"),
        ({"images": 0}, SpecError, "images: expected at least 1"),
        ({"image": "test:99999"}, Exception, "expected test:0 to test:359"),
    ],
)
def test_what_there_is_not(tiny, given, error, message):
    settings = {"image": "test:3", "steps": 1, "images": 2} | given
    with pytest.raises(error, match=message):
        pictures.hierarchy(tiny, **settings)


def test_a_network_without_convolutions_or_with_another_input():
    x = np.zeros((1, 28, 28), np.float32)
    with pytest.raises(SpecError, match="got no convolution"):
        insight.hierarchy(models.build("dense"), x, 3)
    with pytest.raises(ShapeError, match="expected an image of shape"):
        insight.hierarchy(models.build("lenet5"), x[:, 1:], 3)
