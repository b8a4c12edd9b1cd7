"""A block of trained networks: what it holds, and that nothing but the key decides it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from learnprop.equations.balance import left_side, residual, right_side
from learnprop.simulations.datasets import draw_rows, load_dataset
from learnprop.simulations.engine.blocks import Task, compute_one
from learnprop.simulations.engine.seeds import replication_rng, replication_seed
from learnprop.simulations.engine.study import StudyError
from learnprop.simulations.networks import block as network_block
from learnprop.simulations.networks import training
from learnprop.simulations.networks.architectures import build_network
from learnprop.simulations.networks.image_batches import channel_moments, image_batch, resident
from learnprop.simulations.networks.replicas import logits, make_replicas
from learnprop.simulations.networks.stacked import ways
from learnprop.simulations.networks.training import by_chunks
from learnprop.simulations.records.rows import CONVERGED, DIVERGED, NOT_CONVERGED, select
from learnprop.simulations.refinement.objectives import WeightedSoftmax
from learnprop.simulations.refinement.seen import OutputLayers
from learnprop.simulations.refinement.stages import NO_MINIMUM, measure_stages
from learnprop.simulations.studies.cnn.study import Options, make_study
from tests.trained import as_seen

SMALL = Options(
    sizes=(14, 12, 10, 8, 7, 6, 6, 5, 5, 5), epochs=3, batch_size=32, measure_at=(1,), device="cpu"
)


def block_of(options, index=0, size=1, unfinished=None):
    study = make_study(options)
    task = Task(
        study.compute_block, study.cells[0], study.seed, index, size=size, unfinished=unfinished
    )
    return study, compute_one(task)


@pytest.fixture(scope="module")
def block():
    return block_of(SMALL)


def rows_of(rows):
    """Every array of a record, as bytes, with NaN and all."""
    return {name: np.asarray(value).tobytes() for name, value in vars(rows).items()}


def test_what_a_block_holds(block):
    study, found = block
    (cell,) = study.cells
    keys = {
        (s, e, stage)
        for s, e, stage in zip(
            found.fits.setting.tolist(), found.fits.epoch.tolist(), found.fits.stage.tolist(),
            strict=True,
        )
    }  # fmt: skip
    at = [(1, "raw"), (3, "raw"), (3, "bias"), (3, "head")]
    assert keys == {(s, *when) for s in ("equal", "inverse") for when in at}
    train = select(found.measurements, split="train")
    assert (train.class_count == np.array(cell.train_size)).all()
    test = select(found.measurements, split="test")
    assert (test.class_count == np.bincount(load_dataset("digits").labels) // 3).all()
    assert cell.headline == (3, "bias")
    assert study.block_size == 1


def test_the_refined_bias_makes_both_sides_equal(block):
    study, found = block
    for setting in study.cells[0].settings:
        mass = study.cells[0].class_mass(setting)
        for stage, equal in (("raw", False), ("bias", True)):
            key = {"setting": setting, "epoch": 3, "stage": stage}
            rows = select(found.measurements, split="train", **key)
            left = left_side(rows.mean_proba, mass, rows.miss_proba)
            right = right_side(rows.mean_proba, mass)
            differs = np.abs(left - right) / np.maximum(left, right)
            assert (differs <= 1e-9).all() == equal
            fit = select(found.fits, **key)
            assert fit.status.tolist() == [CONVERGED if equal else NOT_CONVERGED]
            # E1, in units of Σw: what is stored as gradient is minus the residual on train
            r = residual(rows.mean_proba, mass / mass.sum(), rows.miss_proba)
            assert np.abs(fit.bias_gradient + r).max() < 1e-15


def test_e9_is_recorded_with_the_network_as_trained(block):
    found = block[1].fits
    as_trained = (found.epoch == 3) & (found.stage == "raw")
    path, identity = found.path_gradient, found.path_identity
    assert np.abs(path - identity)[as_trained].max() < 1e-6  # float32
    assert np.abs(path[as_trained]).max() > 1e-3
    assert np.isnan(path[~as_trained]).all()


def test_bits_depend_on_the_key_and_not_on_blocks():
    _, both = block_of(SMALL, index=0, size=2)
    _, second = block_of(SMALL, index=1, size=1)
    for rows, alone in ((both.fits, second.fits), (both.measurements, second.measurements)):
        mine = type(rows)(**{k: v[rows.run == 1] for k, v in vars(rows).items()})
        assert rows_of(mine) == rows_of(alone)


def test_settings_share_sample_start_and_order(block):
    """As measured after one epoch of learning rate zero, they are one and the same network."""
    _, still = block_of(replace(SMALL, lr=1e-12, epochs=1, measure_at=()))
    raw = select(still.measurements, stage="raw")
    equal, inverse = (select(raw, setting=s).mean_proba for s in ("equal", "inverse"))
    assert np.allclose(equal, inverse, rtol=1e-8, atol=0)
    trained = select(block[1].measurements, stage="raw", epoch=3)
    equal, inverse = (select(trained, setting=s).mean_proba for s in ("equal", "inverse"))
    assert not np.allclose(equal, inverse, rtol=1e-2)


def test_a_block_that_was_stopped_goes_on(block, tmp_path, monkeypatch):
    """What is kept is gone when the block is done, and the bits are those of one go."""
    monkeypatch.setattr("learnprop.simulations.networks.checkpoints.EVERY_SECONDS", 0.0)
    trained = []
    plain = training.train_networks

    def stop_at_the_second(*args, **options):
        if len(trained) == 1:
            trained.append(None)
            raise StudyError("stopped")
        trained.append(plain(*args, **options))
        return trained[-1]

    monkeypatch.setattr(network_block, "train_networks", stop_at_the_second)
    _, stopped = block_of(SMALL, unfinished=tmp_path / "unfinished")
    assert isinstance(stopped, StudyError)
    assert len(list((tmp_path / "unfinished").glob("*.pt"))) == 1
    _, whole = block_of(SMALL, unfinished=tmp_path / "unfinished")
    assert list((tmp_path / "unfinished").iterdir()) == []
    assert rows_of(whole.fits) == rows_of(block[1].fits)
    assert rows_of(whole.measurements) == rows_of(block[1].measurements)


def test_a_training_that_diverges_is_recorded_and_others_are_not(block):
    _, found = block_of(replace(SMALL, lr=1e8, weights=("equal",)))
    last = select(found.fits, epoch=3)
    assert set(last.status.tolist()) == {DIVERGED}
    assert set(last.stage.tolist()) == {"raw", "bias", "head"}
    assert last.reason[0].startswith("diverged: the loss or a gradient is not finite, in epoch ")
    assert "SeedSequence(0, spawn_key=" in last.traceback[0]
    assert found.measurements is None or not (found.measurements.epoch == 3).any()
    assert DIVERGED not in block[1].fits.status


@pytest.mark.parametrize("stacked", [False, True], ids=["vmap", "stacked"])
def test_many_at_once_measure_what_single_trainings_do(monkeypatch, stacked):
    options = replace(SMALL, stages=("bias",))
    _, alone = block_of(options, size=2)
    monkeypatch.setattr(network_block, "networks_at_once", lambda *_: 100)
    if stacked:  # as on a GPU, step by step
        monkeypatch.setattr(ways, "runs_many_at_once", lambda _: True)
    sizes = []
    plain = network_block.train_networks

    def counting(model, pool, groups, *args, **options):
        sizes.append(sum(len(group.members) for group in groups))
        return plain(model, pool, groups, *args, **options)

    monkeypatch.setattr(network_block, "train_networks", counting)
    _, many = block_of(options, size=2)
    assert sizes == [4]  # two replications under two settings
    assert many.fits.run.tolist() == alone.fits.run.tolist()
    for stage in ("raw", "bias"):
        a, b = (select(x.measurements, stage=stage).mean_proba for x in (alone, many))
        assert np.abs(a - b).max() < 1e-4


def test_out_of_memory_halves_the_chunk_and_goes_on():
    asked = []

    def work(chunk):
        asked.append(len(chunk))
        if len(chunk) > 3:
            raise torch.OutOfMemoryError
        return [2 * c for c in chunk]

    found, note = by_chunks(range(10), 10, work)
    assert found == [2 * i for i in range(10)]
    assert asked == [10, 5, 3, 3, 3, 1]
    assert note == "out of memory: 3 networks were computed at once, not 10"
    assert by_chunks(range(4), 2, lambda chunk: list(chunk)) == ([0, 1, 2, 3], "")


def test_one_network_that_does_not_fit_is_an_error():
    def work(_chunk):
        raise torch.OutOfMemoryError("no room")

    with pytest.raises(torch.OutOfMemoryError, match="no room"):
        by_chunks([1, 2], 2, work)


def test_out_of_memory_is_noted_in_the_block(monkeypatch):
    monkeypatch.setattr(network_block, "networks_at_once", lambda *_: 100)
    plain = network_block.train_networks

    def scarce(model, pool, groups, *args, **options):
        if len(groups[0].members) > 1:
            raise torch.OutOfMemoryError
        return plain(model, pool, groups, *args, **options)

    monkeypatch.setattr(network_block, "train_networks", scarce)
    _, found = block_of(SMALL)
    assert found.note == "out of memory: 1 networks were computed at once, not 2"
    assert len(found.fits) == 8


def test_running_out_of_memory_while_measuring_costs_no_training(monkeypatch):
    monkeypatch.setattr(network_block, "networks_at_once", lambda *_: 100)
    trained = []
    train, measure = network_block.train_networks, network_block.measure_trained

    def counting(model, pool, groups, *args, **options):
        trained.append(len(groups[0].members))
        return train(model, pool, groups, *args, **options)

    def scarce(model, pool, groups, networks, *args):
        if len(networks) > 1:
            raise RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED")
        return measure(model, pool, groups, networks, *args)

    monkeypatch.setattr(network_block, "train_networks", counting)
    monkeypatch.setattr(network_block, "measure_trained", scarce)
    _, found = block_of(SMALL)
    assert trained == [2]
    assert found.note == "out of memory: 1 networks were computed at once, not 2"
    assert len(found.fits) == 8


def test_the_stored_gradient_is_autograds():
    """Bias gradient of the whole sample's objective, decay included, at an untrained network."""
    data = load_dataset("digits")
    rows, _ = draw_rows(data.labels, SMALL.sizes, np.random.default_rng(0), hold_out=True)
    weight = np.linspace(1, 3, 10)
    y = torch.as_tensor(data.labels[rows])
    share = torch.as_tensor(weight / weight[data.labels[rows]].sum())
    torch.manual_seed(0)
    features = torch.rand(len(rows), 30, dtype=torch.float64)
    V, b = torch.randn(10, 30, dtype=torch.float64) / 5, torch.randn(10, dtype=torch.float64)
    b.requires_grad_()
    nll = torch.nn.functional.cross_entropy(features @ V.mT + b, y, reduction="none")
    ((share[y] * nll).sum() + 0.01 / 2 * (b**2).sum()).backward()
    layers = OutputLayers(V[None], b.detach()[None])
    mass = share * torch.as_tensor(SMALL.sizes)
    objective = WeightedSoftmax(mass[None], penalty=0.02, bias_penalty=0.01)
    samples = {"train": as_seen(features, y, V)}
    ((raw, bias, head),) = measure_stages(("raw", "bias", "head"), samples, layers, objective)
    assert np.abs(raw.bias_gradient - b.grad.numpy()).max() < 1e-15
    for stage in (bias, head):
        assert np.abs(stage.bias_gradient).max() < 1e-12
        assert stage.status == CONVERGED
    # E8: with a penalty on the bias, Eq. (8) is off by α b
    P, miss = bias.measured["train"].mean_proba, bias.measured["train"].miss_proba
    w = weight * np.array(SMALL.sizes)
    r = residual(P, w / w.sum(), miss)
    assert np.abs(r - 0.01 * bias.bias).max() < 1e-12
    assert np.abs(r).max() > 1e-4


