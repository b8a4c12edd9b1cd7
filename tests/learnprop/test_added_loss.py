"""A loss costs its file and a line in `LOSSES`: the study, its protocol and reports take it."""

import numpy as np
import pandas as pd
import pytest
import torch

from learnprop.equations.losses import LOSSES
from learnprop.simulations.refinement.objectives import OfLoss
from learnprop.simulations.refinement.seen import OutputLayers
from learnprop.simulations.refinement.stages import as_they_are
from learnprop.simulations.studies.losses.options import Options
from learnprop.simulations.studies.losses.study import make_study
from tests.toy_loss import FOCAL, minibatch_loss
from tests.trained import as_seen, few_digits

TRAINED = ("losses", "--loss", "sml,lgl-inr,toy", "--runs", 2, "--epochs", 1, "--match-step",
           "--device", "cpu", "--jobs", 1)  # fmt: skip


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    few_digits(monkeypatch)
    monkeypatch.setitem(LOSSES, FOCAL.name, FOCAL)


@pytest.mark.slow
@pytest.mark.usefixtures("with_figures")
def test_a_registered_loss_is_trained_measured_and_reported(cli, tmp_path):
    out = tmp_path / "out"
    status, stdout, stderr = cli(*TRAINED, "--out", out)
    assert status == 0, stderr
    assert "Toy, γ = 2, matched" in stdout
    protocol = (out / "protocol.md").read_text()
    assert "`toy`: focal loss; of a minibatch its sum" in protocol
    assert "γ of Toy: 2." in protocol
    summary = pd.read_csv(out / "summary.csv").set_index(["setting", "split"])
    assert summary.loc[("toy gamma=2", "test"), "gamma"] == 2
    assert np.isnan(summary.loc[("sml", "test"), "gamma"])
    assert summary.loc[("toy gamma=2", "train"), "accuracy"] > 0.2
    differences = pd.read_csv(out / "differences.csv")
    assert ("toy gamma=2", "lgl-inr beta=1") in zip(
        differences["loss"], differences["other"], strict=True
    )
    assert "toy" not in set(pd.read_csv(out / "balance.csv")["loss"])  # it states none
    assert {"sml", "lgl-inr"} == set(pd.read_csv(out / "balance.csv")["loss"])
    for name in ("accuracy", "confusion_digits_cnn2c"):
        assert (out / f"{name}.png").stat().st_size > 5000
    assert cli("export", out, "--table", "fits", "--out", tmp_path / "fits.csv")[0] == 0
    fits = pd.read_csv(tmp_path / "fits.csv").query("setting == 'toy gamma=2' and epoch == 1")
    assert set(fits["stage"]) == {"raw"}
    assert fits.filter(like="bias_gradient").abs().max(axis=None) > 1e-4
    name = "digits cnn2c toy gamma=2"
    assert "every bit agrees" in cli("replay", out, "--cell", name, "--run", 1)[1]
    assert cli("report", out, "--out", tmp_path / "paper")[0] == 0


def test_its_bias_gradient_is_that_of_the_loss():
    """Against central differences in the bias, in float64."""
    (cell,) = make_study(Options(loss=("toy",), device="cpu")).cells
    rng = np.random.default_rng(0)
    features = torch.as_tensor(rng.normal(size=(30, 4)))
    labels = torch.as_tensor(np.arange(30) % 10)
    weight, bias = (torch.as_tensor(rng.normal(size=size)) for size in ((10, 4), (10,)))
    samples = {"train": as_seen(features, labels, weight)}
    (found,) = as_they_are(samples, OutputLayers(weight[None], bias[None]), OfLoss(cell.loss))

    def loss(b):
        return float(minibatch_loss(features @ weight.mT + b, labels, 30, gamma=2.0))

    step = 1e-5 * torch.eye(10, dtype=torch.float64)
    expected = [(loss(bias + s) - loss(bias - s)) / 2e-5 for s in step]
    np.testing.assert_allclose(found.bias_gradient, expected, atol=1e-9)
    assert found.loss == pytest.approx(loss(bias))
    assert np.abs(expected).max() > 1e-3


def test_names_that_are_not_registered_are_refused(monkeypatch):
    monkeypatch.delitem(LOSSES, "toy")
    with pytest.raises(ValueError, match=r"^loss must be one of lgl, sml, lgl-inr, got 'toy'"):
        make_study(Options(loss=("toy",), device="cpu"))
