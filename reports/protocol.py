"""Protocols of studies in the ADEMP frame, written before the first replication: shared parts.

ADEMP (aims, data-generating mechanisms, estimands, methods, performance measures): Morris, White
and Crowther (2019), Statistics in Medicine 38, 2074-2102.
"""

from __future__ import annotations

import re
from textwrap import fill

from simulations.fitters.fitter import Fitter
from simulations.monte_carlo import Study


def decision(margin: float) -> str:
    """Say how each equation is decided."""
    return (
        "Decision per equation: gap of the ratio of means over runs, left / right - 1, with "
        f"Fieller's 90 % interval, against a margin of ±{100 * margin:g} %: `holds` (interval "
        "inside), `fails` (outside), `inconclusive`; `not converged` if the gradient (of a "
        "network: in its output bias) exceeds 1e-12 Σw in any run, `interpolated` where the right "
        "side is below 1e-12 of the class's own mass. The jackknife's interval stands beside it."
    )


def limit(fitter: Fitter) -> str:
    """Say where fits end as their samples grow."""
    if fitter.limit is None:
        return "No limit is known: overfitting and sampling are one term of the residual."
    return f"Limit: {fitter.limit.where}; by quadrature, or by Monte Carlo with its standard error."


TOGETHER = (
    "All classes at once: holds if each holds; fails if any of the 95 % simultaneous intervals "
    "(max-t, correlation over runs) is outside the margin."
)

RESIDUAL = (
    "Residual on test = optimisation + overfitting + sampling, each with its Monte Carlo standard "
    "error; the largest that is 2.58 of them from zero is named."
)


def plain_text(name: str) -> str:
    r"""Write a name from outside so that no Markdown is read in it.

    Examples
    --------
    >>> plain_text("a_b & `q`")
    'a\\_b \\& \\`q\\`'
    """
    return re.sub(r"([\\`*_\[\]<>&])", r"\\\1", name)


def wrap(text: str) -> str:
    """Wrap a paragraph or a list item at 98 characters."""
    text = text.replace(" %", "\u00a0%").replace("K - 1", "K\u00a0-\u00a01")
    return fill(text, width=98, subsequent_indent="  " if text.startswith("- ") else "")


def bullets(*paragraphs: str) -> str:
    """Wrapped list items, one per paragraph."""
    return "\n".join(wrap(f"- {paragraph}") for paragraph in paragraphs)


def replications(study: Study, mcse: float | None) -> str:
    """Say how many replications there are to be, and whose random numbers they have.

    Parameters
    ----------
    study : Study
    mcse : float or None
        Target of precision for the gaps, if one is declared.

    Returns
    -------
    str
    """
    blocks = f"in blocks of {study.block_size}" if study.block_size > 1 else "one by one"
    asked = f"{study.n_runs} replications asked for at first, computed {blocks}"
    if mcse is not None:
        asked += (
            "; then more blocks of a cell until the Monte Carlo standard error (jackknife) of its "
            f"gap on test is at most {mcse:g} under every λ, each round at most doubling it"
        )
    return (
        f"{asked}. Random numbers are those of the seed and a cell's name: another `{study.name}` "
        "of the same seed has them too in cells named alike, whatever its other options, and is "
        "not independent of this one."
    )
