"""What a user knows of a training, and can state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import FloatArray, as_finite, as_number, as_whole
from learnprop.equations.violations.minibatch_mean import samples_of_one_loss


@dataclass(frozen=True)
class TrainingFacts:
    """What was said of a training; None of what was not.

    Attributes
    ----------
    batch_size : int, optional
        Samples drawn together, on all replicas.
    micro_batch : int, optional
        Samples of one call of the loss on one replica, where that is a part of a batch (gradient
        accumulation).
    replicas : int, optional
        Processes that share a batch, each of which divides by the weights of its own part.
    sampler_weight : ndarray, shape (n_classes,), optional
        With which samples of each class are drawn, as `WeightedRandomSampler` takes them.
    label_smoothing : float, optional
    bias : ndarray, shape (n_classes,), or False, optional
        The output bias; False where the output layer has none.
    sizes_known : bool
        Whether class sizes of training were given, and not taken from a fresh sample.

    Examples
    --------
    >>> TrainingFacts(batch_size=64, replicas=4).normalised_together
    16
    """

    batch_size: int | None = None
    micro_batch: int | None = None
    replicas: int | None = None
    sampler_weight: FloatArray | None = None
    label_smoothing: float | None = None
    bias: FloatArray | bool | None = None
    sizes_known: bool = True

    @property
    def normalised_together(self) -> int | None:
        """Samples that are divided by their own weights at once; None where that is not known."""
        if self.batch_size is None:
            return self.micro_batch
        replicas = 1 if self.replicas is None else self.replicas
        return samples_of_one_loss(self.batch_size, self.micro_batch, replicas)


def check_facts(
    n_classes: int,
    *,
    batch_size: Any = None,
    micro_batch: Any = None,
    replicas: Any = None,
    sampler_weight: FloatArray | None = None,
    label_smoothing: Any = None,
    bias: Any = None,
) -> TrainingFacts:
    """Return what was stated, if it can be.

    Parameters
    ----------
    n_classes : int
    batch_size, micro_batch, replicas, sampler_weight, label_smoothing, bias
        As in `TrainingFacts`; of two classes the bias may be the one of the second.

    Returns
    -------
    TrainingFacts

    Raises
    ------
    BadArgument

    Examples
    --------
    >>> check_facts(2, bias=[0.3]).bias  # of the two logits whose difference is the one
    array([-0.15,  0.15])
    >>> check_facts(2, batch_size=64, micro_batch=128)
    Traceback (most recent call last):
    ValueError: micro_batch must divide the 64 samples of a step on one replica, got 128
    """
    given = {"batch_size": batch_size, "micro_batch": micro_batch, "replicas": replicas}
    whole = {k: as_whole(v, k, 1) for k, v in given.items() if v is not None}
    batch, micro, ranks = (whole.get(name) for name in given)
    if ranks is not None and batch is None and micro is None:
        raise BadArgument("replicas", "must go with `batch_size`, which they share")
    if batch is not None:
        samples_of_one_loss(batch, micro, 1 if ranks is None else ranks)
    if label_smoothing is not None:
        label_smoothing = as_number(label_smoothing, "label_smoothing")
        if not 0 <= label_smoothing < 1:
            raise BadArgument("label_smoothing", f"must be in [0, 1), got {label_smoothing}")
    return TrainingFacts(
        batch, micro, ranks, sampler_weight, label_smoothing, _check_bias(bias, n_classes)
    )


def _check_bias(bias: Any, n_classes: int) -> FloatArray | bool | None:
    """Centred: a constant in all logits of a softmax is none."""
    if bias is None or (isinstance(bias, bool | np.bool_) and not bias):
        return None if bias is None else False
    if isinstance(bias, bool | np.bool_):
        raise BadArgument("bias", "must hold the output bias, or be False where there is none")
    b = as_finite(bias, "bias")
    b = b.reshape(-1) if b.ndim < 2 else b
    if n_classes == 2 and b.shape == (1,):
        b = np.array([0.0, b[0]])
    if b.shape != (n_classes,):
        raise BadArgument("bias", f"must hold {n_classes} numbers, one per class, got {b.shape}")
    return np.asarray(b - b.mean())
