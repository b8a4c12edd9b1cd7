"""Grids that several files of tests look at."""

from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest

from learnprop.reports.layout import style
from learnprop.reports.layout.style import draw_to
from learnprop.simulations.studies.explore.study import Options
from tests.explored import NAMES, reported
from tests.figures import check_readable


def generated(folder):
    return reported(Options(runs=40, ratios=(1, 10), train_size=2000), folder)


def of_a_file(folder):
    rng = np.random.default_rng(0)
    count = (400, 150, 100)
    table = pd.DataFrame({"a": rng.normal(np.repeat([0.0, 1.5, -1.5], count))})
    table["kind"] = np.repeat(NAMES, count)
    table.to_csv(folder / "data.csv", index=False)
    options = Options(
        runs=25, data=str(folder / "data.csv"), label="kind", ratios=(1, 4),
        weights=("equal", "inverse"), lambda0_grid=(0.1, 0.9, 5),
    )  # fmt: skip
    return reported(options, folder)


@pytest.fixture(scope="module", autouse=True)
def readable():
    """Whatever figure a test has drawn, it can be read as it is printed."""
    save = style.save_figure

    def checked(figure, paths):
        missing = save(figure, paths)
        check_readable(figure)
        return missing

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "save_figure", checked)
        yield


@pytest.fixture(scope="session")
def as_pdf():
    """To have figures drawn in one format, where both take longer than the study."""

    @contextmanager
    def as_pdf():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                "learnprop.reports.study_report.draw_to",
                lambda draw, paths: draw_to(draw, [p for p in paths if p.suffix == ".pdf"]),
            )
            yield

    return as_pdf


@pytest.fixture
def without_figures(monkeypatch):
    monkeypatch.setattr("learnprop.reports.study_report.draw_to", lambda _draw, _paths: "")


@pytest.fixture(scope="session")
def grid(once):
    folder, found = once("explore", generated)
    return folder, *found


@pytest.fixture(scope="session")
def own_data(once):
    """Three labels that LaTeX, mathtext and CSV would each like to read as something else."""
    folder, found = once("own", of_a_file)
    return folder, *found
