"""scikit-learn's way to draw: `BalanceDisplay`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from learnprop.audit.check import check
from learnprop.audit.report.words import label_text
from learnprop.equations.arguments import BadArgument

if TYPE_CHECKING:
    from learnprop.audit.report.record import BalanceReport


LETTERS = 10
"""Letters of a title that there is room for in an inch."""


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
    >>> display.ax_.get_xlabel()
    '← too much   gap in % [90 %]   too little →'
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
            parameter ``class_weight``, ``is_unbalance`` or ``scale_pos_weight`` (`stated_by`);
            weights of samples that were passed to ``fit`` are not known to it, and must be stated.
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
        from learnprop.reports.layout.fitting import shortened
        from learnprop.reports.layout.style import plain

        name = self.name if name is None else name
        self.ax_ = self.report_.plot(kind, ax=ax)
        self.figure_ = self.ax_.figure
        if name is not None:
            title = self.ax_.get_title()
            width = (
                self.ax_.get_position().width * self.figure_.get_figure(root=True).get_figwidth()
            )
            room = max(int(LETTERS * width), 20)
            shown = plain(shortened(label_text(name), room))
            joined = f"{shown}: {title}"
            joined = joined if len(joined) <= room else f"{shown}\n{title}"
            self.ax_.title.set_text(joined)  # its place above a legend stays
        return self


def stated_by(estimator: Any) -> Any:
    """Class weights that an estimator has as a parameter; of a pipeline or a search, its last.

    ``class_weight``, of which "balanced_subsample" is "balanced" in every tree; of boosted trees of
    two classes also ``is_unbalance``, which is "balanced", and ``scale_pos_weight``, the weight of
    the second class.

    Parameters
    ----------
    estimator : object

    Returns
    -------
    None, str or dict
        None where nothing is stated.

    Raises
    ------
    BadArgument
        If two of them are set: what they come to together is for the user to say.

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
    given = getattr(estimator, "class_weight", None)
    if isinstance(given, str) and given == "balanced_subsample":
        given = "balanced"
    said = [] if given is None else [given]
    classes: Any = getattr(estimator, "classes_", ())
    if len(classes) == 2:  # of more, boosted trees do not look at these
        if getattr(estimator, "is_unbalance", None):
            said.append("balanced")
        positive = getattr(estimator, "scale_pos_weight", None)
        if positive is not None and positive != 1:
            said.append({classes[1]: float(positive)})
    if len(said) > 1:
        names = "class_weight, is_unbalance and scale_pos_weight"
        raise BadArgument("class_weight", f"must be stated: the estimator has several of {names}")
    return said[0] if said else None
