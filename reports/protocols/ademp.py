"""Protocols of studies in the ADEMP frame, written before the first replication.

ADEMP (aims, data-generating mechanisms, estimands, methods, performance measures): Morris, White
and Crowther (2019), Statistics in Medicine 38, 2074-2102. A study says what is its own in a
`Protocol`; what all of them say, and how it is laid out, is here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from textwrap import fill
from typing import Any

from learnprop.equations.arguments import Worded
from learnprop.simulations.engine.study import Study
from learnprop.simulations.records.rows import REASONS, SEPARATED, with_way_on
from learnprop.simulations.studies import options_type, used_of
from learnprop.simulations.studies.option import declared_options


@dataclass(frozen=True)
class Protocol:
    """What a study says of itself before its first replication.

    A section is paragraphs; those that begin with "- " are items of a list. The writer adds the
    seed and the replications to the mechanisms, and the runs to the performance measures.

    Attributes
    ----------
    title : str
    aims, mechanisms, estimands, methods, performance : tuple of str
    """

    title: str
    aims: tuple[str, ...]
    mechanisms: tuple[str, ...]
    estimands: tuple[str, ...]
    methods: tuple[str, ...]
    performance: tuple[str, ...]


def to_markdown(protocol: Protocol, study: Study, mcse: float | None = None) -> str:
    """Write a protocol in Markdown.

    Parameters
    ----------
    protocol : Protocol
    study : Study
    mcse : float or None
        Target of precision, if one is declared.

    Returns
    -------
    str
    """
    seed = f"Seed {study.seed}; every replication has its own key. {replications(study, mcse)}"
    sections = {
        "Aims": protocol.aims,
        "Data-generating mechanisms": (*protocol.mechanisms, *items(seed)),
        "Estimands": protocol.estimands,
        "Methods": protocol.methods,
        "Performance measures": (*protocol.performance, *items(RUNS)),
        "Options": items(*options_of(study)),
    }
    written = "Written before the first replication."
    lines = [f"# Protocol: {protocol.title}", "", " ".join([written, *quick_look(study)])]
    for head, paragraphs in sections.items():
        lines += ["", f"## {head}"]
        before = ""
        for paragraph in paragraphs:
            if not (is_item(before) and is_item(paragraph)):
                lines.append("")
            lines.append(_wrapped(paragraph))
            before = paragraph
    return "\n".join(lines) + "\n"


def quick_look(study: Study) -> tuple[str, ...]:
    """Say that a study is a quick look, if it is one: in its protocol, under its tables.

    Examples
    --------
    >>> from learnprop.simulations.studies.table1.study import Options, make_study
    >>> quick_look(make_study(Options(runs=5, quick=True)))
    ('Quick look: 5 runs of a smaller design, not the study in full.',)
    >>> quick_look(make_study(Options()))
    ()
    """
    if not study.quick:
        return ()
    runs = sorted({study.runs_of(cell.name) for cell in study.cells})
    many = " to ".join(map(str, runs[:1] + runs[1:][-1:]))
    runs_word = "run" if runs == [1] else "runs"
    return (f"Quick look: {many} {runs_word} of a smaller design, not the study in full.",)


def items(*paragraphs: str) -> tuple[str, ...]:
    """Make paragraphs items of a list."""
    return tuple(f"- {paragraph}" for paragraph in paragraphs)


def is_item(paragraph: str) -> bool:
    """Whether a paragraph is an item of a list."""
    return paragraph.startswith("- ")


def _wrapped(paragraph: str) -> str:
    """Wrap a paragraph or an item at 98 characters."""
    text = paragraph.replace(" %", "\u00a0%").replace("K - 1", "K\u00a0-\u00a01")
    indent = "  " if is_item(text) else ""
    return fill(text, width=98, subsequent_indent=indent, break_on_hyphens=False)


def options_of(study: Study) -> Iterable[str]:
    """Every option that a study made use of, with its value, and what it is where declared.

    Parameters
    ----------
    study : Study

    Yields
    ------
    str

    Examples
    --------
    >>> from learnprop.simulations.studies.table1.study import Options, make_study
    >>> next(line for line in options_of(make_study(Options())) if "epochs" in line)[:12]
    '`epochs`: 20'
    """
    used = used_of(study.name, study.design)
    for name, declared in declared_options(options_type(study.name)).items():
        if name in used:
            value = plain_text(_written(used[name]))
            yield f"`{name}`: {value} ({plain_text(str(Worded(declared.option.help)))})"


def _written(value: Any) -> str:
    """Write the value of an option."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_written(v)}" for key, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_written, value)) or "not given"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return "not given" if value in (None, "") else str(value)


