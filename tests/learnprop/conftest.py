"""Studies without their pictures: tests/reports draws every one of them."""

import pytest

from learnprop.reports.layout.files import write_bytes


@pytest.fixture(autouse=True)
def figures_are_not_drawn(request, monkeypatch):
    """In the place of a figure an empty file: to draw those of a study takes as long as the study.

    A test that looks at them asks for the fixture `with_figures`.
    """
    if "with_figures" not in request.fixturenames:
        monkeypatch.setattr("learnprop.reports.study_report.draw_to", _leave_a_file)


@pytest.fixture
def with_figures():
    """Figures are drawn."""


def _leave_a_file(_draw, paths):
    for path in paths:
        write_bytes(path, b"")
    return ""