@pytest.mark.slow
def test_a_head_without_minimum_says_so(block):
    head = select(block[1].fits, stage="head")
    assert set(head.status.tolist()) == {NOT_CONVERGED}
    assert set(head.reason.tolist()) == {NO_MINIMUM}  # 78 images, 800 features
    assert "head" not in block[1].measurements.stage
    _, decayed = block_of(replace(SMALL, weight_decay=1e-2, weights=("equal",)))
    head = select(decayed.fits, stage="head")
    assert head.status.tolist() == [CONVERGED]  # the control: a penalty has a minimum
    assert float(head.gradient_norm[0]) <= 1e-9


@pytest.mark.slow
def test_features_are_those_of_evaluation_mode():
    """CNN5C's batch normalisation: P as stored is that of the trained network in eval mode."""
    options = replace(SMALL, model="cnn5c", epochs=1, weights=("equal",), measure_at=())
    study, found = block_of(options)
    (cell,) = study.cells
    data = load_dataset("digits")
    rng = replication_rng(0, cell.name, 0, "train")
    rows, _ = draw_rows(data.labels, cell.train_size, rng, hold_out=True)
    kept = []
    plain = training.train
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "train", lambda n, *a, **k: kept.append(n) or plain(n, *a, **k))
        block_of(options)
    (networks,) = kept
    networks.template.eval()
    pool = resident(data.images, channel_moments(data.images), torch.device("cpu"))
    with torch.no_grad():
        z = logits(networks, image_batch(pool, torch.as_tensor(rows)[None]))[0].double()
    proba = torch.softmax(z, dim=1).numpy()
    P = np.stack([proba[data.labels[rows] == k].mean(axis=0) for k in range(10)])
    stored = select(found.measurements, stage="raw", split="train").mean_proba[0]
    assert np.abs(P - stored).max() < 1e-6
    networks.template.train()
    with torch.no_grad():
        z = logits(networks, image_batch(pool, torch.as_tensor(rows)[None]))[0].double()
    assert np.abs(torch.softmax(z, dim=1).numpy() - proba).max() > 1e-3  # the control


