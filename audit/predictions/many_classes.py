r"""Many classes: K² numbers, and sums over classes by passes over the samples.

The covariances within K classes are K³ numbers, eight gigabytes of a thousand classes. Intervals
and tests need K² of them, and sums :math:`\sum_k c_k S_k`, which are sums over samples,

.. math:: \sum_i \frac{c_{y_i} \omega_i^2}{\sum_{y = y_i} \omega^2} d_i d_i^T,
          \qquad d_i = f_i - \bar p_{y_i},

so that N K numbers are read again, and K² are held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from learnprop.audit.predictions.moments import ROUNDING, Sizes, add_sizes, sizes_of
from learnprop.audit.predictions.pieces import Misses, Piece, Source, in_order, misses_of, pieces_of
from learnprop.equations.arrays import FloatArray
from learnprop.equations.inference.within_class import WithinClass, side_factor

HELD = 5 * 10**7
"""Numbers of whitened rows that are held at once: 400 MB."""


def by_class_sums(misses: Misses, values: FloatArray, weight: FloatArray | None) -> FloatArray:
    """Weighted sums of the rows of each class, (n_classes, n_columns)."""
    n = len(misses.classes)
    data = np.ones(n) if weight is None else weight
    indicator = sparse.csr_array((data, np.arange(n), misses.rows), shape=(len(misses.rows) - 1, n))
    return np.asarray(indicator @ values)


@dataclass(frozen=True)
class Sums:
    """Sizes of the classes, and weighted sums of the rows of each: the first pass."""

    sizes: Sizes
    total: FloatArray

    @property
    def centre(self) -> FloatArray:
        """Means; those of an absent class are zero."""
        return self.total / np.where(self.sizes.first > 0, self.sizes.first, 1.0)[:, None]


def sums_of(misses: Misses) -> Sums:
    """Sums of a piece."""
    return Sums(sizes_of(misses), by_class_sums(misses, misses.values, misses.weight))


def add_sums(a: Sums, b: Sums) -> Sums:
    """Those of two pieces together."""
    return Sums(add_sizes(a.sizes, b.sizes), a.total + b.total)


def _deviations(piece: Piece, source: Source, centre: FloatArray) -> tuple[Misses, FloatArray]:
    """Deviations d of the probabilities of a piece, in the order of its classes."""
    misses = misses_of(piece, source)
    d = misses.values - centre[misses.classes]
    d[np.arange(len(d)), misses.classes] *= -1  # the own probability is one minus its miss
    return misses, d


def _squared(misses: Misses) -> FloatArray:
    return np.ones(len(misses.classes)) if misses.weight is None else misses.weight**2


def within_many_classes(
    source: Source,
    sizes: Sizes,
    centre: FloatArray,
    mean_proba: FloatArray,
    miss_proba: FloatArray,
    names: tuple[str, ...],
) -> WithinClass:
    """`WithinClass` by passes: one now, one for every sum over classes that is asked for."""
    n = sizes.effective

    def of_piece(piece: Piece) -> tuple[FloatArray, FloatArray]:
        misses, d = _deviations(piece, source, centre)
        weight = _squared(misses)
        own = d[np.arange(len(d)), misses.classes][:, None] * d
        return by_class_sums(misses, d**2, weight), by_class_sums(misses, own, weight)

    square, own = _added(of_piece, source)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance, own = square / sizes.second[:, None], own / sizes.second[:, None]
        own *= (n / (n - 1))[:, None]
    variance[variance <= (ROUNDING * centre) ** 2] = 0.0
    constant = not variance.any() and np.abs(mean_proba - mean_proba[0]).max() <= ROUNDING
    totals: dict[bytes, FloatArray] = {}  # of the last few coefficients

    def total(coefficient: FloatArray) -> FloatArray:
        key = coefficient.tobytes()
        if key not in totals:
            while len(totals) >= 3:
                totals.pop(next(iter(totals)))
            totals[key] = _total(source, sizes, centre, coefficient)
        return totals[key].copy()

    def between(ratio: FloatArray, coefficient: FloatArray) -> FloatArray:
        r"""Σ_k a_kj a_kl c_k S_kjl, where a_kj is ρ_j but for a_jj = 1."""
        of_own = coefficient[:, None] * own  # (j, l): c_j Cov_j(f_j, f_l)
        found = np.outer(ratio, ratio) * total(coefficient)
        found += of_own * (ratio * (1 - ratio)[:, None])
        found += (of_own * (ratio * (1 - ratio)[:, None])).T
        diagonal = (side_factor(ratio) ** 2 * coefficient[:, None] * variance_unbiased).sum(axis=0)
        np.fill_diagonal(found, diagonal)
        return found

    variance_unbiased = variance * (n / (n - 1))[:, None]
    return WithinClass(
        mean_proba, miss_proba, variance, n, sizes.unit, True, bool(constant), total,
        partial(_traces, source, sizes, centre), between, names,
    )  # fmt: skip


def _added(of_piece: Callable[[Piece], tuple[FloatArray, ...]], source: Source) -> list[FloatArray]:
    """Sums over pieces, in their order."""
    found: list[FloatArray] = []
    for parts in in_order(of_piece, pieces_of(source)):
        if found:
            for whole, part in zip(found, parts, strict=True):
                whole += part
        else:
            found = list(parts)
    return found


def _scale(sizes: Sizes, coefficient: FloatArray) -> FloatArray:
    """c_k n / (n - 1) / Σω²: what ω² of a sample is multiplied with."""
    n = sizes.effective
    return coefficient * n / (n - 1) / sizes.second


def _total(source: Source, sizes: Sizes, centre: FloatArray, coefficient: FloatArray) -> FloatArray:
    scale = _scale(sizes, coefficient)

    def of_piece(piece: Piece) -> tuple[FloatArray]:
        misses, d = _deviations(piece, source, centre)
        d *= np.sqrt(scale[misses.classes] * _squared(misses))[:, None]
        return (d.T @ d,)

    return _added(of_piece, source)[0]


def _traces(
    source: Source, sizes: Sizes, centre: FloatArray, coefficient: FloatArray, V: FloatArray
) -> tuple[FloatArray, FloatArray]:
    r"""Traces of V_k V^-1 and of its square: of the Gram matrix of the whitened rows of class k."""
    m, K = len(V), source.n_classes
    unit = np.sqrt(np.diagonal(V))
    root = linalg.cholesky(V / np.outer(unit, unit), lower=True)
    scale = _scale(sizes, coefficient)
    ends = np.cumsum(sizes.count * m)
    group = ends // HELD  # of classes whose rows are held at once
    traces, squares = np.zeros(K), np.zeros(K)
    for g in np.unique(group):
        members = group == g

        def of_piece(piece: Piece, members: NDArray[np.bool_] = members) -> Misses:
            chosen = np.flatnonzero(members[piece.chunk.classes])
            misses, d = _deviations(piece_at(piece, chosen), source, centre)
            d *= np.sqrt(scale[misses.classes] * _squared(misses))[:, None]
            white = linalg.solve_triangular(root, (d[:, :m] / unit).T, lower=True).T
            return Misses(misses.classes, misses.rows, white, None)

        held = list(in_order(of_piece, pieces_of(source)))
        for k in np.flatnonzero(members):
            white = np.concatenate([h.values[h.rows[k] : h.rows[k + 1]] for h in held])
            gram = white @ white.T if len(white) < m else white.T @ white
            traces[k], squares[k] = np.trace(gram), (gram**2).sum()
    return traces, squares


def piece_at(piece: Piece, rows: NDArray[np.intp]) -> Piece:
    """Some rows of a piece."""
    chunk = piece.chunk
    weight = None if chunk.weight is None else chunk.weight[rows]
    return Piece(
        piece.number, piece.first_row, type(chunk)(chunk.classes[rows], chunk.values[rows], weight)
    )


def products(source: Source, sizes: Sizes, coefficient: FloatArray) -> FloatArray:
    """Σ_k c_k E_k f_a f_b, (n_classes, n_classes), by a pass over the samples."""
    scale = np.asarray(coefficient, np.float64) / sizes.first

    def of_piece(piece: Piece) -> tuple[FloatArray]:
        misses = misses_of(piece, source)
        f, own = misses.values, (np.arange(len(misses.classes)), misses.classes)
        f[own] = 1 - f[own]
        weight = 1.0 if misses.weight is None else misses.weight
        f = f * np.sqrt(scale[misses.classes] * weight)[:, None]
        return (f.T @ f,)

    return _added(of_piece, source)[0]
