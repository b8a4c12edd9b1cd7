"""Small trainings on digits, as tests need them."""

import numpy as np
import torch

from learnprop.reports.losses.summary import summarise
from learnprop.simulations.datasets import Images, draw_rows, load_dataset
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.networks import block
from learnprop.simulations.networks.architectures import build_network
from learnprop.simulations.networks.criteria import weighted_cross_entropy
from learnprop.simulations.networks.image_batches import channel_moments, resident
from learnprop.simulations.networks.replicas import make_replicas
from learnprop.simulations.networks.steps import TrainingData
from learnprop.simulations.networks.trainer import train
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.refinement.seen import Seen
from learnprop.simulations.studies.losses import study as losses

CPU = torch.device("cpu")
SIZES = (30, 24, 18, 14, 10, 8, 7, 6, 6, 6)
N = sum(SIZES)
SUPPLY = dict.fromkeys(("mnist", "fashion-mnist", "kmnist", "cifar10"), (6000,) * 10)
"""Of data sets that a test does not read."""
WEIGHT = np.array([1.0, 1, 1, 1, 2, 2, 2, 3, 3, 3])


def digit_samples():
    """Images, and the rows of three samples of them."""
    data = load_dataset("digits")
    rows = [
        draw_rows(data.labels, SIZES, np.random.default_rng(run), hold_out=True)[0]
        for run in range(3)
    ]
    return data, torch.as_tensor(np.stack(rows))


def class_weight(n, dtype, device=CPU):
    """λ of mean one over the sample."""
    weight = torch.as_tensor(WEIGHT * N / (WEIGHT * SIZES).sum(), dtype=dtype, device=device)
    return weight.expand(n, -1)


def run(
    digits,
    members,
    recipe,
    *,
    model="cnn2c",
    loss=None,
    dtype=torch.float64,
    device=CPU,
    **options,
):
    data, rows = digits
    networks = make_replicas(
        [build_network(model, (1, 28, 28), 10, seed) for seed in members],
        device,
        dtype=dtype,
        compiled=recipe.compiled,
    )
    weight = class_weight(len(members), dtype, device)
    path = train(
        networks,
        TrainingData(
            resident(data.images, channel_moments(data.images), device, dtype),
            torch.as_tensor(data.labels, device=device),
            rows[list(members)].to(device),
        ),
        loss or weighted_cross_entropy(weight, recipe.batch_size),
        recipe,
        [np.random.default_rng(100 + seed) for seed in members],
        **options,
    )
    return networks, path


def as_seen(features, labels, weight):
    """A sample as one network sees it."""
    return Seen((features.double() @ weight.mT)[None], labels[None], lambda _: features)


def few_digits(patch):
    """Leave a quarter of the digits to comparisons of losses, which then take a quarter as long."""
    data = load_dataset("digits")
    few = Images(data.images[:450], data.labels[:450], data.test_images, data.test_labels)
    for module in (losses, block):
        patch.setattr(module, "load_dataset", lambda *_: few)
    return few


def compared(options, folder, blocks=None, supply=None):
    """A comparison of losses, all of it or so many blocks, and what its reports are drawn from."""
    study = losses.make_study(options, supply)
    with open_store(folder, study.name, study.design) as store:
        steps = run_study(study, store)
        for _ in range(blocks) if blocks is not None else [0]:
            next(steps)
        if blocks is None:
            list(steps)
        return study, summarise(study, store)
