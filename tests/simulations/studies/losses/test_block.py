"""Trainings with the paper's losses: what a block holds, and E10 of trained networks."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from learnprop.equations.balance import left_side, residual, right_side
from learnprop.equations.losses.hardness import in_negative_residual, in_negative_sides
from learnprop.equations.losses.lgl_inr import lgl_inr_loss
from learnprop.simulations.datasets import load_dataset
from learnprop.simulations.engine.blocks import Task, compute_one
from learnprop.simulations.engine.seeds import replication_seed
from learnprop.simulations.engine.study import StudyError
from learnprop.simulations.networks import block as network_block
from learnprop.simulations.networks.architectures import build_network
from learnprop.simulations.networks.image_batches import image_batch
from learnprop.simulations.networks.members import make_pool
from learnprop.simulations.networks.replicas import logits, make_replicas
from learnprop.simulations.records.rows import CONVERGED, DIVERGED, NOT_CONVERGED, select
from learnprop.simulations.studies.losses.step_matching import MATCHED_OVER
from learnprop.simulations.studies.losses.study import Options, make_study
from tests.trained import CPU, few_digits

SMALL = Options(epochs=2, match_step=True, device="cpu")


def block_of(study, name, index=0, size=1, unfinished=None):
    (cell,) = (c for c in study.cells if c.name == f"digits cnn2c {name}")
    task = Task(study.compute_block, cell, study.seed, index, size=size, unfinished=unfinished)
    return compute_one(task)


@pytest.fixture(scope="module", autouse=True)
def few():
    with pytest.MonkeyPatch.context() as patch:
        yield few_digits(patch)


@pytest.fixture(scope="module")
def study(few):  # noqa: ARG001 (the sizes are those of the few)
    return make_study(SMALL)


@pytest.fixture(scope="module")
def blocks(study):
    return {cell.setting: block_of(study, cell.setting) for cell in study.cells}


def test_what_a_block_holds(study, blocks, few):
    assert list(blocks) == ["lgl", "sml", "lgl-inr beta=1", "lgl matched", "lgl-inr beta=1 matched"]
    for cell in study.cells:
        found = blocks[cell.setting]
        keys = list(zip(found.fits.epoch.tolist(), found.fits.stage.tolist(), strict=True))
        assert keys == [(0, "raw"), (1, "raw"), (2, "raw"), (2, "bias")]
        train = select(found.measurements, split="train")
        assert train.epoch.tolist() == [2, 2]
        assert (train.class_count == np.array(cell.train_size)).all()
        test = select(found.measurements, split="test")
        assert test.epoch.tolist() == [0, 1, 2, 2]
        assert (test.class_count == np.bincount(few.labels) // 3).all()
        assert found.fits.status.tolist() == [NOT_CONVERGED] * 3 + [CONVERGED]


def test_losses_start_from_one_network_on_one_sample(blocks):
    first = [select(b.measurements, epoch=0, split="test") for b in blocks.values()]
    assert all((f.confusion == first[0].confusion).all() for f in first)
    last = [select(b.measurements, epoch=2, split="test", stage="raw") for b in blocks.values()]
    assert len({part.confusion.tobytes() for part in last}) == len(last)


def test_balance_is_exact_once_the_output_bias_is_refined(study, blocks):
    """Eq. (9) under softmax and one-vs-all, E10 under LGL-INR; as trained neither."""
    for cell in study.cells:
        found = blocks[cell.setting]
        for stage, exact in (("raw", False), ("bias", True)):
            rows = select(found.measurements, epoch=2, split="train", stage=stage)
            P, miss = rows.mean_proba, rows.miss_proba
            mass = np.array(cell.train_size, float)
            nine = left_side(P, mass, miss), right_side(P, mass)
            ten = in_negative_sides(P, miss, beta=1.0)
            left, right = ten if cell.loss.name == "lgl-inr" else nine
            differs = np.abs(left - right) / np.maximum(left, right)
            assert (differs.max() < 1e-11) == exact, (cell.name, stage)
            if exact:  # the control: it is not the other equation's
                left, right = nine if cell.loss.name == "lgl-inr" else ten
                assert (np.abs(left - right) / np.maximum(left, right)).max() > 1e-3
            fit = select(found.fits, epoch=2, stage=stage)
            r = (
                in_negative_residual(P, miss, 1.0)
                if cell.loss.name == "lgl-inr"
                else residual(P, mass / mass.sum(), miss)
            )
            assert np.abs(fit.bias_gradient + r).max() < 1e-15


def test_loss_is_that_of_the_whole_sample(blocks):
    """In sum form under one-vs-all; of LGL-INR, where classes count alike, as it is."""
    fit = select(blocks["lgl-inr beta=1"].fits, epoch=2, stage="raw")
    assert 0 < fit.loss[0] < 20 * np.log(2)  # below that of zero logits, K terms of 2 log 2
    ova, rows = blocks["lgl"].fits, select(blocks["lgl"].measurements, epoch=2, split="train")
    assert select(ova, epoch=2, stage="raw").loss[0] == pytest.approx(rows.log_loss[0].sum())


def test_e9_is_the_minibatch_form_of_e10_along_the_path(blocks):
    """Mean minibatch gradient in the output bias, against the two ends of the path."""
    for name, block in blocks.items():
        last = select(block.fits, epoch=2, stage="raw")
        assert np.abs(last.path_gradient - last.path_identity).max() < 1e-6, name  # float32
        assert np.abs(last.path_gradient).max() > 1e-3, name


def test_matched_losses_start_with_the_softmax_losses_gradient(study, blocks, few):
    """Norms by torch's own network and gradients, and the step that follows from them."""
    pool = make_pool(few, "own", CPU)
    (cell,) = (c for c in study.cells if c.setting == "lgl-inr beta=1")
    (member,) = network_block._members(cell, 0, 0, pool)
    network = build_network("cnn2c", (1, 28, 28), 10, member.start)
    order = np.random.default_rng(replication_seed(0, cell.stream, 0, "minibatch"))
    rows = torch.as_tensor(order.permutation(member.rows["train"]))
    norms = {"inr": [], "softmax": []}
    for part in list(rows.split(64))[:MATCHED_OVER]:
        z, y = network(image_batch(pool.images, part[None])[0]), pool.labels[part]
        for name, value in (
            ("inr", lgl_inr_loss(z, y)),
            ("softmax", torch.nn.functional.cross_entropy(z, y, reduction="sum") / 64),
        ):
            gradients = torch.autograd.grad(value, list(network.parameters()), retain_graph=True)
            norms[name].append(sum(float(g.double().square().sum()) for g in gradients))
    ratio = np.sqrt(np.mean(norms["inr"]) / np.mean(norms["softmax"]))
    for name in ("lgl-inr beta=1", "lgl-inr beta=1 matched"):
        assert select(blocks[name].fits, epoch=0).gradient_norm[0] == pytest.approx(ratio, rel=1e-4)
    assert 3 < ratio < 8  # K² / (2 (K - 1)) = 5.6 in the logits of a balanced minibatch
    assert select(blocks["sml"].fits, epoch=0).gradient_norm[0] == 1.0


