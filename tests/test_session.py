"""A training as the command and Python share it: where it starts, and what is left of it."""

import json
import os

import pytest

import convlab
from convlab import training
from convlab.errors import DataError, DivergedError, DTypeError, SpecError
from convlab.training import EpochRecord, Trainer

QUICK = {"epochs": 1, "limit": 2, "progress": False}


@pytest.fixture(scope="module")
def dense(tmp_path_factory):
    return convlab.train("dense", out=tmp_path_factory.mktemp("runs") / "dense", **QUICK)


@pytest.mark.parametrize("given", [lambda r: r, lambda r: r.folder, lambda r: str(r.folder)])
def test_a_start_gives_its_model_and_weights(dense, given, tmp_path):
    made = convlab.train(start_from=given(dense), out=tmp_path / "run", rate=1e-30, **QUICK)
    assert made.network.name == "dense"
    for name, weight in dense.network.state_dict().items():
        assert made.network.state_dict()[name] == pytest.approx(weight, abs=1e-6)


def test_a_start_of_a_network_of_ones_own_needs_its_file_no_more(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    layers = [{"type": "Flatten"}, {"type": "Linear", "out_features": "classes", "name": "last"}]
    text = 'input = "28x28x1"\n'
    for layer in layers:
        text += "[[layer]]\n" + "".join(f"{key} = {json.dumps(layer[key])}\n" for key in layer)
    (tmp_path / "own.toml").write_text(text)
    convlab.train("own.toml", out="a", **QUICK)
    os.remove("own.toml")
    made = convlab.train(start_from="a", out="b", **QUICK)
    assert [name for name, _ in made.network.named_children()][-1] == "last"
    assert made.settings.start_from == str(tmp_path / "a")


def test_a_divergence_keeps_what_was_reached(monkeypatch, tmp_path):
    def fit(self, real=Trainer.fit):
        for record in real(self):
            yield record
            if isinstance(record, EpochRecord):
                raise DivergedError("the loss is not finite")

    monkeypatch.setattr(Trainer, "fit", fit)
    kept = r"^the loss is not finite; .*run keeps the weights up to epoch 1$"
    with pytest.raises(DivergedError, match=kept):
        convlab.train(out=tmp_path / "run", epochs=2, limit=2, progress=False)
    assert training.load(tmp_path / "run").network.name == "lenet5"


def test_a_folder_called_like_a_data_set_is_not_taken_for_it(monkeypatch, tmp_path):
    (tmp_path / "digits" / "a").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    made = convlab.train("dense", out="run", **QUICK)
    assert (made.settings.data, len(made.classes)) == ("digits", 10)


@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        ({"data": ""}, DataError, "data: expected digits, .* got ''"),
        ({"model": ""}, SpecError, "expected one of alexnet, .* got '?'?"),
        ({"freeze": ""}, SpecError, "freeze"),
        ({"start_from": 3}, DTypeError, "start_from"),
        ({"device": "gpu"}, SpecError, "device: expected one of cpu, cuda, got 'gpu'"),
    ],
)
def test_what_is_empty_or_no_such_thing_is_refused(settings, kind, words, tmp_path):
    with pytest.raises(kind, match=words):
        convlab.train(**{"out": tmp_path / "run"} | QUICK | settings)
    assert not (tmp_path / "run").exists()


def test_an_accuracy_is_a_share(dense):
    for wrong in (float("nan"), 97, -0.1):
        with pytest.raises(SpecError, match="^accuracy: expected"):
            convlab.page(dense, accuracy=wrong)
