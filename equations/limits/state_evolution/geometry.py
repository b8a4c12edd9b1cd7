"""Shares of the classes, and their means from the distances between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import FloatArray, as_no_truth, by_class

EUCLIDEAN_TO = 1e-9
"""How far below zero an eigenvalue may be, in units of the largest distance squared."""

SUM_TO = 1e-6
"""How far from one the sum of shares may be, which are then divided by it."""


def check_class_share(class_share: ArrayLike) -> FloatArray:
    """Return shares as float64 if they are those of at least two classes, and sum to one.

    Parameters
    ----------
    class_share : array_like, shape (n_classes,)

    Returns
    -------
    ndarray of float64, shape (n_classes,)

    Raises
    ------
    BadArgument

    Examples
    --------
    >>> check_class_share([0.9, 0.1]).tolist()
    [0.9, 0.1]
    >>> check_class_share([90, 10])
    Traceback (most recent call last):
    ValueError: class_share must be positive and sum to one, got [90.0, 10.0]
    """
    share = by_class(class_share, "class_share")
    if share.ndim != 1 or len(share) < 2:
        raise BadArgument("class_share", f"must hold at least 2 shares, got shape {share.shape}")
    if not (share > 0).all() or not abs(share.sum() - 1) <= SUM_TO:
        said = f"must be positive and sum to one, got {shown(share)}"
        raise BadArgument("class_share", said)
    return np.asarray(share / share.sum())


def means_at(separation: ArrayLike, n_classes: int) -> FloatArray:
    r"""Means with given distances, by classical scaling, around their centroid.

    With D the distances and J the centring matrix, :math:`-\tfrac12 J D^{\circ 2} J` holds the
    inner products of the means (Torgerson 1952); it has no negative eigenvalue if and only if
    points with these distances exist.

    Parameters
    ----------
    separation : float or array_like, shape (n_classes, n_classes)
        Distance between any two means, or between each two, in standard deviations of a feature.
    n_classes : int

    Returns
    -------
    ndarray of float64, shape (n_classes, n_classes - 1)

    Raises
    ------
    BadArgument
        If it is neither, or there are no points with these distances.

    Examples
    --------
    >>> np.abs(means_at(2.0, 2)).round(12).tolist()
    [[1.0], [1.0]]
    >>> means_at([[0, 1, 3], [1, 0, 1], [3, 1, 0]], 3)
    Traceback (most recent call last):
    ValueError: separation must be distances between points, got [[0, 1, 3], [1, 0, 1], [3, 1, 0]]
    """
    distance = as_no_truth(separation, "separation")
    if distance.ndim == 0:
        distance = distance * (1 - np.eye(n_classes))
    wrong = BadArgument("separation", f"must be distances between points, got {shown(separation)}")
    if distance.shape != (n_classes, n_classes):
        raise BadArgument(
            "separation",
            f"must be a distance or shape {(n_classes, n_classes)}, got shape {distance.shape}",
        )
    if not np.isfinite(distance).all() or (distance < 0).any():
        raise BadArgument("separation", f"must be finite and not negative, got {shown(separation)}")
    centring = np.eye(n_classes) - 1 / n_classes
    scale = distance.max() or 1.0
    if np.abs(distance - distance.T).max() > EUCLIDEAN_TO * scale or distance.diagonal().any():
        raise wrong
    value, vector = np.linalg.eigh(-centring @ (distance / scale) ** 2 @ centring / 2)
    if value[0] < -EUCLIDEAN_TO:
        raise wrong
    # The null vector of J is among those of the least eigenvalue; any n_classes - 1 others do.
    return np.asarray(scale * vector[:, 1:] * np.sqrt(np.maximum(value[1:], 0.0)))
