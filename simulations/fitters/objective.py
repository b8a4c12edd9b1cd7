r"""What is minimised: the plain weighted softmax loss, or one of the ways to violate Eq. (8).

Each variant is a training set of its own with a *target mass* T (see
`learnprop.simulations.minimisation.softmax_loss`), so that one solver serves all and each ends at
the minimum of what is really minimised:

=================== ==========================================================================
plain               :math:`T_{ic} = \lambda_{y_i} 1[y_i = c]`
smoothing, own      :math:`\lambda_{y_i} ((1-ε) 1[y_i = c] + ε/K)`
smoothing, torch    :math:`(1-ε) \lambda_{y_i} 1[y_i = c] + ε \lambda_c / K`, which is
                    ``cross_entropy(weight=λ, label_smoothing=ε)``
minibatch mean      :math:`1[y_i = c] \sum_{m \ni i} \lambda_{y_i} / S_m`, with :math:`S_m` the sum
                    of the weights in minibatch m: ``cross_entropy(weight=λ)`` with its default
                    ``reduction="mean"``, summed over many i.i.d. minibatches
dropout             every sample in several copies, features set to zero at random
mixup               every sample in several copies, each mixed with another and its label with it
=================== ==========================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from learnprop.equations.arguments import BadArgument
from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.fitters.fit import Samples

SMOOTHING_FORMS = ("own", "torch")


@dataclass(frozen=True)
class Objective:
    """What a softmax fit minimises; the default is the plain loss of Eq. (1).

    Attributes
    ----------
    fit_bias : bool
        False leaves the output bias out.
    bias_penalty : float
        α of (α/2) Σ b², added to the sum-form loss.
    weight_penalty : float
        α of (α/2) Σ W² over all coefficients but the bias, of all K logits.
    smoothing : float
        ε of label smoothing, 0 <= ε < 1.
    smoothing_form : {"own", "torch"}
    batch_size : int or None
        Size of the i.i.d. minibatches whose losses are divided by their own weights.
    n_batches : int
        How many of them.
    dropout : float
        Probability that a feature is set to zero; the others are divided by 1 minus it.
    mixup : float
        Parameter of the symmetric beta distribution of mixup; 0 is none.
    draws : int
        Copies of every sample under dropout and mixup.
    """

    fit_bias: bool = True
    bias_penalty: float = 0.0
    weight_penalty: float = 0.0
    smoothing: float = 0.0
    smoothing_form: str = "own"
    batch_size: int | None = None
    n_batches: int = 2000
    dropout: float = 0.0
    mixup: float = 0.0
    draws: int = 8

    def __post_init__(self) -> None:
        for name in ("bias_penalty", "weight_penalty", "mixup"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0):
                raise BadArgument(name, f"must be finite and not negative, got {value}")
        for name in ("smoothing", "dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise BadArgument(name, f"must be in [0, 1), got {getattr(self, name)}")
        if self.smoothing_form not in SMOOTHING_FORMS:
            raise BadArgument(
                "smoothing_form",
                f"must be one of {', '.join(SMOOTHING_FORMS)}, got {self.smoothing_form!r}",
            )
        for name in ("batch_size", "n_batches", "draws"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise BadArgument(name, f"must be at least 1, got {value}")
        random = [n for n in ("smoothing", "batch_size", "dropout", "mixup") if getattr(self, n)]
        if len(random) > 1:
            raise ValueError(f"objective takes one at a time, got {' and '.join(random)}")

    @property
    def is_random(self) -> bool:
        """Whether the training set is drawn: `training_set` then needs random generators."""
        return bool(self.batch_size or self.dropout or self.mixup)

    @property
    def is_penalised(self) -> bool:
        """Whether a penalty is added."""
        return bool(self.bias_penalty or self.weight_penalty)


PLAIN = Objective()


@dataclass(frozen=True)
class TrainingSet:
    """Features (n_runs, n, n_features) and T (n_runs or 1, n_settings, n_classes, n)."""

    features: FloatArray
    target: FloatArray


def training_set(
    objective: Objective, data: Samples, rngs: Sequence[np.random.Generator] | None = None
) -> TrainingSet:
    """Lay out the training set that an objective is the plain loss of.

    Parameters
    ----------
    objective : Objective
    data : Samples
    rngs : sequence of numpy.random.Generator, optional
        One per replication, for objectives that draw.

    Returns
    -------
    TrainingSet
        T in units of λ.

    Raises
    ------
    ValueError
        If the objective draws and there is not one generator per replication.
    """
    n_classes = data.class_weight.shape[1]
    one_hot = np.eye(n_classes)[:, data.labels]
    plain = data.class_weight[:, data.labels][:, None] * one_hot
    if objective.is_random and (rngs is None or len(rngs) != len(data.features)):
        raise BadArgument("rngs", f"must hold {len(data.features)} generators, one per replication")
    if objective.batch_size:
        assert rngs is not None
        share = np.stack([_batch_share(objective, data, rng) for rng in rngs])
        return TrainingSet(data.features, share[:, :, None] * one_hot)
    if objective.dropout:
        assert rngs is not None
        keep = [rng.random((objective.draws, *data.features.shape[1:])) for rng in rngs]
        kept = (np.stack(keep) >= objective.dropout) / (1 - objective.dropout)
        copies = (data.features[:, None] * kept).reshape(len(rngs), -1, data.features.shape[2])
        return TrainingSet(copies, np.tile(plain / objective.draws, objective.draws)[None])
    if objective.mixup:
        assert rngs is not None
        mixed = [
            _mixed(objective, x, plain, rng) for x, rng in zip(data.features, rngs, strict=True)
        ]
        return TrainingSet(np.stack([x for x, _ in mixed]), np.stack([t for _, t in mixed]))
    if objective.smoothing:
        epsilon = objective.smoothing / n_classes
        if objective.smoothing_form == "own":
            spread = epsilon * plain.sum(axis=1, keepdims=True)
        else:
            spread = epsilon * data.class_weight[:, :, None]
        plain = (1 - objective.smoothing) * plain + spread
    return TrainingSet(data.features, plain[None])


def _batch_share(objective: Objective, data: Samples, rng: np.random.Generator) -> FloatArray:
    """Sum over minibatches of λ over the weights in the minibatch, per setting and sample.

    Scaled to the total mass of the plain loss, so that gradients are in its units.
    """
    n_samples = len(data.labels)
    assert objective.batch_size is not None
    batches = rng.integers(n_samples, size=(objective.n_batches, objective.batch_size))
    share = np.empty((len(data.class_weight), n_samples))
    for weight, out in zip(data.class_weight[:, data.labels], share, strict=True):
        drawn = weight[batches]
        part = drawn / drawn.sum(axis=1, keepdims=True)
        out[:] = np.bincount(batches.ravel(), weights=part.ravel(), minlength=n_samples)
    return share * (data.mass / objective.n_batches)[:, None]


def _mixed(
    objective: Objective, features: FloatArray, target: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Copies of every sample, each a mixture with another; the loss is mixed as the features are.

    Zhang, Cissé, Dauphin and Lopez-Paz (2018), ICLR.
    """
    copies, targets = [], []
    for _ in range(objective.draws):
        other = rng.permutation(len(features))
        share = rng.beta(objective.mixup, objective.mixup, len(features))
        copies.append(share[:, None] * features + (1 - share[:, None]) * features[other])
        targets.append((share * target + (1 - share) * target[..., other]) / objective.draws)
    return np.concatenate(copies), np.concatenate(targets, axis=-1)
