"""Separation: whether a loss without penalty has a minimum at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.optimize import linprog


def is_separated(features: ArrayLike, y: ArrayLike) -> bool:
    r"""Whether the classes are separated, completely or quasi-completely.

    Then, and only then, the unpenalised logistic or softmax loss has no finite minimiser: there is
    a direction in which no sample's own logit falls behind another class's, and some gets ahead.
    Decided by the linear programme

    .. math:: \max_{|\theta_{kp}| \le 1} \sum_i \sum_{j \ne y_i} (\theta_{y_i} - \theta_j)^T x_i
              \quad \text{subject to} \quad (\theta_{y_i} - \theta_j)^T x_i \ge 0 .

    Parameters
    ----------
    features : array_like, shape (n_samples, n_features)
    y : array_like, shape (n_samples,), labels 0 .. n_classes-1

    Returns
    -------
    bool

    References
    ----------
    Albert and Anderson (1984), Biometrika 71, 1-10; the programme: Konis (2007), DPhil thesis,
    University of Oxford.

    Examples
    --------
    >>> is_separated([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 2])
    True
    >>> is_separated([[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]], [0, 1, 0, 2, 1, 2])
    False
    """
    x = np.asarray(features, dtype=np.float64)
    labels = np.asarray(y)
    spread = x.std(axis=0)
    x = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    x = np.column_stack([x, np.ones(len(x))])
    n_params = x.shape[1]
    n_classes = int(labels.max()) + 1
    own, other = np.nonzero(np.arange(n_classes) != labels[:, None])
    row = np.arange(len(own)).repeat(n_params)
    columns = np.arange(n_params)
    ahead = sparse.csr_matrix(
        (x[own].ravel(), (row, (labels[own, None] * n_params + columns).ravel())),
        shape=(len(own), n_classes * n_params),
    ) - sparse.csr_matrix(
        (x[own].ravel(), (row, (other[:, None] * n_params + columns).ravel())),
        shape=(len(own), n_classes * n_params),
    )
    tolerances = ("primal_feasibility_tolerance", "dual_feasibility_tolerance")
    answer = linprog(
        -np.asarray(ahead.mean(axis=0)).ravel(),
        A_ub=-ahead,
        b_ub=np.zeros(len(own)),
        bounds=(-1, 1),
        options=dict.fromkeys(tolerances, 1e-10),
    )
    return bool(answer.status == 0 and -answer.fun > 1e-9)
