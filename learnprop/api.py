"""Studies from Python: laid out from keyword arguments, run, and returned as data frames."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from operator import index
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from equations.arguments import BadArgument

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from reports.study_report import Contents
    from simulations.monte_carlo import Study


@dataclass(frozen=True)
class StudyResult:
    """What a study showed.

    Attributes
    ----------
    study : Study
        What was computed, with its design.
    """

    study: Study
    _contents: Contents

    def to_frame(self, table: str = "summary") -> pd.DataFrame:
        """Return a copy of one of the study's tidy tables, by the stem of its CSV file.

        Parameters
        ----------
        table : str

        Returns
        -------
        DataFrame

        Raises
        ------
        ValueError
            If there is no such table.
        """
        if table not in self._contents.frames:
            raise BadArgument(
                "table", f"must be one of {', '.join(self._contents.frames)}, got {table!r}"
            )
        return self._contents.frames[table].copy()

    def save(self, folder: str | Path) -> None:
        """Write every table as CSV and LaTeX, and every figure as PDF and PNG.

        Parameters
        ----------
        folder : str or Path
            Made if it is not there.

        Raises
        ------
        ValueError
            If it cannot be made, or is a file.
        """
        from reports.study_report import write_contents

        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadArgument("folder", f"{folder} cannot be made: {error.strerror}") from None
        write_contents(self._contents, Path(folder))

    def __repr__(self) -> str:
        test = self.to_frame().query("split == 'test'")  # on train they hold by construction
        verdicts = test["verdict"].value_counts().items()
        counts = ", ".join(f"{n} {verdict}" for verdict, n in verdicts)
        return f"<{self.study.name}: {self.study.n_runs} runs; on test data {counts}>"


def table1(
    *, out: str | Path | None = None, jobs: int = 1, fresh: bool = False, **options: Any
) -> StudyResult:
    """Reproduce Table 1: Eq. (10) for Sim1 and Sim2.

    Parameters
    ----------
    out : str or Path, optional
        Folder for the store; a second call resumes. By default nothing is kept.
    jobs : int
        Worker processes; 0 is one per core, 1 computes here.
    fresh : bool
        Put a store that is in `out` aside and start over.
    **options
        Fields of `simulations.studies.table1.Options`, as on the command line.

    Returns
    -------
    StudyResult

    Raises
    ------
    ValueError
        If an option is unknown or cannot be, or `out` holds another study.

    Examples
    --------
    >>> result = table1(runs=5, train_size=(20, 60), test_size=(50, 50), max_iter=5)
    >>> result.to_frame().query("split == 'train' and simulation == 'sim1'")["rhs"].tolist()
    [3.0, 1.0, 0.5]
    """
    return _run("table1", options, out, jobs, fresh)


def multiclass(
    *, out: str | Path | None = None, jobs: int = 1, fresh: bool = False, **options: Any
) -> StudyResult:
    """Put Eq. (9) to the test for K Gaussian classes.

    Parameters
    ----------
    out : str or Path, optional
        Folder for the store; a second call resumes. By default nothing is kept.
    jobs : int
        Worker processes; 0 is one per core, 1 computes here.
    fresh : bool
        Put a store that is in `out` aside and start over.
    **options
        Fields of `simulations.studies.multiclass.Options`, as on the command line.

    Returns
    -------
    StudyResult

    Raises
    ------
    ValueError
        If an option is unknown or cannot be, or `out` holds another study.

    Examples
    --------
    >>> result = multiclass(runs=5, sizes=(90, 60, 30), test_size=100, weights=["equal"])
    >>> train = result.to_frame().query("split == 'train'")
    >>> train["verdict"].tolist()
    ['holds', 'holds', 'holds']
    """
    return _run("multiclass", options, out, jobs, fresh)


def explore(
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    out: str | Path | None = None,
    jobs: int = 1,
    fresh: bool = False,
    **options: Any,
) -> StudyResult:
    """See what a weight does to each class: a grid of imbalance ratios and λ.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features), optional
        Your own features, resampled to the ratios; or name a file with ``data``.
    y : array_like, shape (n_samples,), optional
        Their labels, of any kind. Where both are pandas', they have one index.
    out : str or Path, optional
        Folder for the store; a second call resumes. By default nothing is kept.
    jobs : int
        Worker processes; 0 is one per core, 1 computes here.
    fresh : bool
        Put a store that is in `out` aside and start over.
    **options
        Fields of `simulations.studies.explore.Options`, as on the command line.

    Returns
    -------
    StudyResult

    Raises
    ------
    ValueError
        If an option is unknown or cannot be, X has missing values, or `out` holds another study.

    Examples
    --------
    >>> result = explore(runs=5, ratios=[1, 10], weights=["equal", "inverse"], train_size=500)
    >>> rarest = result.to_frame().query("split == 'test' and `class` == 0")
    >>> rarest.groupby(["weighting", "ratio"])["mean_proba"].mean().round(1).to_dict()
    {('equal', 1.0): 0.8, ('equal', 10.0): 0.6, ('inverse', 1.0): 0.8, ('inverse', 10.0): 0.8}
    """
    if (X is None) != (y is None):
        raise ValueError("X and y must be given together")
    return _run("explore", options, out, jobs, fresh, None if X is None else (X, y))


def cnn(
    *, out: str | Path | None = None, jobs: int = 1, fresh: bool = False, **options: Any
) -> StudyResult:
    """Put Eq. (9) to networks trained on images: as trained, bias refined, output layer refined.

    Parameters
    ----------
    out : str or Path, optional
        Folder for the store; a second call resumes. By default nothing is kept.
    jobs : int
        Worker processes; 0 is one per core, 1 computes here.
    fresh : bool
        Put a store that is in `out` aside and start over.
    **options
        Fields of `simulations.studies.cnn.Options`, as on the command line.

    Returns
    -------
    StudyResult

    Raises
    ------
    ValueError
        If an option is unknown or cannot be, a file of the data set is missing or not as
        published, or `out` holds another study.

    Examples
    --------
    >>> sizes = (14, 12, 10, 8, 7, 6, 6, 5, 5, 5)
    >>> result = cnn(runs=2, sizes=sizes, epochs=1, weights="equal", device="cpu")
    >>> train = result.to_frame().query("split == 'train'").set_index("stage")["verdict"]
    >>> {stage: train[stage].unique().tolist() for stage in ("raw", "bias")}
    {'raw': ['not converged'], 'bias': ['holds']}
    """
    return _run("cnn", options, out, jobs, fresh)


def losses(
    *, out: str | Path | None = None, jobs: int = 1, fresh: bool = False, **options: Any
) -> StudyResult:
    """Compare the paper's losses: Tables 3, 4 and 5, Figures 1 and 2.

    Parameters
    ----------
    out : str or Path, optional
        Folder for the store; a second call resumes. By default nothing is kept.
    jobs : int
        Worker processes; 0 is one per core, 1 computes here.
    fresh : bool
        Put a store that is in `out` aside and start over.
    **options
        Fields of `simulations.studies.losses.Options`, as on the command line.

    Returns
    -------
    StudyResult

    Raises
    ------
    ValueError
        If an option is unknown or cannot be, a file of the data set is missing or not as
        published, or `out` holds another study.

    Examples
    --------
    >>> result = losses(runs=1, loss=["sml", "lgl-inr"], epochs=1, device="cpu")
    >>> test = result.to_frame().query("split == 'test'").set_index("setting")
    >>> test["verdict"].to_dict()
    {'sml': 'reference', 'lgl-inr beta=1': 'inconclusive'}
    """
    return _run("losses", options, out, jobs, fresh)


def _run(
    name: str,
    options: dict[str, Any],
    out: str | Path | None,
    jobs: int,
    fresh: bool,
    arrays: tuple[Any, Any] | None = None,
) -> StudyResult:
    from learnprop.arguments import arrays_as_file, study_options
    from learnprop.running import check_out, note_session
    from reports.provenance import now, write_bytes, write_provenance, write_text
    from reports.study_report import report_of
    from simulations.monte_carlo import run_study
    from simulations.store import open_store
    from simulations.workers import Workers, check_workers

    try:
        workers = Workers(index(jobs))
    except TypeError:
        raise BadArgument("jobs", f"must be an integer, got {jobs!r}") from None
    if not isinstance(out, str | PathLike | None):
        raise BadArgument("out", f"must be a folder or None, got {out!r}")
    module, report = import_module(f"simulations.studies.{name}"), report_of(name)
    chosen = study_options(name, module.Options, options)
    workers, started = check_workers(workers), now()
    with ExitStack() as stack:
        folder = Path(out or stack.enter_context(TemporaryDirectory()))
        content, known = b"", {}
        if arrays is not None:
            content, known["file"] = arrays_as_file(*arrays, folder / "data.npz", chosen)
            chosen["label"] = known["file"].label
        study: Study = module.make_study(module.Options(**chosen), **known)
        check_out(folder, study.name)
        with open_store(folder, study.name, study.design, fresh=fresh) as store:
            if content:  # what workers read
                write_bytes(folder / "data.npz", content)
            if fresh or not (folder / "protocol.md").exists():
                write_text(folder / "protocol.md", report.protocol(study, None))
            note_session(study, store, workers)
            for _ in run_study(study, store, workers):
                pass
            result = StudyResult(study, report.contents(report.summarise(study, store)))
        called = ", ".join(f"{option}={value!r}" for option, value in options.items())
        write_provenance(
            folder / "provenance.json",
            study=name,
            design=study.design,
            started=started,
            command=[f"learnprop.{name}({called})"],
            inputs=dict(study.inputs),
            runs=study.n_runs,
            workers=workers.jobs,
            backend=workers.backend,
        )
        return result