def test_scaling_the_loss_is_scaling_the_learning_rate(study):
    """Under SGD with momentum and no decay: the matched training is one at a lower rate."""
    matched = block_of(study, "lgl-inr beta=1 matched")
    ratio = select(matched.fits, epoch=0).gradient_norm[0]
    slower = block_of(make_study(replace(SMALL, lr=0.01 / ratio)), "lgl-inr beta=1")
    a, b = (
        select(x.measurements, epoch=2, stage="raw", split="train").mean_proba
        for x in (matched, slower)
    )
    assert np.abs(a - b).max() < 1e-4


def test_bits_depend_on_the_key_and_not_on_blocks_or_stops(study, blocks, tmp_path, monkeypatch):
    monkeypatch.setattr("learnprop.simulations.networks.checkpoints.EVERY_SECONDS", 0.0)
    both = block_of(study, "lgl", size=2)
    first = select(both.measurements, run=0)
    assert first.mean_proba.tobytes() == blocks["lgl"].measurements.mean_proba.tobytes()

    def stop(*_, **__):
        raise StudyError("stopped")

    with monkeypatch.context() as patch:
        patch.setattr("learnprop.simulations.networks.training.from_tensors", stop)
        assert isinstance(block_of(study, "lgl", unfinished=tmp_path), StudyError)
    assert len(list(tmp_path.glob("*.pt"))) == 1  # the training was finished and is kept
    resumed = block_of(study, "lgl", unfinished=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert resumed.measurements.mean_proba.tobytes() == first.mean_proba.tobytes()


def test_many_at_once_measure_what_single_trainings_do(study, blocks, monkeypatch):
    """As on a GPU: the replications of one loss as one computation."""
    monkeypatch.setattr(network_block, "networks_at_once", lambda *_: 100)
    many = block_of(study, "lgl-inr beta=1 matched", size=2)
    alone = blocks["lgl-inr beta=1 matched"]
    for stage in ("raw", "bias"):
        a, b = (
            select(x.measurements, stage=stage, run=0, epoch=2).mean_proba for x in (many, alone)
        )
        assert np.abs(a - b).max() < 1e-4


def test_a_training_that_diverges_is_recorded():
    found = block_of(make_study(replace(SMALL, lr=1e8)), "sml")
    last = select(found.fits, epoch=2)
    assert set(last.status.tolist()) == {DIVERGED}
    assert last.stage.tolist() == ["raw", "bias"]
    assert "SeedSequence(0, spawn_key=" in last.traceback[0]
    words = ", ".join(map(str, replication_seed(0, "digits cnn2c", 0, "start").spawn_key[:-1]))
    assert words in last.traceback[0]  # the key that the losses share


@pytest.mark.slow
def test_e10_of_a_trained_network_in_its_minibatch_form():
    r"""At a stationary point of the expected minibatch loss, P(k) E[1 - p̄_kk | k] = E[Σ λ_j p̄_jk].

    A network is trained with LGL-INR; its output bias is then refined over 300 minibatches of 16
    by scipy, and both sides are formed sample by sample, on those and on 1,500 others.
    """
    from scipy.optimize import root

    rng = np.random.default_rng(0)
    pool = make_pool(load_dataset("digits"), "own", CPU)
    rows = torch.as_tensor(rng.permutation(1797)[:600])
    x, y = image_batch(pool.images, rows[None]), pool.labels[rows]
    networks = make_replicas([build_network("cnn2c", (1, 28, 28), 10, 1)], CPU)
    optimiser = torch.optim.SGD(list(networks.parameters.values()), lr=0.01, momentum=0.5)
    for part in [p for _ in range(3) for p in torch.as_tensor(rng.permutation(600)).split(32)]:
        optimiser.zero_grad()
        lgl_inr_loss(logits(networks, x[:, part])[0], y[part]).backward()
        optimiser.step()
    z = logits(networks, x)[0].detach().double()

    def gradient(bias, batches):
        b = torch.tensor(bias, requires_grad=True)
        value = torch.vmap(lgl_inr_loss)(z[batches] + b, y[batches])
        return torch.autograd.grad(value.mean(), b)[0].numpy()

    batches = torch.as_tensor(rng.integers(600, size=(300, 16)))
    found = root(gradient, np.zeros(10), args=(batches,), tol=1e-12)
    assert found.success
    p = torch.sigmoid(z + torch.as_tensor(found.x)).numpy()
    left, right = (np.array(side) for side in zip(*map(sides_of(p, y.numpy()), batches.numpy()),
                                                  strict=True))  # fmt: skip
    assert np.abs(left.mean(axis=0) - right.mean(axis=0)).max() < 1e-10
    fresh = rng.integers(600, size=(1500, 16))
    left, right = (np.array(s) for s in zip(*map(sides_of(p, y.numpy()), fresh), strict=True))
    difference = left - right
    mcse = difference.std(axis=0, ddof=1) / np.sqrt(len(fresh))
    # The bias has the error of its 300 minibatches, a fifth of these.
    assert (np.abs(difference.mean(axis=0)) <= 4 * mcse * np.sqrt(1 + 5)).all()
    # The control: where E10 holds for the whole sample it does not for minibatches of 16.
    whole = root(gradient, np.zeros(10), args=(torch.arange(600)[None],), tol=1e-12)
    p = torch.sigmoid(z + torch.as_tensor(whole.x)).numpy()
    left, right = (np.array(s) for s in zip(*map(sides_of(p, y.numpy()), fresh), strict=True))
    difference = left - right
    mcse = difference.std(axis=0, ddof=1) / np.sqrt(len(fresh))
    assert (np.abs(difference.mean(axis=0)) > 4 * mcse).sum() >= 8


def sides_of(p, y):
    """Both sides of E10 in one minibatch; an absent class has nothing to its left."""

    def sides(batch):
        left, right = np.zeros(10), np.zeros(10)
        for k in range(10):
            own = [i for i in batch if y[i] == k]
            left[k] = np.mean([1 - p[i, k] for i in own]) if own else 0.0
            others = [
                np.mean([p[i, k] for i in batch if y[i] == j])
                for j in range(10)
                if j != k and any(y[i] == j for i in batch)
            ]
            weight = np.exp(others) / np.exp(others).sum()
            right[k] = weight @ others
        return left, right

    return sides
