"""What a design found: weights for a target, and what the bias alone would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import expit

from learnprop.audit.design.roads import Road
from learnprop.audit.design.target import Target
from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.equations.inference.estimates import Estimate

if TYPE_CHECKING:
    import pandas as pd

Better = Literal["weights", "bias alone", "decision alone", "equal", "neither", "unknown"]


@dataclass(frozen=True)
class DesignReport:
    """Class weights for a target, verified, beside the bias that would do instead.

    Attributes
    ----------
    target : Target
    labels : tuple
        The label of each class.
    fitter : str
    train_count, test_count : ndarray of int64, shape (n_classes,)
        Samples of each class in every run, to fit and to verify.
    prior : ndarray, shape (n_classes,)
        Shares of the classes that accuracy, log-loss and cost are of.
    class_weight : ndarray, shape (n_classes,)
        λ, its mean over a training sample one: scikit-learn's scale, in which "balanced" is the
        inverse class frequency.
    bias : ndarray, shape (n_classes,)
        To be added to the logits of a model with equal weights instead; zeros of a cost, where the
        decision is changed and no bias.
    equal, weights, alone : Road
        Equal weights; the weights that were designed; equal weights, and only the bias moved (of a
        cost, the decision).
    criterion : str
        What the two roads are compared by.
    difference : Estimate
        Of it, weights minus bias alone, paired by run; once a last bias has brought both to the
        target on these very samples, so that the one is not better for having overshot it.
    better : {"weights", "bias alone", "decision alone", "equal", "neither", "unknown"}
        The road that may reach the target where the other does not; "neither" where none may; else
        the one that the difference speaks for, with its interval. "unknown" where a run has no
        finite number.
    runs, n_fits : int
        Runs of the verification, and times that as many other training samples were fitted to find
        the weights.
    ratio : float
        Of test to training samples where runs split one data set; zero where each is drawn afresh.
    level, margin : float
    seed : int
    warnings : tuple of str
    """

    target: Target
    labels: tuple[Any, ...]
    fitter: str
    train_count: IntArray
    test_count: IntArray
    prior: FloatArray
    class_weight: FloatArray
    bias: FloatArray
    equal: Road
    weights: Road
    alone: Road
    criterion: str
    difference: Estimate
    better: Better
    runs: int
    n_fits: int
    ratio: float
    level: float
    margin: float
    seed: int
    warnings: tuple[str, ...]

    @property
    def roads(self) -> tuple[Road, Road, Road]:
        """Equal weights, weights, and bias or decision alone."""
        return self.equal, self.weights, self.alone

    @property
    def class_weight_by_label(self) -> dict[Any, float]:
        """The weights as scikit-learn takes them: ``estimator.set_params(class_weight=...)``."""
        return dict(zip(self.labels, self.class_weight.tolist(), strict=True))

    @property
    def proba_factor_by_label(self) -> dict[Any, float]:
        """What probabilities by equal weights are multiplied by, which `reweight` takes as `to`.

        The exponential of the bias, whatever weights it took to train the same; of a cost the
        weights, under which the largest probability is the decision.
        """
        factor = self.class_weight if self.target.kind == "cost" else np.exp(self.bias)
        return dict(zip(self.labels, factor.tolist(), strict=True))

    @property
    def threshold(self) -> float:
        """Of two classes: the probability by equal weights above which the second is the answer."""
        if len(self.labels) > 2:
            return float("nan")
        shift = np.log(self.class_weight) if self.target.kind == "cost" else self.bias
        return float(expit(shift[0] - shift[1]))

    def to_frame(self) -> pd.DataFrame:
        """A row for each number that was measured of each road.

        Returns
        -------
        DataFrame
            Columns road, quantity, label (None of what is of all classes), asked, value, low, high.
        """
        from learnprop.audit.design.table import frame_of

        return frame_of(self)

    def to_latex(self) -> str:
        """Write the table as a booktabs ``tabular`` that can be input anywhere."""
        from learnprop.audit.design.table import grid_of
        from learnprop.reports.layout.grid import to_latex
        from learnprop.reports.layout.numbers import LATEX

        return to_latex(grid_of(self, LATEX))

    def sentences(self) -> list[str]:
        """What was found, in words."""
        from learnprop.audit.design.words import sentences_of

        return sentences_of(self)

    def __repr__(self) -> str:
        from learnprop.audit.design.words import in_one_line

        return in_one_line(self)

    def __str__(self) -> str:
        from learnprop.audit.design.table import text_of

        return text_of(self)

    def _repr_html_(self) -> str:
        from learnprop.audit.design.table import html_of

        return html_of(self)