def test_initial_networks_are_those_of_the_key():
    study, _ = block_of(replace(SMALL, lr=1e-12, epochs=1, measure_at=(), weights=("equal",)))
    kept = []
    plain = training.train
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "train", lambda n, *a, **k: kept.append(n) or plain(n, *a, **k))
        for index in (0, 1):
            block_of(replace(SMALL, lr=1e-12, epochs=1, measure_at=(), weights=("equal",)), index)
    first, second = (n.head_weight.detach() for n in kept)
    assert not torch.allclose(first, second, atol=1e-3)
    seed = replication_seed(0, study.cells[0].name, 0, "start").generate_state(1, np.uint64)[0]
    expected = build_network("cnn2c", (1, 28, 28), 10, int(seed >> np.uint64(1)))
    assert torch.allclose(first[0], expected.head.weight, atol=1e-6)
    assert len(make_replicas([expected], torch.device("cpu"))) == 1


def test_data_that_are_gone_stop_the_study():
    study = make_study(SMALL)
    gone = replace(study.cells[0], dataset="mnist", data_dir="/nowhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LEARNPROP_DATA", raising=False)
        patch.setattr("learnprop.simulations.dataset_files.own_folder", lambda: Path("/nowhere"))
        answer = compute_one(Task(study.compute_block, gone, 0, 0, size=1))
    assert isinstance(answer, StudyError)
    assert "dataset mnist is not here" in str(answer)
