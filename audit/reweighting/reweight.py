r"""Probabilities under other class masses, without training anew: `reweight`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, log_softmax, logit

from learnprop.audit.report.record import BalanceReport
from learnprop.audit.reweighting.kinds import like
from learnprop.audit.reweighting.weights import weights_between
from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import FloatArray, as_numbers
from learnprop.equations.labels import known_labels
from learnprop.equations.mean_proba import check_proba


def reweight(
    y_proba: ArrayLike | None = None,
    *,
    acts_upon: Any = None,
    to: Any = None,
    class_count: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    y_logits: ArrayLike | None = None,
) -> Any:
    r"""Move predicted probabilities from the class weights that they act upon to others.

    .. math:: f'_j = \frac{f_j\, w'_j / w_j}{\sum_k f_k\, w'_k / w_k},

    which adds :math:`\log(w'_j / w_j)` to each logit: a shift of the output bias, that leaves the
    features, and of two classes the ranking, as they are.

    Exact where f is the posterior under priors in proportion to w: then f' is the posterior under
    w'. Of any other classifier f' is what its logits say with that bias, and Eq. (9) under w' holds
    as nearly as f resembles a posterior. Where it shall hold exactly on a sample, the bias is to
    be found from that sample: `BalancedClassifier`.

    Parameters
    ----------
    y_proba : array_like, shape (n_samples, n_classes) or (n_samples,)
        Of numpy, pandas, polars or PyTorch. One per sample is that of the second of two classes.
    acts_upon : array_like, shape (n_classes,), dict, str or BalanceReport, optional
        λ that the classifier acts upon, up to a factor: in the order of the columns; by label,
        where a label that is missing weighs 1; ``equal``, ``inverse`` (or ``balanced``),
        ``sqrt-inverse``, ``effective-number``; or as `check` measured them. Equal ones by default.
    to : array_like, shape (n_classes,), dict, str or BalanceReport, optional
        λ that it shall act upon, in the same ways. Only the ratios of the two enter: where class
        sizes change too, both are given as masses λN, or as priors.
    class_count : array_like, shape (n_classes,), optional
        Training class sizes, for the names of schemes; those of a report where one is given.
    labels : array_like, shape (n_classes,), optional
        The label of each column, e.g. ``model.classes_``; by default the names of the columns of a
        DataFrame. Without either a dict or a Series has every label, and the columns are theirs in
        sorted order.
    y_logits : array_like, shape (n_samples, n_classes) or (n_samples,), optional
        Logits in the place of `y_proba`; logits are then returned.

    Returns
    -------
    array
        As `y_proba` in kind, shape, type and names; computed in float64 through logarithms, so
        that small probabilities keep their digits. Those that are 0 or 1 stay so. One per sample
        is known to 1e-16 of 1, and what it does not say of the other class is not to be had back.

    Raises
    ------
    ValueError
        If neither `acts_upon` nor `to` is given, both or neither of `y_proba` and `y_logits` are,
        or weights, labels or probabilities are not what they should be.

    References
    ----------
    Elkan (2001), The foundations of cost-sensitive learning, IJCAI, theorem 2, for two classes;
    Saerens, Latinne and Decaestecker (2002), Neural Computation 14, 21-41, for K.

    Examples
    --------
    A classifier trained with weights 1 and 9 says 0.5 where an unweighted one says 0.1:

    >>> reweight([0.5, 0.9], acts_upon=[1, 9]).round(12).tolist()
    [0.1, 0.5]
    >>> reweight([[0.9, 0.1]], to="inverse", class_count=[900, 100]).round(12).tolist()
    [[0.5, 0.5]]
    >>> import pandas as pd
    >>> said = pd.DataFrame([[0.5, 0.5]], columns=["yes", "no"])
    >>> reweight(said, acts_upon={"yes": 9}).round(12).to_dict("records")
    [{'yes': 0.1, 'no': 0.9}]
    """
    if (y_proba is None) == (y_logits is None):
        raise BadArgument("y_proba", "or `y_logits` must be given, one of them")
    if acts_upon is None and to is None:
        raise BadArgument("acts_upon", "or `to` must be given: equal weights are the other's")
    given = y_logits if y_proba is None else y_proba
    values = _logits(y_logits) if y_proba is None else _one_or_all(y_proba)
    n_classes = 2 if values.ndim == 1 else values.shape[1]
    names = _labels(given, n_classes, labels)
    if class_count is None:
        reports = (each for each in (acts_upon, to) if isinstance(each, BalanceReport))
        class_count = next((report.train_count for report in reports), None)
    before, after = (
        weights_between(each, name, n_classes, labels=names, class_count=class_count)
        for each, name in ((acts_upon, "acts_upon"), (to, "to"))
    )
    bias = np.log(after) - np.log(before)
    if y_proba is None:
        moved = values + (bias if values.ndim == 2 else bias[1] - bias[0])
    elif values.ndim == 1:
        moved = expit(logit(values) + (bias[1] - bias[0]))
    else:
        moved = proba_with_bias(values, bias)
    return like(moved, given)


def proba_with_bias(proba: FloatArray, bias: FloatArray) -> FloatArray:
    """Probabilities after a bias is added to their logarithms.

    Parameters
    ----------
    proba : ndarray of float64, shape (n_samples, n_classes)
    bias : ndarray of float64, shape (n_classes,)

    Returns
    -------
    ndarray of float64, shape (n_samples, n_classes)
        Zeros stay.

    Examples
    --------
    >>> proba_with_bias(np.array([[0.5, 0.5, 0.0]]), np.log([1.0, 3.0, 9.0])).round(12).tolist()
    [[0.25, 0.75, 0.0]]
    """
    with np.errstate(under="ignore"):
        return np.asarray(np.exp(log_proba_with_bias(proba, bias)))


def log_proba_with_bias(proba: FloatArray, bias: FloatArray) -> FloatArray:
    """Logarithms of `proba_with_bias`; of zeros -inf.

    Examples
    --------
    >>> log_proba_with_bias(np.array([[1.0, 0.0]]), np.array([0.0, 9.0])).tolist()
    [[0.0, -inf]]
    """
    with np.errstate(divide="ignore", under="ignore"):
        return np.asarray(log_softmax(np.log(proba) + bias, axis=1))


def _one_or_all(y_proba: Any) -> FloatArray:
    """Probabilities as they are given: one per sample stays one."""
    both = check_proba(y_proba, "y_proba")
    one = as_numbers(y_proba, "y_proba")
    return np.minimum(one, 1.0) if one.ndim == 1 else both


def _logits(y_logits: Any) -> FloatArray:
    z = as_numbers(y_logits, "y_logits")
    if z.ndim not in (1, 2) or (z.ndim == 2 and z.shape[1] < 2):
        said = f"must have shape (n_samples,) or (n_samples, n_classes >= 2), got {z.shape}"
        raise BadArgument("y_logits", said)
    if np.isnan(z).any() or (z == np.inf).any():
        raise BadArgument("y_logits", "holds NaN or infinity")
    return z


def _labels(given: Any, n_classes: int, labels: ArrayLike | None) -> list[Any] | None:
    """The label of each column, as said or as a DataFrame names them; None where nothing does."""
    columns: Any = getattr(given, "columns", None)
    named = columns is not None and not hasattr(columns, "step")
    names = list(columns) if named else None
    if labels is None:
        return names
    known = known_labels(labels, n_classes)
    if names is not None and known != names and set(known) == set(names):
        said = f"are {known}, but the columns are {names}"
        raise BadArgument("labels", said)
    return known
