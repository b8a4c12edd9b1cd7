"""Weights that a loss really has whose minibatches are divided by their own weights (E8)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from learnprop.equations.arguments import BadArgument, renamed
from learnprop.equations.arrays import FloatArray, as_whole
from learnprop.equations.balance import class_mass as mass_of
from learnprop.equations.class_weights import check_class_count, check_class_weight, class_weights

NODES = 20_001
"""Of the trapezoid rule."""

FEW_NODES = 2_001
"""The same 12 digits in a tenth of the time: 1000 classes take the inverse 2 s."""

SETTLED = 1e-12
"""Relative difference of the masses that the inverse acts upon from those that were asked for."""

LARGEST_STEP = 2.0
"""Of a log weight in one Newton step."""

NEAREST = 1e-6
"""Relative distance from what no weights reach: a weight is then a million times another."""


def minibatch_mean_class_weight(
    class_weight: ArrayLike | str,
    class_count: ArrayLike,
    batch_size: int,
    *,
    micro_batch: int | None = None,
    replicas: int = 1,
    sampler_weight: ArrayLike | str | None = None,
) -> FloatArray:
    r"""Weights that a loss really has whose minibatches are divided by their own weights.

    PyTorch's ``cross_entropy(weight=λ)`` divides by the weights in the minibatch. In i.i.d.
    minibatches of size B a sample of class k is weighted, on average, by

    .. math:: \lambda_k^{\mathrm{eff}} \propto s_k \lambda_k\, E \frac{1}{\lambda_k + S_{B-1}}
        = s_k \lambda_k \int_0^\infty e^{-t \lambda_k}
          \Big( \sum_c p_c e^{-t \lambda_c} \Big)^{B-1} dt,

    S the sum of the other B - 1 weights, s what the sampler draws a sample by (1 without) and
    :math:`p_c = s_c N_c / \sum_k s_k N_k`. The integral is taken by the trapezoid rule in log t,
    which converges exponentially.

    B is the number of samples in *one call* of the loss: of a step whose gradients are accumulated
    over micro-batches, or averaged over replicas, that of one micro-batch on one replica.

    Minibatches of a shuffled sample, without replacement, and a smaller last one of each epoch
    change little: of 10,000 and 100 samples at inverse weights and B = 64 the ratio is 45.08 as
    drawn anew, 45.20 without replacement, 45.16 with the last 52 as a minibatch of their own; of
    1,000 and 10 samples 46.28 and 45.80.

    Parameters
    ----------
    class_weight : str or array_like, shape (n_classes,)
        λ, or the name of a scheme, such as "inverse".
    class_count : array_like, shape (n_classes,)
        N, of the data, whatever the sampler.
    batch_size : int
        Samples of a step in all, at least 1. Divided by their weights together, unless the next two
        say that they are split. With 1 every sample weighs the same.
    micro_batch : int, optional
        Samples of one call of the loss on one replica, where gradients are accumulated.
    replicas : int
        Processes that share `batch_size`, each with a loss of its own, as
        ``DistributedDataParallel`` has them.
    sampler_weight : str or array_like, shape (n_classes,), optional
        What ``WeightedRandomSampler`` draws a sample of each class by, up to a factor, or the name
        of a scheme (`learnprop.equations.class_weights.class_weights`), such as "inverse".

    Returns
    -------
    ndarray of float64, shape (n_classes,), scaled to sum to one

    Raises
    ------
    ValueError
        If a weight or count is not positive, B is below 1, or the parts do not make up the whole.

    Examples
    --------
    >>> count = [10000, 100]
    >>> weight = minibatch_mean_class_weight("inverse", count, batch_size=64)
    >>> round(float(weight[1] / weight[0]), 1)  # not 100
    45.1
    >>> split = minibatch_mean_class_weight("inverse", count, 64, micro_batch=8)
    >>> round(float(split[1] / split[0]), 1)
    7.7
    """
    weight = _given_or_named(class_weight, class_count)
    mass = mass_of(weight, class_count)
    if mass.ndim != 1:
        raise BadArgument("class_weight", f"must be one-dimensional here, got shape {mass.shape}")
    together = samples_of_one_loss(batch_size, micro_batch, replicas)
    scaled = weight / weight.sum()
    count = check_class_count(class_count)
    drawn_by = _drawn_by(sampler_weight, count)
    drawn = count if drawn_by is None else count * drawn_by
    share = drawn / drawn.sum()
    effective = weight_in_minibatches(scaled, share, together, NODES)
    if drawn_by is not None:
        effective = effective * drawn_by
    return np.asarray(effective / effective.sum())


def weight_in_minibatches(
    weight: FloatArray, share: FloatArray, together: float, n_nodes: int = FEW_NODES
) -> FloatArray:
    r"""Mean weight :math:`\lambda_k E\,1/(\lambda_k + S_{B-1})` of a class's sample, for real B.

    Parameters
    ----------
    weight : ndarray, shape (n_classes,)
        λ.
    share : ndarray, shape (n_classes,)
        p, of the samples drawn, summing to one.
    together : float
        B, above 1: the integral interpolates between whole ones.
    n_nodes : int
        Of the trapezoid rule.

    Returns
    -------
    ndarray of float64, shape (n_classes,)

    Examples
    --------
    >>> weight, share = np.array([0.2, 0.8]), np.array([0.7, 0.3])
    >>> by_hand = weight * (share[0] / (weight + 0.2) + share[1] / (weight + 0.8))
    >>> np.allclose(weight_in_minibatches(weight, share, 2), by_hand, rtol=1e-12)
    True
    >>> between = weight_in_minibatches(weight, share, 2.5)
    >>> bool((between < by_hand).all())
    True
    """
    t, spacing = _nodes(weight, n_nodes)
    decay = np.exp(-t * weight[:, None])
    others = (share @ decay) ** (together - 1)
    return np.asarray(weight * (decay * others * t).sum(axis=1) * spacing)


def class_weight_for_minibatch_mean(
    class_weight: ArrayLike | str,
    class_count: ArrayLike,
    batch_size: int,
    *,
    micro_batch: int | None = None,
    replicas: int = 1,
    sampler_weight: ArrayLike | str | None = None,
) -> FloatArray:
    r"""Weights to pass to a loss so that it *acts* upon the weights that are asked for.

    The inverse of `minibatch_mean_class_weight`. In a minibatch class k has the part
    :math:`n_k \lambda_k / \sum_c n_c \lambda_c` of the loss; its mean :math:`q_k` is the gradient
    of the convex :math:`E \log \sum_c n_c \lambda_c` in :math:`\log \lambda_k`, whose Hessian is a
    Laplacian. Damped Newton steps lead to the masses :math:`w_k / \sum w` asked for.

    Not all can be reached. However large its weight, a class has no part of a minibatch that it is
    absent from: classes A must be asked for less than the probability that one of them is present,

    .. math:: \sum_{k \in A} w_k / \sum w < 1 - \Big(1 - \sum_{k \in A} p_k\Big)^B,

    for all A; then, and only then, there are such weights (the right side is a concave function of
    a sum, hence submodular, and the q fill the inside of its polytope). The A that are nearest to
    violating it are classes with the largest :math:`w_k / p_k`, so that K - 1 of them are tried. Of
    two classes of 100 and 10,000 samples, B = 64, no weights act upon more than 89.0 : 1. A loss
    with ``reduction="sum"``, divided by a constant, acts upon its weights at any batch size.

    Parameters
    ----------
    class_weight : str or array_like, shape (n_classes,)
        What it shall act upon, up to a factor, or the name of a scheme.
    class_count : array_like, shape (n_classes,)
    batch_size : int
        As `micro_batch`, `replicas` and `sampler_weight` as in `minibatch_mean_class_weight`.
    micro_batch : int, optional
    replicas : int
    sampler_weight : str or array_like, shape (n_classes,), optional

    Returns
    -------
    ndarray of float64, shape (n_classes,), scaled to sum to one

    Raises
    ------
    ValueError
        As `minibatch_mean_class_weight`; or if no weights act so: with a single sample to a loss,
        or classes absent from too many minibatches, in which case the error says how many samples
        are needed.

    Examples
    --------
    >>> count = np.array([10000, 100])
    >>> weight = class_weight_for_minibatch_mean(1 / count, count, batch_size=128)
    >>> round(float(weight[1] / weight[0]), 1)
    193.0
    >>> acts = minibatch_mean_class_weight(weight, count, batch_size=128)
    >>> round(float(acts[1] / acts[0]), 9)
    100.0
    >>> class_weight_for_minibatch_mean(1 / count, count, batch_size=64)
    Traceback (most recent call last):
    ValueError: batch_size must be at least 70 for these weights: class 1 is in 47.1 % of the ...
    """
    weight = _given_or_named(class_weight, class_count)
    mass = mass_of(weight, class_count)
    if mass.ndim != 1:
        raise BadArgument("class_weight", f"must be one-dimensional here, got shape {mass.shape}")
    together = samples_of_one_loss(batch_size, micro_batch, replicas)
    count = check_class_count(class_count)
    drawn_by = _drawn_by(sampler_weight, count)
    drawn = count if drawn_by is None else count * drawn_by
    share, wanted = drawn / drawn.sum(), mass / mass.sum()
    needed, said = _needed(wanted, share, together)
    if needed > together:
        if micro_batch is not None:
            raise BadArgument("micro_batch", f"must be at least {needed}{said}")
        raise BadArgument("batch_size", f"must be at least {needed * replicas}{said}")
    found = np.exp(_log_weight(wanted, share, together))
    return np.asarray(found / found.sum())


def samples_of_one_loss(batch_size: int, micro_batch: int | None = None, replicas: int = 1) -> int:
    """Samples of one call of the loss, as `minibatch_mean_class_weight` has them.

    Examples
    --------
    >>> samples_of_one_loss(64, replicas=4), samples_of_one_loss(64, 8, replicas=4)
    (16, 8)
    """
    size = as_whole(batch_size, "batch_size", 1)
    n_replicas = as_whole(replicas, "replicas", 1)
    if size % n_replicas:
        raise BadArgument("replicas", f"must divide `batch_size` {size}, got {n_replicas}")
    of_one = size // n_replicas
    if micro_batch is None:
        return of_one
    micro = as_whole(micro_batch, "micro_batch", 1)
    if of_one % micro:
        said = f"must divide the {of_one} samples of a step on one replica, got {micro}"
        raise BadArgument("micro_batch", said)
    return micro


def _given_or_named(class_weight: ArrayLike | str, class_count: ArrayLike) -> FloatArray:
    """Class weights as they are given, or those of a scheme."""
    if not isinstance(class_weight, str):
        return check_class_weight(class_weight)
    with renamed(scheme="class_weight"):
        return class_weights(class_weight, class_count)


def _drawn_by(sampler_weight: ArrayLike | str | None, count: FloatArray) -> FloatArray | None:
    """What a sample of each class is drawn by; None where all are drawn alike."""
    if sampler_weight is None:
        return None
    try:
        return class_weights(sampler_weight, count)
    except BadArgument as error:
        raise BadArgument("sampler_weight", error.problem) from None


def _nodes(scaled: FloatArray, n_nodes: int) -> tuple[FloatArray, float]:
    """Nodes t of the trapezoid rule in log t, and their spacing there."""
    # e^{-tλ} is 1 to 1e-16 below 1e-16 / max λ, and 0 above 750 / min λ.
    u = np.linspace(np.log(1e-18 / scaled.max()), np.log(1e3 / scaled.min()), n_nodes)
    return np.exp(u), u[1] - u[0]


def _needed(wanted: FloatArray, share: FloatArray, together: int) -> tuple[int, str]:
    """How many samples to a loss it takes for weights that act upon these masses, and why."""
    if together == 1:
        return 2, ": with one sample to a loss no weights act"
    order = np.argsort(-wanted / share, kind="stable")
    asked = np.cumsum(wanted[order])[:-1]
    rest, unasked = np.cumsum(share[order][::-1])[-2::-1], np.cumsum(wanted[order][::-1])[-2::-1]
    log_absent = together * np.log(rest)
    present = -np.expm1(log_absent)
    slack = np.where(asked < unasked, present - asked, unasked - np.exp(log_absent))
    tight = slack < NEAREST * np.minimum(present, np.exp(log_absent))
    if not tight.any():
        return together, ""
    needed = int(np.ceil((np.log(unasked) / np.log(rest))[tight].max() * (1 + NEAREST)))
    first = int(slack.argmin())
    which = sorted(int(k) for k in order[: first + 1])
    said = f"class {which[0]} is" if len(which) == 1 else f"{len(which)} of the classes are"
    why = (
        f" for these weights: {said} in {present[first]:.1%} of the minibatches of {together}, and "
        f"would have {asked[first]:.1%} of the mass"
    )
    return max(needed, together + 1), why.replace("%", " %")


def _log_weight(wanted: FloatArray, share: FloatArray, together: int) -> FloatArray:
    """Newton's method for log λ, up to a constant."""
    log_weight = np.log(wanted / share)
    for _ in range(1000):
        part, laplacian = _parts(log_weight, share, together)
        gradient = part - wanted
        if np.abs(gradient / wanted).max() <= SETTLED:
            return log_weight
        step = np.zeros_like(wanted)
        held = wanted.argmax()
        free = np.arange(len(wanted)) != held
        step[free] = np.linalg.solve(laplacian[np.ix_(free, free)], -gradient[free])
        log_weight += step * min(1.0, LARGEST_STEP / np.ptp(step))
        log_weight -= log_weight.mean()
    raise RuntimeError("the weights did not settle")