def fitted_by(cell: Any) -> str:
    """Say how a cell with weights is fitted (`learnprop.simulations.studies.cells`)."""
    return f"{cell.method[0].upper()}{cell.method[1:]}."


def decision(margin: float) -> str:
    """Say how each equation is decided."""
    return (
        "Decision per equation: gap of the ratio of means over runs, left / right - 1, with "
        f"Fieller's 90 % interval, against a margin of ±{100 * margin:g} %: `holds` (interval "
        "inside), `fails` (outside), `inconclusive`; `not converged` if the gradient (of a "
        "network: in its output bias) exceeds 1e-12 Σw in any run, `interpolated` where the right "
        "side is below 1e-12 of the class's own mass. The jackknife's interval stands beside it."
    )


PREDICTED = (
    "Overfitting and gap are also predicted, from the training samples alone. Each is left out of "
    "its fit by a leave-one-out formula (docs/explanation/fresh.md); its predictions are then "
    "those of a fresh sample, and the fit that of a sample of one fewer in each class. Only "
    "overfitting is predicted: a shift of P(x|y) between training and fresh data is not "
    "predicted."
)


def predicted(cell: Any) -> tuple[str, ...]:
    """Say how the overfitting is predicted, of a fitter that leaves samples out."""
    return (PREDICTED,) if cell.fitting.leaves_out else ()


def extra_stages(cell: Any) -> tuple[str, ...]:
    """Say what is measured of every λ setting besides its fit."""
    if "loo" not in cell.extra_stages:
        return ()
    return (
        "Stage loo (`repaired`): the same fits, their biases moved to where the training samples "
        "balance, each left out; `converged` where they do, and the gradient in the bias is that "
        "of the left-out predictions. On train it is off the minimum and has no verdict: `not "
        "minimised`. Their gap is predicted to be none, by construction.",
    )


def limit(cell: Any) -> str:
    """Say where a cell's fits end as their samples grow."""
    if cell.limit is None:
        return "No limit is known: overfitting and sampling are one term of the residual."
    return f"Limit: {cell.limit.where}; by quadrature, or by Monte Carlo with its standard error."


def no_minimum(study: Study) -> tuple[str, ...]:
    """Say what separated classes are where the fitter could have a penalty and has none."""
    if study.cells[0].fitter.options.get("l2") != 0:
        return ()
    said = str(Worded(with_way_on(REASONS[SEPARATED], study.design)))
    return (f"{said[0].upper()}{said[1:]}.",)


TOGETHER = (
    "All classes at once: holds if each holds; fails if any of the 95 % simultaneous intervals "
    "(max-t, correlation over runs) is outside the margin."
)

RESIDUAL = (
    "Residual on test = optimisation + overfitting + sampling, each with its Monte Carlo standard "
    "error; the largest whose 99 % t interval over runs leaves out zero is named."
)

RUNS = "Runs attempted, converged and failed, zeros included. A failed run is never redrawn."


EQ_9 = "w_j (1 - p̄(j→j)) = Σ_k≠j w_k p̄(k→j) with w = λN"


def gaussian_classes(of: Any, n_classes: int) -> str:
    """Say what Gaussian classes there are: of a cell or source with means and covariances."""
    covariance = {"shared": "the identity"}.get(of.covariance, "one per class, seeded")
    return (
        f"{n_classes} Gaussian classes in {of.dimension} features; means: {of.means}, nearest ones "
        f"{of.separation:g} apart; covariance: {covariance}."
    )


def plain_text(name: str) -> str:
    r"""Write a name from outside so that no Markdown is read in it.

    Examples
    --------
    >>> plain_text("a_b & `q`")
    'a\\_b \\& \\`q\\`'
    """
    return re.sub(r"([\\`*_\[\]<>&])", r"\\\1", name)


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
    if study.compute_together is not None:
        blocks = "as many at once as there are to compute"
    asked = f"{study.n_runs} replications asked for at first, computed {blocks}"
    if mcse is not None:
        where = getattr(study.cells[0], "measured_on", "test")
        asked += (
            "; then more blocks of a cell until the Monte Carlo standard error (jackknife) of its "
            f"gap on {where} is at most {mcse:g} under every λ, each round at most doubling it"
        )
    return (
        f"{asked}. Random numbers are those of the seed and a cell's name: another `{study.name}` "
        "of the same seed has them too in cells named alike, whatever its other options, and is "
        "not independent of this one."
    )
