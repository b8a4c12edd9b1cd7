"""scikit-learn's way to draw: `BalanceDisplay`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from learnprop.audit.check import check
from learnprop.audit.report.words import label_text
from learnprop.equations.arguments import BadArgument

if TYPE_CHECKING:
    from learnprop.audit.report.record import BalanceReport


class BalanceDisplay:
    """The balance of a classifier as a picture, by scikit-learn's conventions for displays.

    It is made by `from_estimator` or `from_predictions`, or of a report that there is.

    Parameters
    ----------
    report : BalanceReport
    name : str, optional
        Of the classifier, in the title.

    Attributes
    ----------
    report_ : BalanceReport
        What `check` found.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = make_classification(4000, weights=[0.8], random_state=0)
    >>> model = LogisticRegression().fit(X[:2000], y[:2000])
    >>> display = BalanceDisplay.from_estimator(
    ...     model, X[2000:], y[2000:], train_count=[1600, 400], ax=Figure().subplots()
    ... )
    >>> display.ax_.get_xlabel(), len(display.report_.gaps)
    ('gap in % [90 %]', 2)
    """

    ax_: Any
    figure_: Any

    def __init__(self, report: BalanceReport, *, name: str | None = None) -> None:
        self.report_ = report
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        class_weight: Any = None,
        train_count: Any = None,
        sample_weight: ArrayLike | None = None,
        kind: str = "gaps",
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> BalanceDisplay:
        """Audit a fitted classifier on a sample that it has not seen, and draw what is found.

        Parameters
        ----------
        estimator : classifier
            Fitted, with ``predict_proba`` and ``classes_``; also a pipeline or a search.
        X : array_like, shape (n_samples, n_features)
        y : array_like, shape (n_samples,)
        class_weight : optional
            As in `check`. By default what the estimator, or the last of its steps, has as its
            parameter ``class_weight``, and equal weights where it has none; weights of samples that
            were passed to ``fit`` are not known to it, and must be stated.
        train_count : optional
            As in `check`: no estimator says how many samples of each class it was fitted to.
        sample_weight : array_like, shape (n_samples,), optional
            Of the samples here.
        kind : {"gaps", "weights", "causes", "groups"}
            As in `BalanceReport.plot`.
        ax : matplotlib Axes, optional
        name : str, optional
            By default that of the estimator's class.
        **kwargs
            Further arguments of `check`.

        Returns
        -------
        BalanceDisplay

        Raises
        ------
        ValueError
            If the estimator has no probabilities or several outputs; or as in `check` and `plot`.
        """
        if not hasattr(estimator, "predict_proba"):
            said = f"must have predict_proba, got {label_text(type(estimator).__name__)}"
            raise BadArgument("estimator", said)
        proba = estimator.predict_proba(X)
        if isinstance(proba, list):
            raise BadArgument("estimator", f"must have one output, got {len(proba)} of them")
        return cls.from_predictions(
            y,
            proba,
            class_weight=stated_by(estimator) if class_weight is None else class_weight,
            train_count=train_count,
            labels=estimator.classes_,
            sample_weight=sample_weight,
            kind=kind,
            ax=ax,
            name=type(estimator).__name__ if name is None else name,
            **kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_proba: ArrayLike,
        *,
        class_weight: Any = None,
        train_count: Any = None,
        labels: ArrayLike | None = None,
        pos_label: Any = None,
        sample_weight: ArrayLike | None = None,
        kind: str = "gaps",
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> BalanceDisplay:
        """Audit predictions, and draw what is found.

        Parameters
        ----------
        y_true, y_proba, class_weight, train_count, labels, pos_label, sample_weight
            As in `check`.
        kind : {"gaps", "weights", "causes", "groups"}
            As in `BalanceReport.plot`.
        ax : matplotlib Axes, optional
            By default those of a new figure of pyplot.
        name : str, optional
            Of the classifier, in the title.
        **kwargs
            Further arguments of `check`.

        Returns
        -------
        BalanceDisplay

        Raises
        ------
        ValueError
            As in `check` and `plot`.

        Examples
        --------
        >>> import numpy as np
        >>> from matplotlib.figure import Figure
        >>> rng = np.random.default_rng(0)
        >>> p = rng.beta(2, 6, 40_000)
        >>> y = (rng.random(40_000) < p).astype(int)
        >>> ax = Figure().subplots()
        >>> BalanceDisplay.from_predictions(y, p, ax=ax, name="mine").ax_.get_title()
        'mine: balance within 5 %: holds'
        """
        report = check(
            y_true, y_proba, class_weight=class_weight, train_count=train_count, labels=labels,
            pos_label=pos_label, sample_weight=sample_weight, **kwargs,
        )  # fmt: skip
        return cls(report, name=name).plot(kind=kind, ax=ax)

    def plot(
        self, *, kind: str = "gaps", ax: Any = None, name: str | None = None
    ) -> BalanceDisplay:
        """Draw a picture of the report.

        Parameters
        ----------
        kind : {"gaps", "weights", "causes", "groups"}
        ax : matplotlib Axes, optional
        name : str, optional

        Returns
        -------
        BalanceDisplay
            Itself, with ``ax_`` and ``figure_``.

        Raises
        ------
        ValueError
            As in `BalanceReport.plot`.
        """
        from learnprop.reports.layout.style import plain

        name = self.name if name is None else name
        self.ax_ = self.report_.plot(kind, ax=ax)
        self.figure_ = self.ax_.figure
        if name is not None:
            title = self.ax_.get_title()
            shown = plain(label_text(name))
            if title:
                self.ax_.set_title(f"{shown}: {title}")
            else:  # the legend stands where the title would
                self.ax_.get_legend().set_title(shown)
        return self


def stated_by(estimator: Any) -> Any:
    """Class weights that an estimator has as a parameter; of a pipeline or a search, its last.

    Parameters
    ----------
    estimator : object

    Returns
    -------
    None, str or dict

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> stated_by(make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced")))
    'balanced'
    """
    if hasattr(estimator, "best_estimator_"):
        return stated_by(estimator.best_estimator_)
    if hasattr(estimator, "steps"):
        return stated_by(estimator.steps[-1][1])
    return getattr(estimator, "class_weight", None)
