"""Separation: whether a loss without penalty has a minimum at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.csgraph import connected_components

from learnprop.equations.mean_proba import FloatArray, IntArray
from learnprop.simulations.minimisation.exact_direction import (
    Columns,
    columns_around,
    parts,
    snapped,
    with_exact_ties,
)

ATTEMPTS = 4
"""Linear programmes in as many systems of coordinates."""

MARGIN = 1e-2
"""Margin that the programme asks for, of coefficients of at most one."""

TIED = 1e-8
"""Margin at which a sample counts as tied; the programme is solved to 1e-10."""

FIRST_ROWS, MORE_ROWS, ROUNDS = 2000, 500, 40
"""Inequalities that the programme starts with, and gets, how often, where they are violated: of
ten classes of 1797 digits, whose inequalities are 16,173, it needs 2000 and seconds for minutes."""

WELL_CONDITIONED = 1e4
"""Condition number of the rows below which no direction has all its margins within `TIED` of zero:
that none was found in plain columns is then the answer."""

SNAP = 1e-9
"""Of the largest coefficient: what a linear programme may leave of a zero or of a difference."""

OUTLYING = 1e6
"""Typical distances from the median at which a value is an outlier that has its column left out."""

PIVOTS = 50_000
"""Of one programme: an end that no clock sets, so that every machine gives the same answer."""


Separated = Callable[[int, Iterable[FloatArray], bool], bool]
"""``(run, candidates, in_full) -> separated``: whether it is proven, by the candidates alone unless
in full. That is asked once: no weight parts classes, so that the settings share the answer."""


def is_separated(
    features: ArrayLike,
    y: ArrayLike,
    *,
    intercept: bool = True,
    candidates: Iterable[FloatArray] = (),
) -> bool:
    r"""Whether the classes are proven to be separated, completely or quasi-completely.

    Then, and only then, the unpenalised logistic or softmax loss has no finite minimiser: there is
    a direction with

    .. math:: (\theta_{y_i} - \theta_j)^T x_i \ge 0 \quad \text{for all } i \text{ and } j \ne y_i ,

    not all zero. True is said of a direction that satisfies this in exact arithmetic, whatever the
    units, offsets and outliers. Where Newton's iterates are no such direction, it comes from

    .. math:: \max_{|\theta_{kp}| \le 1} \sum_{ij} \min(m, (\theta_{y_i} - \theta_j)^T x_i)
              \quad \text{subject to} \quad (\theta_{y_i} - \theta_j)^T x_i \ge 0 ,

    with rows of unit size, in columns around the median, then around what is tied. False is also
    said where no direction could be proven, as of ties that bind more coefficients than
    `LARGEST_SYSTEM`.

    Parameters
    ----------
    features : array_like, shape (n_samples, n_features)
    y : array_like, shape (n_samples,), labels 0 .. n_classes-1
        A sample that is of two classes is given twice.
    intercept : bool
        Whether the hyperplanes may miss the origin.
    candidates : iterable of ndarray, shape (n_classes, n_features + 1)
        Coefficients and intercepts that may part the classes.

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
    >>> is_separated([[0.0], [2.0], [4.0], [1.0], [3.0], [5e9]], [0, 0, 0, 1, 1, 1])
    False
    """
    x, labels = np.asarray(features, dtype=np.float64), np.asarray(y).astype(np.int64)
    n_classes = int(labels.max()) + 1
    columns = columns_around(x, x, intercept=intercept)
    thetas = [_in_columns(theta, columns, intercept=intercept) for theta in candidates]
    if any(parts(columns, labels, theta) for theta in thetas):
        return True
    # A group of classes may be apart from all others: two are parted in a tenth of a second, where
    # the programme of ten classes takes ten.
    groups = _apart(columns, labels, thetas)
    if any(is_separated(x, group, intercept=intercept) for group in groups):
        return True
    # Beside an outlier the programme's tolerance hides what the other columns say on its row.
    with np.errstate(invalid="ignore"):
        tame = np.asarray((np.abs(columns.values[:, : x.shape[1]]) < OUTLYING).all(axis=0))
    if 0 < tame.sum() < len(tame) and is_separated(x[:, tame], labels, intercept=intercept):
        return True
    for attempt in range(ATTEMPTS):
        rows = np.clip(np.nan_to_num(columns.values, posinf=1e300, neginf=-1e300), -1e300, 1e300)
        rows = rows / np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-300)
        # First in plain columns, where ties are exact zeros; near collinearity needs whitened ones.
        basis = _whitening(rows) if attempt else np.eye(rows.shape[1])
        found = _best_direction(rows @ basis, labels, n_classes)
        if found is None:
            if attempt or np.linalg.cond(rows) < WELL_CONDITIONED:
                return False
            continue
        direction, margin = found
        if _proven(columns, labels, direction @ basis.T, margin):
            return True
        tied = (margin <= TIED).any(axis=1)
        columns = columns_around(x, x[tied], intercept=intercept)
    return False


def separation_of(
    samples_of: Callable[[int], tuple[FloatArray, IntArray]], *, intercept: bool = True
) -> Separated:
    """Whether the replications of a block are separated, remembering what was found.

    Parameters
    ----------
    samples_of : callable ``(run) -> (features, y)``
        As `is_separated` takes them.
    intercept : bool

    Returns
    -------
    callable
        See `Separated`.

    Examples
    --------
    >>> separated = separation_of(lambda run: (np.array([[0.0], [1.0]]), np.array([0, 1])))
    >>> separated(0, [], False), separated(0, [], True), separated(0, [], False)
    (False, True, True)
    """
    answers: dict[int, bool] = {}

    def separated(run: int, candidates: Iterable[FloatArray], in_full: bool) -> bool:
        if run in answers and (answers[run] or not in_full):
            return answers[run]
        x, labels = samples_of(run)
        if run in answers or not in_full:
            columns = columns_around(x, x, intercept=intercept)
            thetas = (_in_columns(theta, columns, intercept=intercept) for theta in candidates)
            found = any(parts(columns, labels, theta) for theta in thetas)
        else:
            found = is_separated(x, labels, intercept=intercept, candidates=candidates)
        if found or in_full:
            answers[run] = found
        return found

    return separated


def _in_columns(theta: FloatArray, columns: Columns, *, intercept: bool) -> FloatArray:
    """Coefficients in the features' own units as a direction."""
    with np.errstate(over="ignore", invalid="ignore"):
        slopes = theta[:, :-1] * columns.scale
        if not intercept:
            return slopes
        return np.column_stack([slopes, theta[:, -1] + theta[:, :-1] @ columns.centre])


