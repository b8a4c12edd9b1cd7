"""What each training sample would be predicted, had it been left out of the output layer (E13).

Its features stay as they are, of a network that has seen it: of what a network's overfitting is,
this is the output layer's share only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from learnprop.equations.leave_one_out.logits import left_out_softmax_logits
from learnprop.equations.leave_one_out.many_features import left_out_logits_of_many_features
from learnprop.simulations.refinement.seen import OutputLayers, Seen

LARGEST = 1.5e11
"""Multiplications for one network. A core makes 16e9 a second in matrices of samples, 9e9 in those
of features: 10 to 16 seconds, and a gigabyte. With 10 classes and a penalty that is 1,550 samples
of any features, or 2,180 of 512 features."""


def not_computed(
    class_count: Sequence[int], n_features: int, *, penalty: float, bias_penalty: float = 0.0
) -> str:
    """Say why an output layer at its minimum has no left-out predictions; empty where it has.

    Parameters
    ----------
    class_count : sequence of int, shape (n_classes,)
        Training samples.
    n_features : int
    penalty, bias_penalty : float
        Of the objective.

    Returns
    -------
    str

    Examples
    --------
    >>> not_computed([100] * 10, 800, penalty=1e-3)
    ''
    >>> not_computed([600] * 10, 800, penalty=1e-3)
    'not computed: 6,000 samples with 800 features are too many'
    >>> not_computed([100] * 10, 800, penalty=0.0)
    'not computed: 800 features are too many without a penalty'
    >>> not_computed([100] * 9 + [1], 800, penalty=1e-3)
    'not computed: a class has a single sample'
    """
    if min(class_count) < 2:
        return "not computed: a class has a single sample"
    n_samples = sum(class_count)
    ways = _operations(n_samples, n_features, len(class_count), penalty, bias_penalty)
    if min(ways.values()) > LARGEST and not penalty:
        return f"not computed: {n_features} features are too many without a penalty"
    if min(ways.values()) > LARGEST:
        return f"not computed: {n_samples:,} samples with {n_features} features are too many"
    return ""


def left_out_bytes(
    class_count: Sequence[int], n_features: int, *, penalty: float, bias_penalty: float = 0.0
) -> float:
    """Bytes of memory for one network, as measured; zero where nothing is computed.

    Parameters
    ----------
    class_count, n_features, penalty, bias_penalty
        As in `not_computed`.

    Returns
    -------
    float

    Examples
    --------
    >>> left_out_bytes([100] * 10, 800, penalty=1e-3) / 1e6
    272.0
    """
    if not_computed(class_count, n_features, penalty=penalty, bias_penalty=bias_penalty):
        return 0.0
    n_samples, n_classes = sum(class_count), len(class_count)
    ways = _operations(n_samples, n_features, n_classes, penalty, bias_penalty)
    if ways["samples"] < ways["features"]:
        return 8.0 * (3 * n_classes + 4) * n_samples**2
    return 8.0 * 5 * ((n_classes - 1) * (n_features + 1)) ** 2


def left_out_of_head(
    seen: Seen,
    layers: OutputLayers,
    class_share: torch.Tensor,
    *,
    penalty: float = 0.0,
    bias_penalty: float = 0.0,
) -> Seen | str:
    """Left-out predictions of the training sample of a single network, or why there are none.

    Parameters
    ----------
    seen : Seen
        The training sample, with the logits of `layers`.
    layers : OutputLayers
        At the minimum.
    class_share : tensor of float64, shape (1, n_classes)
        λ over the total mass.
    penalty, bias_penalty : float
        α and α_b, of the objective over the total mass.

    Returns
    -------
    Seen or str
        Without the bias, as any sample; the sentence begins with ``not computed:``.
    """
    (z,), (labels,) = seen.logits + layers.bias[:, None], seen.labels
    y, features = labels.cpu().numpy(), seen.features(0).double()
    count = np.bincount(y, minlength=z.shape[1]).tolist()
    n_features = features.shape[1]
    if reason := not_computed(count, n_features, penalty=penalty, bias_penalty=bias_penalty):
        return reason
    logits, weight = z.cpu().numpy(), class_share[0, labels].cpu().numpy()
    ways = _operations(len(y), n_features, len(count), penalty, bias_penalty)
    if ways["samples"] < ways["features"]:
        found = left_out_logits_of_many_features(features, logits, y, weight, penalty, bias_penalty)
    else:
        found = left_out_softmax_logits(features.cpu().numpy(), logits, y, weight, penalty)
    if np.isnan(found).any():
        return "not computed: without a sample nothing is left to tell its logits"
    return replace(
        seen, logits=torch.as_tensor(found, device=z.device)[None] - layers.bias[:, None]
    )


def _operations(
    n_samples: int, n_features: int, n_classes: int, penalty: float, bias_penalty: float
) -> dict[str, float]:
    """Multiplications by the space in which a Hessian is inverted; infinite where it cannot be."""
    m, n_params = n_classes - 1, n_features + 1
    features = (m * n_params) ** 3 + m * (m + 1) * n_samples * n_params**2
    return {
        "samples": 4.0 * n_classes * n_samples**3 if penalty else math.inf,
        "features": math.inf if bias_penalty else float(features),
    }
