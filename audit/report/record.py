"""What an audit found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from learnprop.audit.inference.groups import GroupBalance
from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.equations.inference.estimates import Estimate, Verdict
from learnprop.equations.inference.joint import JointTest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from learnprop.audit.causes.cause import Cause


@dataclass(frozen=True, repr=False)
class BalanceReport:
    """What an audit found of one classifier, on one sample of fresh data.

    Attributes
    ----------
    labels : tuple
        The label of each class.
    class_weight : ndarray, shape (n_classes,)
        The weights that were stated, scaled to sum to one.
    train_count : ndarray, shape (n_classes,)
        Class sizes of training.
    count : ndarray of int64, shape (n_classes,)
        Samples of each class that were measured.
    mean_proba : ndarray, shape (n_classes, n_classes)
        P of Eq. (9).
    effective : tuple of Estimate, one per class
        The weights that it acts upon, scaled to sum to one.
    left, right, residual : ndarray, shape (n_classes,)
        Both sides of Eq. (9) and their difference r_j, over the total mass.
    gaps : tuple of Estimate, one per class
        left / right - 1, at the level of `level`, one by one.
    verdicts : tuple of str, one per class
    verdict : str
        On all classes at once.
    joint : JointTest
        Of this model on fresh data.
    expected_misses : ndarray, shape (n_classes,)
    warnings : tuple of str
        What a reader must know: too few misses, sizes that were taken from the sample, rounding.
    causes : tuple of Cause
        The most likely first; empty where the residual is what a training sample of this size
        leaves.
    considered : tuple of Cause
        All that was tried, those that the observed residual refutes last; empty where there was
        nothing to explain.
    groups : tuple of GroupBalance
        Where `by` or `bins` were asked for.
    margin, level : float
    stated : bool
        Whether class weights were stated; else equal ones are assumed.
    """

    labels: tuple[Any, ...]
    class_weight: FloatArray
    train_count: FloatArray
    count: IntArray
    mean_proba: FloatArray
    effective: tuple[Estimate, ...]
    left: FloatArray
    right: FloatArray
    residual: FloatArray
    gaps: tuple[Estimate, ...]
    verdicts: tuple[Verdict, ...]
    verdict: Verdict
    joint: JointTest
    expected_misses: FloatArray
    warnings: tuple[str, ...]
    causes: tuple[Cause, ...]
    considered: tuple[Cause, ...]
    groups: tuple[GroupBalance, ...]
    margin: float
    level: float
    stated: bool = True

    def to_frame(self, table: str = "classes") -> pd.DataFrame:
        """Return one of the tables of the report, tidy and whole.

        Parameters
        ----------
        table : {"classes", "causes", "considered", "groups"}
            One row for each class; for each cause and class; for each group and class.

        Returns
        -------
        DataFrame
            Of classes: ``class_weight`` and ``effective_weight`` with its ends sum to one;
            ``relative_weight`` is the effective weight over the sum of all others, over the same as
            stated, so that of two classes ``relative_weight`` times the stated ratio is the ratio
            that it acts upon. Sides, residual and gap of Eq. (9) are in the units of the record.

        Raises
        ------
        ValueError
            If there is no such table.

        Examples
        --------
        >>> import numpy as np
        >>> from learnprop import check
        >>> rng = np.random.default_rng(0)
        >>> p = rng.beta(2, 6, 40_000)  # calibrated: it acts upon equal weights
        >>> report = check((rng.random(40_000) < p).astype(int), p, class_weight=[1, 3])
        >>> report.to_frame()[["relative_weight", "verdict"]].round(1).values.tolist()
        [[3.0, 'fails'], [0.3, 'fails']]
        """
        from learnprop.audit.report.frame import frame_of

        return frame_of(self, table)

    def to_latex(self, table: str = "classes") -> str:
        r"""Return one of the tables of the report as a booktabs ``tabular``.

        Parameters
        ----------
        table : {"classes", "causes", "groups"}
            Of more than 20 classes or groups those that are furthest off.

        Returns
        -------
        str

        Raises
        ------
        ValueError
            If there is no such table.

        Examples
        --------
        >>> import numpy as np
        >>> from learnprop import check
        >>> rng = np.random.default_rng(0)
        >>> p = rng.beta(2, 6, 40_000)
        >>> report = check((rng.random(40_000) < p).astype(int), p)
        >>> report.to_latex().splitlines()[0]
        '\\begin{tabular}{lccccccccc}'
        """
        from learnprop.audit.report.latex import latex_of

        return latex_of(self, table)

    def plot(self, kind: str = "gaps", *, ax: Axes | None = None) -> Axes:
        """Draw one picture of the report.

        Parameters
        ----------
        kind : {"gaps", "weights", "causes", "groups"}
            Left against right side of Eq. (9), class by class, with the margin; the weights that it
            acts upon beside those that were stated; predicted against observed residuals of the
            causes; gaps within groups or bins. Of more than 20 classes, all of them by rank.
        ax : matplotlib Axes, optional
            By default those of a new figure of pyplot. A figure of your own has room for all words
            if it is made with ``layout="constrained"``.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        ValueError
            If there is no such picture, or nothing to draw.

        Examples
        --------
        >>> import numpy as np
        >>> from learnprop import check
        >>> from matplotlib.figure import Figure
        >>> rng = np.random.default_rng(0)
        >>> p = rng.beta(2, 6, 40_000)
        >>> report = check((rng.random(40_000) < p).astype(int), p)
        >>> report.plot("weights", ax=Figure().subplots()).get_xlabel()
        'weight over that of class 0'
        """
        from learnprop.audit.report.figure import plot_report

        return plot_report(self, kind, ax)

    def __repr__(self) -> str:
        from learnprop.audit.report.words import in_one_line

        return in_one_line(self)

    def __str__(self) -> str:
        from learnprop.audit.report.console import report_text

        return report_text(self)

    def _repr_html_(self) -> str:
        from learnprop.audit.report.html import html_of

        return html_of(self)