def _apart(columns: Columns, labels: IntArray, thetas: list[FloatArray]) -> list[IntArray]:
    """Groups of some of more than two classes, which a candidate takes for none of the others.

    As labels, 1 for those of the group; they are but a guess.
    """
    found: dict[tuple[bool, ...], IntArray] = {}
    for theta in thetas:
        n_classes = len(theta)
        with np.errstate(over="ignore", invalid="ignore"):
            logits = columns.values @ theta.T
        wrong = ~(logits[np.arange(len(labels)), labels][:, None] > logits)
        confused = [wrong[labels == k].any(axis=0) for k in range(n_classes)]
        n_groups, group = connected_components(
            sparse.csr_matrix(np.array(confused)), directed=False
        )
        if n_groups > 1 and n_classes > 2:
            found |= {
                tuple(group == g): (group == g)[labels].astype(np.int64) for g in range(n_groups)
            }
    return list(found.values())


def _whitening(rows: FloatArray) -> FloatArray:
    """Basis in which the columns of `rows` are uncorrelated, of unit size; (n_columns, rank)."""
    _, size, axes = np.linalg.svd(rows, full_matrices=False)
    kept = size > 1e-13 * size[0]
    return np.asarray(axes[kept].T / (size[kept] / np.sqrt(len(rows))))


def _proven(columns: Columns, labels: IntArray, direction: FloatArray, margin: FloatArray) -> bool:
    """Whether a direction parts the classes, as it is or with its ties made exact."""
    if parts(columns, labels, direction):
        return True
    direction = snapped(direction, SNAP)
    if parts(columns, labels, direction):
        return True
    samples, classes = np.nonzero(margin <= TIED)
    exact = with_exact_ties(columns, labels, direction, (samples, classes))
    return exact is not None and parts(columns, labels, exact)


def _best_direction(
    rows: FloatArray, labels: IntArray, n_classes: int
) -> tuple[FloatArray, FloatArray] | None:
    """Direction of the programme, and its margins (n_samples, n_classes); inf to the own class.

    None where there is none but zero.
    """
    n_columns = rows.shape[1]
    rows = rows / np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-300)
    own, other = np.nonzero(np.arange(n_classes) != labels[:, None])
    total = np.array([rows[labels == k].sum(axis=0) for k in range(n_classes)])
    mean = (n_classes * total - rows.sum(axis=0)) / len(own)  # of all rows' inequalities
    # Spread over the samples: neighbours in a file are alike.
    chosen = np.unique(np.linspace(0, len(own) - 1, FIRST_ROWS).round().astype(np.int64))
    for _ in range(ROUNDS):
        theta = _solve_programme(rows, labels, mean, own[chosen], other[chosen])
        if theta is None:
            return None
        logits = rows @ theta.T
        margin = logits[np.arange(len(rows)), labels][:, None] - logits
        margin[np.arange(len(rows)), labels] = np.inf
        along = margin[own, other]
        if np.minimum(along, MARGIN).mean() <= TIED / n_columns and along.max() <= TIED:
            return None
        violated = np.setdiff1d(np.flatnonzero(along < -TIED), chosen)
        if not len(violated):
            return theta, margin
        worst = violated[np.argsort(along[violated], kind="stable")[:MORE_ROWS]]
        chosen = np.union1d(chosen, worst)
    return None


def _solve_programme(
    rows: FloatArray, labels: IntArray, mean: FloatArray, own: IntArray, other: IntArray
) -> FloatArray | None:
    """Solve the programme with some of its inequalities; of the others only the mean is sought."""
    n_classes, n_columns = mean.shape
    n, n_theta = len(own), (n_classes - 1) * n_columns  # the last class's are zero
    place = np.arange(n).repeat(n_columns), np.arange(n_columns)
    shape = (n, n_classes * n_columns)
    ahead, behind = (
        sparse.csr_matrix(
            (rows[own].ravel(), (place[0], (k[:, None] * n_columns + place[1]).ravel())), shape
        )
        for k in (labels[own], other)
    )
    inequalities = sparse.csr_matrix((ahead - behind)[:, :n_theta])
    inequalities.eliminate_zeros()
    tolerances = ("primal_feasibility_tolerance", "dual_feasibility_tolerance")
    answer = linprog(
        np.concatenate([-1e-3 * mean.ravel()[:n_theta], np.full(n, -1 / n)]),
        A_ub=sparse.hstack([-inequalities, sparse.identity(n)]).tocsr(),
        b_ub=np.zeros(n),
        bounds=[(-1, 1)] * n_theta + [(0, MARGIN)] * n,
        options={"maxiter": PIVOTS} | dict.fromkeys(tolerances, 1e-10),
    )
    if answer.status != 0:
        return None
    theta = np.zeros((n_classes, n_columns))
    theta.ravel()[:n_theta] = answer.x[:n_theta]
    return theta
