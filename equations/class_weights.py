r"""Choices of the class weights λ.

Only ratios of weights matter to Eq. (9) and (10); every scheme here is scaled to sum to one, which
is Table 1's convention :math:`\lambda_1 = 1 - \lambda_0`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from learnprop.equations import BETA
from learnprop.equations.arguments import BadArgument, one_of, shown
from learnprop.equations.arrays import FloatArray, as_flag, as_number, by_class

SCHEMES: dict[str, Callable[[FloatArray, float], FloatArray]] = {
    "equal": lambda count, _: np.ones_like(count),
    "inverse": lambda count, _: 1.0 / count,
    "sqrt-inverse": lambda count, _: 1.0 / np.sqrt(count),
    "effective-number": lambda count, beta: _effective_number(count, beta),
}


def _effective_number(count: FloatArray, beta: float) -> FloatArray:
    beta = as_number(beta, "beta")
    if not 0 <= beta < 1:
        raise BadArgument("beta", f"must satisfy 0 <= beta < 1, got {beta}")
    if beta == 0:
        return np.ones_like(count)
    return np.asarray(-1.0 / np.expm1(count * np.log(beta)))


def check_class_weight(class_weight: ArrayLike, name: str = "class_weight") -> FloatArray:
    """Return `class_weight` as float64 if it holds at least two positive, finite weights.

    Parameters
    ----------
    class_weight : array_like, shape (..., n_classes)
    name : str
        What to call the argument in an error.

    Returns
    -------
    ndarray of float64, shape (..., n_classes)

    Raises
    ------
    ValueError
        If a weight is negative, zero, infinite or NaN, or there are fewer than two.

    Examples
    --------
    >>> check_class_weight([1, 3])
    array([1., 3.])
    """
    try:
        weight = by_class(class_weight, name)
    except BadArgument as error:
        raise BadArgument(name, error.problem + _how_to_give(class_weight)) from None
    if weight.ndim < 1 or weight.shape[-1] < 2:
        raise BadArgument(name, f"must hold at least 2 classes, got shape {weight.shape}")
    if not (np.isfinite(weight).all() and (weight > 0).all()):
        raise BadArgument(name, f"must be positive and finite, got {shown(weight)}")
    return weight


def _how_to_give(class_weight: Any) -> str:
    """What to give instead of scikit-learn's words and dicts, for an error."""
    if isinstance(class_weight, str):
        scheme = class_weight if class_weight in SCHEMES else "inverse"
        return f"; learnprop.class_weights({scheme!r}, class_count) holds them"
    return "; one for each class, in their order" if isinstance(class_weight, dict) else ""


def check_class_count(class_count: ArrayLike, n_classes: int | None = None) -> FloatArray:
    """Return `class_count` as float64 if it holds at least two positive sizes.

    Parameters
    ----------
    class_count : array_like, shape (..., n_classes)
    n_classes : int, optional
        How many there must be; then they have no other axis.

    Returns
    -------
    ndarray of float64, shape (..., n_classes)

    Raises
    ------
    ValueError
        If they are not so many, or one is not positive and finite.

    Examples
    --------
    >>> check_class_count([100, 300])
    array([100., 300.])
    """
    count = by_class(class_count, "class_count")
    if n_classes is not None and count.shape != (n_classes,):
        raise BadArgument("class_count", f"must hold {n_classes} sizes, got shape {count.shape}")
    if count.ndim < 1 or count.shape[-1] < 2:
        raise BadArgument("class_count", f"must hold at least 2 sizes, got shape {count.shape}")
    if not (np.isfinite(count).all() and (count > 0).all()):
        raise BadArgument("class_count", f"must be positive, got {shown(count)}")
    return count


def class_weights(
    scheme: str | ArrayLike, class_count: ArrayLike, *, beta: float = BETA
) -> FloatArray:
    r"""Class weights of a named scheme, or the given ones, scaled to sum to one.

    ``equal``: :math:`\lambda_k \propto 1`; ``inverse``: :math:`1/N_k` (the paper's inverse class
    frequency); ``sqrt-inverse``: :math:`1/\sqrt{N_k}` (Mahajan et al. 2018);
    ``effective-number``: :math:`(1 - \beta) / (1 - \beta^{N_k})` (Cui et al. 2019).

    Parameters
    ----------
    scheme : str or array_like, shape (n_classes,)
        Name of a scheme, or explicit weights.
    class_count : array_like, shape (n_classes,)
        N, positive.
    beta : float
        β of ``effective-number``, 0 <= β < 1: equal weights at 0, inverse frequency towards 1.

    Returns
    -------
    ndarray of float64, shape (n_classes,)

    Raises
    ------
    ValueError
        If the scheme is unknown, explicit weights are not positive or of the wrong length, a
        class is empty, or β is out of range.

    Examples
    --------
    >>> class_weights("inverse", [100, 300])
    array([0.75, 0.25])
    >>> class_weights([1, 3], [100, 300])
    array([0.25, 0.75])
    """
    if isinstance(class_count, str):
        raise BadArgument(
            "class_count",
            f"must hold the size of each class, got {class_count!r}: `scheme` is "
            "the first argument",
        )
    count = check_class_count(class_count)
    if count.ndim != 1:
        raise BadArgument("class_count", f"must be one-dimensional, got shape {count.shape}")
    if isinstance(scheme, str):
        weight = SCHEMES[one_of(scheme, "scheme", SCHEMES)](count, beta)
    else:
        weight = check_class_weight(scheme, "scheme")
        if weight.shape != count.shape:
            raise BadArgument(
                "scheme", f"must hold {len(count)} weights, one per class, got shape {weight.shape}"
            )
    return np.asarray(weight / weight.sum())


def table1_class_weights(
    class_count: ArrayLike, *, as_printed: bool = False
) -> dict[str, FloatArray]:
    r"""The three λ settings of Table 1, with :math:`\lambda_1 = 1 - \lambda_0`.

    The printed headings exchange N_0 and N_1 (errata.md, 1). With (N_0, N_1) = (1000, 10000)
    the corrected :math:`\lambda_0` = 1/2, N_1/(N_0+N_1), 2N_1/(2N_1+N_0) give the printed right
    sides 10, 1 and 0.5; the headings as printed give 10, 100 and 50.

    Parameters
    ----------
    class_count : array_like, shape (2,)
        Training class sizes (N_0, N_1).
    as_printed : bool
        The headings as the paper prints them.

    Returns
    -------
    dict of str to ndarray of float64, shape (2,)
        Label of the setting (the formula of λ_0) to (λ_0, λ_1), in the paper's order.

    Examples
    --------
    >>> for label, weight in table1_class_weights([1000, 10000]).items():
    ...     print(f"{label:16} {weight[1] * 10000 / (weight[0] * 1000):.4g}")
    1/2              10
    N1/(N0+N1)       1
    2N1/(2N1+N0)     0.5
    """
    n0, n1 = check_class_count(class_count, 2)
    if as_flag(as_printed, "as_printed"):
        unscaled = {"1/2": (1.0, 1.0), "N0/(N0+N1)": (n0, n1), "2N0/(2N0+N1)": (2 * n0, n1)}
    else:
        unscaled = {"1/2": (1.0, 1.0), "N1/(N0+N1)": (n1, n0), "2N1/(2N1+N0)": (2 * n1, n0)}
    return {label: class_weights(pair, (n0, n1)) for label, pair in unscaled.items()}
