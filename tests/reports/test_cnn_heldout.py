"""Reports of networks whose output bias is refined on images held out of training."""

import numpy as np
import pytest

from learnprop.reports.cnn.report import REPORT, cnn_contents
from learnprop.reports.cnn.text import EXPECTED, joint_grid, overview_grid
from learnprop.reports.layout.numbers import LATEX
from learnprop.reports.study_report import write_contents
from learnprop.simulations.studies.cnn.study import Options
from tests.latex import compile_tables, needs_latex
from tests.reports.test_cnn import summarised

SMALL = Options(
    runs=4, sizes=(28, 24, 20, 16, 14, 12, 12, 10, 10, 10), heldout=0.25,
    stages=("bias", "heldout"), epochs=2, batch_size=16, measure_at=(1,), weights=("equal",),
    device="cpu",
)  # fmt: skip


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("heldout")
    study, table, *_ = summarised(SMALL, folder)
    write_contents(cnn_contents(table), folder)
    return folder, study, table


def test_every_stage_is_put_to_three_samples(reported):
    summary = reported[2].summary
    assert summary["stage"].unique().tolist() == ["raw", "bias", "heldout"]
    assert summary["split"].unique().tolist() == ["train", "validation", "test"]
    assert len(summary) == 3 * 3 * 10
    refined = summary.query("stage == 'heldout' and split == 'validation'")
    assert refined["max_relative_difference"].max() < 1e-9
    assert set(refined["verdict"]) == {"holds"}
    elsewhere = summary.query("stage == 'heldout' and split == 'train'")
    assert elsewhere["max_relative_difference"].min() > 1e-6
    assert "not converged" not in set(elsewhere["verdict"])  # judged where it was refined


def test_the_gap_on_test_stands_beside_what_the_samples_let_expect(reported):
    summary = reported[2].summary
    where = (summary["stage"] == "heldout") & (summary["split"] == "test")
    for name in ("validation_sd", "expected_low", "expected_high"):
        assert np.isfinite(summary.loc[where, name]).all()
        assert summary.loc[~where, name].isna().all()
    mine = summary[where]
    assert np.allclose(mine["expected_low"], -mine["expected_high"])
    assert (mine["expected_high"] > mine["validation_sd"] * 1.64 / np.sqrt(4)).all()


def test_the_tables_have_the_stages_of_the_study(reported):
    folder, _, table = reported
    for markup in ((), (LATEX,)):
        grid = overview_grid(table, *markup)
        heads = " ".join(grid.heads)
        assert "heldout, test" in heads
        assert "expected" in heads
        assert "head, test" not in heads
        assert EXPECTED in grid.note
    assert [row[1] for row in joint_grid(table).rows if row] == [
        "as trained", "bias refined", "bias refined, held out"
    ]  # fmt: skip
    names = {path.name for path in folder.iterdir()}
    assert {"cnn_raw.tex", "cnn_bias.tex", "cnn_heldout.tex", "stages.png"} <= names
    assert "cnn_head.tex" not in names


def test_the_protocol_says_what_is_held_out(reported):
    text = " ".join(REPORT.protocol(reported[1]).split())
    assert "held out of it (7, 6, 5, 4, 4, 3, 3, 2, 2, 2)" in text
    assert "`heldout` with the output bias refined on the images that were held out" in text
    assert "no minimum" not in text  # of a stage that is not measured


@needs_latex
def test_the_tables_compile(reported, tmp_path):
    compile_tables(reported[0], tmp_path, ("cnn.tex", "cnn_heldout.tex", "cnn_joint.tex"))
