"""Class sizes of long-tailed and step-wise imbalanced data."""

from __future__ import annotations

import math

from learnprop.equations.arguments import BadArgument, one_of

PROFILES = ("exponential", "step")


def class_sizes(
    n_classes: int, largest: int, ratio: float, profile: str = "exponential"
) -> tuple[int, ...]:
    r"""Class sizes that fall from `largest` by a factor of `ratio` in all.

    .. math:: N_k = \mathrm{round}\big( N_0\, \rho^{-k/(K-1)} \big), \qquad k = 0, \dots, K-1

    for the exponential profile; for the step profile the first :math:`\lceil K/2 \rceil` classes
    have :math:`N_0` samples and the others :math:`\mathrm{round}(N_0/\rho)`. Halves are rounded
    to the even number.

    Parameters
    ----------
    n_classes : int
        K, at least 2.
    largest : int
        N_0, samples of class 0.
    ratio : float
        ρ, size of the largest class over that of the smallest, at least 1.
    profile : {"exponential", "step"}

    Returns
    -------
    tuple of int, length n_classes
        Positive and not increasing.

    Raises
    ------
    ValueError
        If a number is out of range, the profile is unknown or a class would be empty.

    References
    ----------
    Cui et al. (2019), CVPR, for the exponential profile; Buda et al. (2018), Neural Networks 106,
    for the step.

    Examples
    --------
    >>> class_sizes(3, 1000, 100)
    (1000, 100, 10)
    >>> class_sizes(3, 1000, 100, "step")
    (1000, 1000, 10)
    """
    from learnprop.equations.arrays import as_number, as_whole

    one_of(profile, "profile", PROFILES)
    n_classes, largest = as_whole(n_classes, "n_classes", 2), as_whole(largest, "largest", 1)
    ratio = as_number(ratio, "ratio")
    if not (math.isfinite(ratio) and ratio >= 1):
        raise BadArgument("ratio", f"must be finite and at least 1, got {ratio}")
    if profile == "exponential":
        power = [k / (n_classes - 1) for k in range(n_classes)]
    else:
        power = [float(k >= (n_classes + 1) // 2) for k in range(n_classes)]
    sizes = tuple(round(largest / ratio**p) for p in power)
    if sizes[-1] < 1:
        raise BadArgument(
            "ratio", f"{ratio:g} leaves class {sizes.index(0)} empty where `largest` is {largest}"
        )
    return sizes
