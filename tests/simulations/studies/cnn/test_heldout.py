"""Images held out of training, on which the output bias is refined."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import root

from learnprop.equations.balance import left_side, residual, right_side
from learnprop.simulations.datasets import load_dataset
from learnprop.simulations.engine.blocks import Task, compute_one
from learnprop.simulations.networks import block as network_block
from learnprop.simulations.networks.members import make_pool
from learnprop.simulations.records.rows import CONVERGED, select
from learnprop.simulations.refinement.objectives import WeightedSoftmax
from learnprop.simulations.refinement.seen import OutputLayers
from learnprop.simulations.refinement.stages import measure_stages
from learnprop.simulations.studies.cnn.study import Options, make_study
from tests.trained import as_seen

DRAWN = (28, 24, 20, 16, 14, 12, 12, 10, 10, 10)
SMALL = Options(
    sizes=DRAWN, heldout=0.25, stages=("bias", "heldout"), epochs=2, batch_size=32,
    measure_at=(), device="cpu",
)  # fmt: skip


@pytest.fixture(scope="module")
def study():
    return make_study(SMALL)


@pytest.fixture(scope="module")
def block(study):
    return compute_one(Task(study.compute_block, study.cells[0], 0, 0, size=2))


def test_a_share_of_every_class_is_held_out_of_the_sample_that_is_drawn(study):
    (cell,) = study.cells
    assert cell.heldout_size == (7, 6, 5, 4, 4, 3, 3, 2, 2, 2)
    assert tuple(np.add(cell.train_size, cell.heldout_size)) == DRAWN
    data = load_dataset("digits")
    pool = make_pool(data, "own", torch.device("cpu"))
    with_held, without = (
        network_block._members(c, 0, 0, pool)[0].rows
        for c in (cell, make_study(replace(SMALL, heldout=0.0, stages=("bias",))).cells[0])
    )
    both = np.concatenate([with_held["train"], with_held["validation"]])
    assert sorted(both) == sorted(without["train"])  # and no image twice
    assert len(set(both)) == sum(DRAWN)
    assert np.array_equal(with_held["test"], without["test"])
    for split, sizes in (("train", cell.train_size), ("validation", cell.heldout_size)):
        assert np.bincount(data.labels[with_held[split]]).tolist() == list(sizes)


def test_the_weights_are_those_of_what_is_trained_on(study):
    """Inverse frequencies of 21 and 8 images, not of the 28 and 10 that were drawn."""
    (cell,) = study.cells
    inverse = dict(cell.class_weight)["inverse"]
    assert inverse[9] / inverse[0] == pytest.approx(21 / 8)


def test_both_sides_are_equal_on_what_was_held_out_and_not_on_the_training_sample(study, block):
    (cell,) = study.cells
    for setting in cell.settings:
        mass = cell.class_mass(setting)
        for stage, equal_on in (("bias", "train"), ("heldout", "validation")):
            fit = select(block.fits, setting=setting, stage=stage)
            assert set(fit.status.tolist()) == {CONVERGED}
            for split in ("train", "validation"):
                rows = select(block.measurements, setting=setting, stage=stage, split=split)
                left = left_side(rows.mean_proba, mass, rows.miss_proba)
                differs = np.abs(left / right_side(rows.mean_proba, mass) - 1)
                assert (differs.max() < 1e-9) == (split == equal_on)
    counts = select(block.measurements, split="validation").class_count
    assert (counts == np.array(cell.heldout_size)).all()


def test_the_bias_is_scipys_root_of_the_weighted_residual():
    """Class masses are those of training, whatever the class sizes of the held-out sample are."""
    rng = np.random.default_rng(0)
    mass = rng.uniform(1, 5, size=4)
    y = torch.as_tensor(rng.permutation(np.repeat(np.arange(4), (30, 5, 11, 14))))
    features, weight = (torch.as_tensor(rng.normal(size=s)) for s in ((60, 3), (4, 3)))
    samples = {split: as_seen(features, y, weight) for split in ("train", "validation")}
    layers = OutputLayers(weight[None], torch.zeros(1, 4).double())
    objective = WeightedSoftmax(torch.as_tensor(mass / mass.sum())[None])
    ((stage,),) = measure_stages(("heldout",), samples, layers, objective)

    def of(bias):
        z = (features @ weight.mT).numpy() + bias
        f = np.exp(z - z.max(axis=1, keepdims=True))
        f /= f.sum(axis=1, keepdims=True)
        P = np.stack([f[y.numpy() == k].mean(axis=0) for k in range(4)])
        return residual(P, mass)

    found = root(lambda b: np.append(of(np.append(b, 0.0))[:3], []), np.zeros(3), tol=1e-13).x
    found = np.append(found, 0.0)
    assert np.abs(stage.bias - (found - found.mean())).max() < 1e-9
    assert np.abs(of(stage.bias)).max() < 1e-12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heldout": 0.04}, r"^heldout must hold out one .* got 0.04 of the 12 images of class 5"),
        ({"heldout": 0.97}, r"^heldout must hold out one .* got 0.97 of the 16 images of class 3"),
        ({"heldout": 1.5}, r"^heldout must satisfy 0 <= heldout < 1, got 1.5"),
        ({"heldout": -0.1}, r"^heldout must satisfy 0 <= heldout < 1, got -0.1"),
        ({"heldout": float("nan")}, r"^heldout must satisfy 0 <= heldout < 1, got nan"),
        ({"heldout": 0.0}, r"^stages heldout needs heldout, the share of the images, got 0"),
        ({"stages": ("bias",)}, r"^heldout needs heldout among stages, got \['bias'\]"),
        ({"stages": ("bias", "bias")}, r"^stages must be distinct, got"),
        (
            {"stages": ("neck",)},
            r"^stages must be one of raw, bias, heldout, head, loo, got 'neck'",
        ),
    ],
)
def test_what_cannot_be_held_out_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make_study(replace(SMALL, **options))
