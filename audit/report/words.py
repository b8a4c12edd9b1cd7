"""What an audit found, in sentences."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from learnprop.audit.causes.doubts import NOT_LOOKED
from learnprop.audit.report.scale import log_ratio
from learnprop.audit.report.weights import reference, relative_weights, shown_weights
from learnprop.equations.inference.estimates import Estimate
from learnprop.reports.layout.numbers import TEXT, Markup, decimals

if TYPE_CHECKING:
    from learnprop.audit.causes.cause import Cause
    from learnprop.audit.report.record import BalanceReport

SEVERITY = {"fails": 0, "inconclusive": 1, "holds": 3}
"""Verdicts in the order in which they are shown; any other comes between."""

_BALANCE = {
    "holds": "the balance holds within {margin}",
    "fails": "the balance is off by more than {margin}",
    "inconclusive": "this sample does not tell whether the balance holds within {margin}",
}
_CHANCE = (
    "one of {n} classes may fail by chance, and all together do not tell whether the balance holds "
    "within {margin}"
)


def label_text(label: Any) -> str:
    r"""Write a label on one line; what cannot be seen is shown as Python writes it.

    Examples
    --------
    >>> label_text("very  rare"), label_text(3), label_text(""), label_text("a\x1b[1m")
    ('very rare', '3', "''", 'a\\x1b[1m')
    """
    words = " ".join(str(label).split())
    seen = "".join(
        c if unicodedata.category(c) not in ("Cc", "Cf", "Cs") else ascii(c)[1:-1] for c in words
    )
    return seen or repr(str(label))


def number(value: float, markup: Markup = TEXT) -> str:
    """Write a weight or a ratio with three digits.

    Examples
    --------
    >>> number(45.123), number(100.0), number(0.01234), number(123456.0), number(float("nan"))
    ('45.1', '100', '0.0123', '1.23e+05', '-')
    """
    if math.isnan(value):
        return "-"
    text = f"{value:.0f}" if 1000 <= abs(value) < 100_000 else f"{value:.3g}"
    return markup.math.format(_marked(text, markup))


def _marked(text: str, markup: Markup) -> str:
    """Write infinity and powers of ten as a medium has them."""
    if markup is not TEXT:
        text = re.sub(r"e([+-]\d+)", lambda e: rf" \times 10^{{{int(e[1])}}}", text)
    return text.replace("inf", markup.infinity)


def factor_interval(estimate: Estimate, markup: Markup = TEXT) -> str:
    """Write a ratio with its interval: two digits of the shorter arm, at most four in all.

    Where an end is no bound, or far away, each has three.

    Examples
    --------
    >>> factor_interval(Estimate(45.1234, 43.02, 47.31, 0.95))
    '45.1 [43.0, 47.3]'
    >>> factor_interval(Estimate(0.4512, 0.0, float("inf"), 0.95))
    '0.451 [0, inf]'
    >>> factor_interval(Estimate(float("nan"), 0.0, float("inf"), 0.95))
    '-'
    """
    value, low, high = estimate.value, estimate.low, estimate.high
    if math.isnan(value):
        return "-"
    arm = min(high - value, value - low)
    bounded = math.isfinite(high) and low > 0 and arm > 0 and high < 1000
    if bounded:
        n = max(0, min(decimals(arm, least=0), 3 - math.floor(math.log10(value))))
        texts = [f"{x:.{n}f}" for x in (value, low, high)]
    else:
        texts = [number(x) for x in (value, low, high)]
    if value == low == high:
        return markup.math.format(texts[0])
    text = f"{texts[0]}{markup.space}[{texts[1]}, {texts[2]}]"
    return markup.math.format(_marked(text, markup))


def percent(share: float) -> str:
    """Write a share in per cent, as it was stated.

    Examples
    --------
    >>> percent(0.05), percent(0.025)
    ('5 %', '2.5 %')
    """
    return f"{100 * share:.6g} %"


def furthest(report: BalanceReport) -> list[int]:
    """Classes from the one that is furthest off: by verdict, then by the size of the gap.

    Parameters
    ----------
    report : BalanceReport

    Returns
    -------
    list of int
    """
    off = np.abs(log_ratio([g.value for g in report.gaps]))
    off = np.where(np.isnan(off), -1.0, off)
    return sorted(range(len(off)), key=lambda k: (SEVERITY.get(report.verdicts[k], 2), -off[k], k))


def headline(report: BalanceReport) -> str:
    """Say in a sentence which weights it acts upon, and what that means for the balance.

    Parameters
    ----------
    report : BalanceReport

    Returns
    -------
    str

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(2, 6, 40_000)  # calibrated: it acts upon equal weights
    >>> from learnprop import check
    >>> report = check((rng.random(40_000) < p).astype(int), p, class_weight=[1, 3])
    >>> headline(report).split(" [")[0]
    'Fails: it acts upon 1.008:1'
    """
    verdict = report.verdict[:1].upper() + report.verdict[1:]
    balance = _BALANCE.get(report.verdict, "the balance is not decided within {margin}")
    if report.verdict == "inconclusive" and "fails" in report.verdicts:
        balance = _CHANCE.format(n=len(report.labels), margin="{margin}")
    return f"{verdict}: {_acts_upon(report)}; {balance.format(margin=percent(report.margin))}."


def _acts_upon(report: BalanceReport) -> str:
    if all(math.isnan(e.value) for e in report.effective):
        return f"the weights that it acts upon cannot be told{_because(report)}"
    if len(report.labels) == 2:
        return _of_two(report)
    counted = Counter(report.verdicts)
    each = [
        f"{counted[v]} {_plural(v, counted[v])}"
        for v in sorted(counted, key=lambda v: SEVERITY.get(v, 2))
    ]
    n = len(report.labels)
    counts = f"of {n} classes {', '.join(each)}, each by itself"
    if len(each) == 1:
        counts = f"all {n} classes {_plural(report.verdicts[0], n)}"
    worst = furthest(report)[0]
    weight = factor_interval(relative_weights(report)[worst])
    stated = "was stated" if report.stated else f"equal ones give it ({_UNSTATED})"
    return (
        f"{counts}; class {label_text(report.labels[worst])}, furthest off, weighs {weight} times "
        f"what {stated}"
    )


def _plural(verdict: str, n: int) -> str:
    if verdict in ("holds", "fails"):
        return verdict if n == 1 else verdict[:-1]
    return f"{'is' if n == 1 else 'are'} {verdict}"


def _because(report: BalanceReport) -> str:
    said = why_untold(report)
    return f" ({said})" if said else ""


def why_untold(report: BalanceReport) -> str:
    """Say why the weights that it acts upon are not known, or between bounds only.

    Parameters
    ----------
    report : BalanceReport

    Returns
    -------
    str
        Empty where they are.
    """
    reason = next((e.reason for e in report.effective if e.reason), "")
    if not reason or not math.isnan(report.effective[0].value):
        return reason
    if not report.expected_misses.any():
        return "it makes no mistakes on this sample, and nothing but mistakes tells weights"
    if "reducible" in reason:
        return "on this sample some of the classes are never mistaken for others"
    return reason


_UNSTATED = "class weights were not stated"


def _of_two(report: BalanceReport) -> str:
    stated, effective = shown_weights(report)
    unit = reference(report)
    other = 1 - unit
    found = factor_interval(effective[other]).replace(" [", ":1 [", 1)
    found = found if "[" in found else f"{found}:1"
    heavy, light = (label_text(report.labels[k]) for k in (other, unit))
    asked = f"{number(stated[other])}:1"
    said = (
        f" where {asked} was stated" if report.stated else f"; {_UNSTATED}, so {asked} is assumed"
    )
    return f"it acts upon {found} (class {heavy} to class {light}){said}"


NAMED = 3
"""So many causes that are no more than possible are named before the tables."""


def likely_cause(report: BalanceReport) -> Cause | None:
    """Return the first cause that was tested and is consistent; None if none is."""
    return next((cause for cause in report.causes if cause.consistency == "consistent"), None)


def cause_line(report: BalanceReport) -> str:
    """Name the likely cause, or those that are possible, or say that none is told.

    Parameters
    ----------
    report : BalanceReport

    Returns
    -------
    str
        Empty where there is none, and the balance holds or none could be looked for.
    """
    first = likely_cause(report)
    if first is not None:
        more = len(report.causes) - 1
        others = f"; {more} more below" if more else ""
        return f"Most likely cause: {first.name} ({first.consistency}{others})."
    if report.causes:
        names = [cause.name for cause in report.causes]
        left = len(names) - NAMED
        more_of_them = f"; {left} more below" if left > 0 else ""
        plural = "s, which these data do not tell apart" if len(names) > 1 else ""
        return f"Possible cause{plural}: {'; '.join(names[:NAMED])}{more_of_them}."
    unsought = any(NOT_LOOKED in warning for warning in report.warnings)
    if report.verdict == "holds" or report.joint.reason or unsought:
        return ""
    return "No cause stands out from what a training sample of these sizes leaves."


def cause_sentences(cause: Cause) -> str:
    """Say of a cause why, and what to do.

    Parameters
    ----------
    cause : Cause

    Returns
    -------
    str
    """
    return " ".join(filter(None, (f"{cause.name}:", cause.why, cause.remedy)))


def in_one_line(report: BalanceReport) -> str:
    """Write a report as its ``repr``.

    Parameters
    ----------
    report : BalanceReport

    Returns
    -------
    str

    Examples
    --------
    >>> from learnprop import check
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(2, 6, 40_000)
    >>> in_one_line(check((rng.random(40_000) < p).astype(int), p))
    '<BalanceReport: holds; 2 classes, 40000 samples>'
    """
    n = int(report.count.sum())
    likely = likely_cause(report)
    cause = f"; {likely.name}" if likely else ""
    samples = "sample" if n == 1 else "samples"
    return f"<BalanceReport: {report.verdict}{cause}; {len(report.labels)} classes, {n} {samples}>"
