"""Answers under masks of dropout, beside the masks and the network worked out in plain NumPy."""

import numpy as np
import pytest
from scipy import special

from convlab import Tensor, insight, models, nn, pictures, random, viz
from convlab.errors import ShapeError, SpecError
from convlab.tape import no_grad

WORD = 2**64


def mask(key, units, images, rate):
    """The engine's mask (images, units), by the finaliser of SplitMix64 (Steele et al. 2014)."""
    kept = []
    for i in range(units * images):  # the batch is innermost
        z = (key + (i + 1) * 0x9E3779B97F4A7C15) % WORD
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % WORD
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % WORD
        kept.append((z ^ (z >> 31)) >> 40 >= rate * 2**24)
    return np.array(kept).reshape(units, images).T / (1 - rate)


@pytest.fixture(scope="module")
def x(tiny):
    return tiny.network_input(tiny.image("test:3").pixels)


def test_masks_and_answers_by_hand(tiny, x):
    found = insight.dropout(tiny.network, x, "fc1", 0.25, masks=10, seed=7)
    start = int(np.random.SeedSequence(7).generate_state(1, np.uint64)[0])
    masks = mask((start + 0xD1342543DE82EF95) % WORD, 120, 10, 0.25)
    assert (found.layer, found.behind, found.own, found.rate) == ("fc1", "relu3", (), 0.25)
    assert found.masks == pytest.approx(masks[:8])
    assert found.dropped.tolist() == (masks == 0).sum(axis=1).tolist()
    p = {name: a.astype(float) for name, a in tiny.network.state_dict().items()}
    with no_grad():
        before = tiny.network.sources()["fc1"][0]
        row = next(v for n, _, v in tiny.network.steps(Tensor(x[None])) if n == before).numpy()
    fc1 = np.maximum(row @ p["fc1.weight"].T + p["fc1.bias"], 0)
    assert found.values == pytest.approx(fc1[0], rel=1e-4, abs=1e-5)
    assert found.outputs == pytest.approx((fc1 * masks)[:8], rel=1e-4, abs=1e-5)

    def answers(units):
        fc2 = np.maximum(units @ p["fc2.weight"].T + p["fc2.bias"], 0)
        return special.softmax(fc2 @ p["fc3.weight"].T + p["fc3.bias"], axis=1)

    assert found.probabilities == pytest.approx(answers(fc1 * masks), rel=1e-3, abs=1e-6)
    assert found.without == pytest.approx(answers(fc1)[0], rel=1e-3, abs=1e-6)


def test_own_layers_all_work_and_nothing_is_left_changed():
    network = models.build("fashion-cnn").eval()
    x = np.random.default_rng(0).normal(size=(1, 28, 28)).astype(np.float32)
    random.manual_seed(5)
    before, rates = random.get_state(), [m.p for m in network if isinstance(m, nn.Dropout)]
    with no_grad():
        answer = network(Tensor(x[None])).numpy()
    found = insight.dropout(network, x, masks=70, rate=0.2)
    assert (found.layer, found.own) == ("dropout1", ("dropout1", "dropout2"))
    assert found.probabilities.shape == (70, 10)
    assert 0.1 < (found.masks == 0).mean() < 0.3
    # The second batch has masks of its own, and so has each image.
    assert len(np.unique(found.probabilities.round(9), axis=0)) == 70
    only = insight.dropout(network, x, "relu7", masks=5, rate=0.2)
    assert only.own == ()
    assert random.get_state() == before
    assert [m.p for m in network if isinstance(m, nn.Dropout)] == rates
    assert not any(module.training for _, module in network.named_modules())
    with no_grad():
        assert np.array_equal(network(Tensor(x[None])).numpy(), answer)


def test_the_picture_counts_the_answers(tiny):
    made = pictures.dropout(tiny, "test:3", "conv2", masks=12, rate=0.9)
    answers = np.argmax(made.result["probabilities"], axis=1)
    assert made.result["answers"] == [tiny.classes[k] for k in answers]
    usual = int(made.result["without dropout"].argmax())
    assert made.facts["answers"].startswith(f"{usual} with {(answers == usual).sum()} of 12 masks")
    assert "multiplied by 10" in made.facts["dropout"]
    assert "behind conv2 and its relu2, 10 × 10 × 16 units" in made.alt
    assert np.array_equal(
        made.result["outputs"] == 0, made.result["masks"] * made.result["values"] == 0
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"layer": "nosuch"}, "layer: expected one of conv1"),
        ({"layer": "fc3"}, "layer: expected a hidden one, got fc3, the last"),
        ({"rate": 0.0}, "rate: expected a number between 0 and 1, got 0.0"),
        ({"rate": 1.0}, "rate: expected a number between 0 and 1, got 1.0"),
        ({"masks": 0}, "masks: expected at least 1"),
        ({"masks": 10_000_000}, "masks: expected at most 1,000"),
        ({"seed": -1}, "seed: expected at least 0"),
    ],
)
def test_what_there_is_not(tiny, given, message):
    with pytest.raises(SpecError, match=message):
        pictures.dropout(tiny, "test:3", **given)


def test_arrays_that_do_not_fit():
    layer = viz.MaskedUnits("a", "b", np.zeros(3))
    with pytest.raises(ShapeError, match="expected layers"):
        viz.dropout([], "ab", np.ones((1, 2)), np.ones(2), title="t")
    with pytest.raises(ShapeError, match="expected probabilities"):
        viz.dropout([layer], "ab", np.ones((1, 3)), np.ones(2), title="t")