def _parts(
    log_weight: FloatArray, share: FloatArray, together: int
) -> tuple[FloatArray, FloatArray]:
    r"""Mean part of each class of a minibatch's weights, and its derivatives in log weights.

    With :math:`a_k = p_k \lambda_k e^{-t \lambda_k}` and M the mean of :math:`e^{-t\lambda}`, the
    part is :math:`B \int a_k M^{B-1} dt` and minus its derivative in the log weight of another
    class :math:`B (B-1) \int t\, a_k a_j M^{B-2} dt`.
    """
    weight = np.exp(log_weight - log_weight.max())
    t, spacing = _nodes(weight, FEW_NODES)
    decay = np.exp(-t * weight[:, None])
    mean = share @ decay
    log_mean = np.log(mean, where=mean > 0, out=np.full_like(t, -np.inf))
    own = (share * weight)[:, None] * decay
    part = together * spacing * (own @ (t * np.exp((together - 1) * log_mean)))
    flows = t**2 * np.exp((together - 2) * log_mean) if together > 2 else t**2
    laplacian = -together * (together - 1) * spacing * (own * flows) @ own.T
    np.fill_diagonal(laplacian, 0.0)
    np.fill_diagonal(laplacian, -laplacian.sum(axis=1))
    return part, laplacian
