"""The record of a fitter: what every study with a choice of fitter does with a block's samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnprop.equations.mean_proba import Activation, FloatArray, IntArray
from learnprop.simulations.engine.footprint import NUMBER, BlockSize
from learnprop.simulations.fitters.fit import Fit, Fitted, LeftOut
from learnprop.simulations.generators.large_sample_limit import LargeSampleLimit


@dataclass(frozen=True)
class Batch:
    """Training samples of the replications of a block, and the settings to fit them under.

    Attributes
    ----------
    X : ndarray, shape (n_runs, n_samples, n_features)
    y : ndarray of int, shape (n_samples,)
    settings : tuple of str
        Names of the settings.
    values : sequence
        What each setting is: class weights λ, shape (n_classes,); under LGL-INR its β.
    device : str
    rngs : callable ``(stream) -> list of numpy.random.Generator``
        One per replication, for what a fitter draws: "start" or "minibatch".
    """

    X: FloatArray
    y: IntArray
    settings: tuple[str, ...]
    values: Sequence[Any]
    device: str
    rngs: Callable[[str], list[np.random.Generator]]


PENALTY = (
    "(α/2) Σ coef² is added to the weighted sum of losses, of the coefficients in the features' "
    "own units and not of the intercepts, with α = {l2:g}"
)


@dataclass(frozen=True)
class FitMemory:
    """Bytes that fits of a block take at their peak: of samples, and of Hessians.

    Once they are done, ``left_out`` is what it takes to leave the samples of one fit out of it.
    """

    samples: float
    hessians: float = 0.0
    left_out: float = 0.0


Memory = Callable[..., FitMemory]
"""``(size, **options) -> FitMemory``, of a `BlockSize`."""


def samples_alone(size: BlockSize, **_: object) -> FitMemory:
    """Memory of a fitter that holds little beside the samples: of two copies of them."""
    return FitMemory(2.0 * NUMBER * size.features)


def regression_memory(
    per_feature: float,
    of_one_run: float,
    per_hessian: float,
    *,
    joint: bool = False,
    pairs_up_to: int = 0,
) -> Memory:
    """Memory of regressions by Newton's method, which on a CPU take one run at a time.

    Parameters
    ----------
    per_feature : float
        Numbers at the peak for each feature of each training sample of each run; two more for each
        sample are the intercept's.
    of_one_run : float
        For each training sample of each fit of one run.
    per_hessian : float
        For each entry of each Hessian.
    joint : bool
        Whether the parameters of all classes are in one Hessian.
    pairs_up_to : int
        Parameters up to which the products of every pair of them are kept for each sample.

    Returns
    -------
    callable
    """

    def memory(size: BlockSize, **_: object) -> FitMemory:
        n_outputs, n_params = size.n_classes if joint else 1, size.n_features + 1
        # Measured at 1 to 60 features, 2 to 10 classes.
        of_sample_left_out = 3 * n_params + 2 * size.n_classes + (2 * n_outputs**2 if joint else 10)
        pairs = n_params**2 if n_params <= pairs_up_to else 0
        of_sample = per_feature * size.n_features + 2 + pairs
        of_sample_of_one_run = of_one_run * size.n_settings
        return FitMemory(
            NUMBER * size.n_samples * (size.n_runs * of_sample + of_sample_of_one_run),
            NUMBER * per_hessian * size.fits * (n_outputs * n_params) ** 2,
            NUMBER * (size.n_samples * of_sample_left_out + 4 * (n_outputs * n_params) ** 2),
        )

    return memory


def no_epochs(**_: Any) -> tuple[int, str]:
    """Epoch and stage of a fitter that has neither."""
    return 0, "raw"


@dataclass(frozen=True)
class Fitter:
    """What is fitted, and what is known of it.

    Attributes
    ----------
    title : str
        What it does, for protocols; its own options in braces. Of an option `l2` it need not speak.
    fit : callable ``(batch, **options) -> sequence of Fitted``
        One per stage; every run under every setting.
    activation : {"softmax", "sigmoid"}
        Of several logits. Of sigmoids the K equations are independent; else they sum to zero.
    headline : callable ``(**options) -> (epoch, stage)``
        Of the fits that tables are about.
    limit : LargeSampleLimit, optional
        Where fits end as their samples grow, if that is known; of a fitter with an option `l2`,
        where that is zero.
    memory : callable ``(size, **options) -> FitMemory``
        What the fits of a block take, as measured; by default the samples and little beside.
    leaves_out : bool
        Whether its fits say what each training sample would be predicted, had it been left out.
    """

    title: str
    fit: Callable[..., Sequence[Fitted]]
    activation: Activation = "softmax"
    headline: Callable[..., tuple[int, str]] = no_epochs
    limit: LargeSampleLimit | None = None
    memory: Memory = samples_alone
    leaves_out: bool = False

    def method(self, *, l2: float = 0.0, **options: Any) -> str:
        """What it does under its options, for protocols."""
        said = self.title.format(**options)
        return f"{said}; {PENALTY.format(l2=l2)}" if l2 else said

    def limit_under(self, *, l2: float = 0.0, **_: Any) -> LargeSampleLimit | None:
        """Where fits end under its options as their samples grow, if that is known."""
        if not l2 or self.limit is None:
            return self.limit
        return self.limit.penalised(l2) if self.limit.penalised else None


def one_fit(
    fit: Callable[..., Fit],
    logits_of: Callable[[FloatArray, FloatArray], FloatArray],
    *,
    title: str,
    activation: Activation = "softmax",
    limit: LargeSampleLimit | None = None,
    memory: Memory = samples_alone,
    left_out: Callable[..., FloatArray] | None = None,
) -> Fitter:
    """Make the record of a fitter without epochs or stages.

    Parameters
    ----------
    fit : callable ``(X, y, values, *, device, **options) -> Fit``
    logits_of : callable ``(X, params) -> logits``
        As in `Fitted`.
    title : str
    activation : {"softmax", "sigmoid"}
    limit : LargeSampleLimit, optional
    memory : callable ``(size) -> FitMemory``
        As in `Fitter`.
    left_out : callable ``(X, y, params, values, **options) -> logits``, optional
        Leave-one-out logits of a data set, of fits under the settings `values`.

    Returns
    -------
    Fitter
    """

    def fitted(batch: Batch, **options: Any) -> list[Fitted]:
        found = fit(batch.X, batch.y, batch.values, device=batch.device, **options)
        known = None
        if left_out is not None:
            known = left_out_by(left_out, found, np.asarray(batch.values), **options)
        return [Fitted(batch.settings, *no_epochs(), found, logits_of, activation, left_out=known)]

    return Fitter(
        title, fitted, activation, limit=limit, memory=memory, leaves_out=left_out is not None
    )


def left_out_by(
    left_out: Callable[..., FloatArray], fit: Fit, values: FloatArray, **options: Any
) -> LeftOut:
    """What says the leave-one-out logits of the fits of a block, for `Fitted`.

    Parameters
    ----------
    left_out : callable ``(X, y, params, values, **options) -> logits``
        Of one data set, and of fits under the settings `values`.
    fit : Fit
    values : ndarray, shape (n_settings, ...)
    **options

    Returns
    -------
    callable ``(X, y, run, which) -> logits``
    """

    def logits(X: FloatArray, y: IntArray, run: int, which: NDArray[np.bool_]) -> FloatArray:
        chosen = np.flatnonzero(which)  # one by one: the memory is that of one fit
        params = fit.params[run]
        found = [left_out(X, y, params[[k]], values[[k]], **options) for k in chosen]
        return np.concatenate(found) if found else np.empty((0, len(y)))

    return logits
