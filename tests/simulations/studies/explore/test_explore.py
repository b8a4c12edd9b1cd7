from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from learnprop.equations.balance import left_side, right_side
from learnprop.equations.class_weights import class_weights
from learnprop.simulations.engine.blocks import Task, compute_one
from learnprop.simulations.engine.study import StudyError
from learnprop.simulations.records.rows import select
from learnprop.simulations.studies import stored_study
from learnprop.simulations.studies.checks import lambda0_grid
from learnprop.simulations.studies.explore.study import Options, compute_block, make_study
from learnprop.simulations.studies.recording import LEFT_OUT


@pytest.fixture(scope="module")
def csv(tmp_path_factory):
    rng = np.random.default_rng(0)
    label = np.repeat(["yes", "no", "may be"], [300, 120, 60])
    shift = np.repeat([0.0, 1.5, -1.5], [300, 120, 60])
    table = pd.DataFrame({"a": rng.normal(shift), "b": rng.normal(size=480), "label": label})
    path = tmp_path_factory.mktemp("data") / "data.csv"
    table.to_csv(path, index=False)
    return str(path)


def test_default_grid_is_the_one_that_is_promised():
    study = make_study(Options())
    assert [cell.ratio for cell in study.cells] == [1, 2, 5, 10, 20, 50, 100]
    assert [cell.train_size[0] for cell in study.cells] == [10000, 5000, 2000, 1000, 500, 200, 100]
    settings = study.cells[3].settings
    assert settings[:4] == ("equal", "sqrt-inverse", "effective-number", "inverse")
    assert len(settings) == 14
    lambda0 = np.array([float(s) for s in settings[4:]])
    # Even in log odds, up to the four digits that are printed.
    np.testing.assert_allclose(np.diff(np.log(lambda0 / (1 - lambda0)), 2), 0, atol=0.02)
    for label, weight in study.cells[3].class_weight[4:]:
        assert weight == (float(label), 1 - float(label))


def test_lambda0_of_many_classes_leaves_the_rest_to_the_others():
    study = make_study(Options(generator="gaussian", classes=4, weights=("0.4",), ratios=(8,)))
    np.testing.assert_allclose(dict(study.cells[0].class_weight)["0.4"], [0.4, 0.2, 0.2, 0.2])
    assert study.cells[0].train_size == (1250, 2500, 5000, 10000)
    assert study.cells[0].fitter.name == "softmax"


@pytest.mark.parametrize(
    "options",
    [
        Options(ratios=(1, 20), train_size=400),
        Options(generator="sim2", ratios=(5,), train_size=400, weights=("inverse",)),
        Options(generator="gaussian", ratios=(5,), train_size=400, fitter="one-vs-all"),
        Options(generator="gaussian", ratios=(3,), train_size=200, fitter="mlp", epochs=2,
                weights=("equal", "0.7")),
    ],
)  # fmt: skip
def test_both_sides_agree_on_train(options):
    for cell in make_study(options).cells:
        block = compute_block(cell, 0, range(3))
        assert set(block.fits.status.tolist()) <= {"converged", "not converged"}
        epoch, stage = cell.headline
        for setting in cell.settings:
            train = select(
                block.measurements, setting=setting, epoch=epoch, stage=stage, split="train"
            )
            mass = cell.class_mass(setting)
            left = left_side(train.mean_proba, mass, train.miss_proba)
            np.testing.assert_allclose(left, right_side(train.mean_proba, mass), rtol=1e-9)


def test_settings_of_a_ratio_do_not_depend_on_the_other_ratios_or_settings():
    alone = make_study(Options(ratios=(10,), train_size=300, weights=("inverse",))).cells[0]
    among = make_study(Options(ratios=(1, 10), train_size=300)).cells[1]
    few, many = (compute_block(cell, 0, range(2)).measurements for cell in (alone, among))
    np.testing.assert_allclose(
        few.mean_proba, select(many, setting="inverse").mean_proba, rtol=1e-9
    )


def test_a_file_is_resampled_to_the_ratios(csv):
    study = make_study(Options(data=csv, ratios=(1, 4), weights=("inverse",)))
    first, second = study.cells
    # 60 "may be", 120 "no" and 300 "yes": a fifth tests, so that 48, 96 and 240 are left.
    assert first.test_size == second.test_size == (12, 24, 60)
    assert first.train_size == (48, 48, 48)
    assert second.train_size == (48, 96, 192)  # 1 : 2 : 4
    assert first.source.labels == ("may be", "no", "yes")
    block = compute_block(second, 0, range(2))
    assert set(block.measurements.split.tolist()) == {"train", "test", LEFT_OUT}
    test = select(block.measurements, split="test")
    assert test.class_count.tolist() == [[12, 24, 60]] * 2


def test_sizes_of_a_file_use_all_that_the_ratio_allows(csv):
    (cell,) = make_study(Options(data=csv, ratios=(10,), weights=("equal",))).cells
    # Largest 240 of "yes", 240 / sqrt(10) = 75.9 of "no", 24 of "may be": within 240, 96, 48.
    assert cell.train_size == (24, 76, 240)


def test_sizes_of_a_file_have_the_ratio_that_they_are_called_by(tmp_path):
    table = pd.DataFrame({"x": np.arange(400.0), "label": np.repeat(["a", "b"], 200)})
    table.to_csv(tmp_path / "even.csv", index=False)
    options = Options(data=str(tmp_path / "even.csv"), weights=("equal",), ratios=(1, 30, 100))
    sizes = [cell.train_size for cell in make_study(options).cells]
    # 160 of each are left; (2, 160) would have ratio 80, and from (1, 114) on rounding is small.
    assert sizes[:2] == [(160, 160), (5, 160)]
    assert sizes[2][0] == 1
    assert 100 <= sizes[2][1] <= 115


def test_a_label_with_too_few_samples_is_named(csv):
    with pytest.raises(ValueError, match=r"ratios 1 needs 200 samples of label 'may be' to train "
                       "and 12 to test, but .*data.csv has 60"):  # fmt: skip
        make_study(Options(data=csv, ratios=(1,), train_size=200))
    # 240 of "yes" at most: at 1000 the rarest class would have a quarter of a sample.
    match = r"1000 leaves no sample of label 'may be' to train: of label 'yes' .*data.csv has 300, "
    with pytest.raises(ValueError, match=match + "of which 60 are to test"):
        make_study(Options(data=csv, ratios=(1000,)))
    with pytest.raises(ValueError, match="needs 1 samples of label 'may be' to train and 60 to"):
        make_study(Options(data=csv, ratios=(2,), test_size=60))


def test_a_stored_study_of_a_file_is_laid_out_without_the_file(csv, tmp_path):
    copy = tmp_path / "copy.csv"
    copy.write_bytes(Path(csv).read_bytes())
    study = make_study(Options(data=str(copy), ratios=(2, 4)))
    copy.unlink()
    again = stored_study("explore", study.design, n_runs=100, inputs=study.inputs)
    assert again.cells == study.cells
    assert again.design == study.design
    assert str(tmp_path) not in str(study.design)
    answer = compute_one(Task(compute_block, study.cells[0], 0, 0))
    assert isinstance(answer, StudyError)  # and not 25 failed replications
    assert "No such file" in str(answer)


def test_another_spelling_of_the_same_data_is_the_same_study(csv, tmp_path):
    """With the same numbers; and the stored study knows how its file is read."""
    table = pd.read_csv(csv)
    table.to_csv(tmp_path / "a.csv", index=False, sep=":", decimal=",", encoding="utf-16-le")
    table["label"] = table["label"].where(table.index > 0, "one")
    table.to_parquet(tmp_path / "one.parquet")
    told = {"sep": ":", "decimal": ",", "encoding": "utf-16-le"}
    chosen = {"ratios": (2,), "weights": ("equal",), "runs": 2}
    plain = make_study(Options(data=csv, **chosen))
    other = make_study(Options(data=str(tmp_path / "a.csv"), **told, **chosen))
    assert other.design == plain.design
    assert other.inputs == {"data": str(tmp_path / "a.csv"), **told}
    assert plain.inputs == {"data": csv}
    again = stored_study("explore", other.design, n_runs=2, inputs=other.inputs)
    blocks = [compute_block(study.cells[0], 0, range(2)) for study in (plain, again)]
    for a, b in zip(*(vars(block.measurements).values() for block in blocks), strict=True):
        assert np.array_equal(a, b)
    fewer = make_study(Options(data=str(tmp_path / "one.parquet"), drop_labels=("one",), **chosen))
    assert fewer.cells[0].source.file.counts == (60, 120, 299)
    assert fewer.design["file"]["sha256"] != plain.design["file"]["sha256"]
    table[1:].to_csv(tmp_path / "fewer.csv", index=False)
    cut = make_study(Options(data=str(tmp_path / "fewer.csv"), **chosen))
    assert cut.design == fewer.design


def test_stored_study_of_a_generator_is_the_same():
    study = make_study(Options(generator="gaussian", classes=4, ratios=(2, 4.5)))
    again = stored_study("explore", study.design, n_runs=100)
    assert again.cells == study.cells
    assert again.design == study.design


def test_schemes_follow_the_sizes_of_their_ratio():
    for cell in make_study(Options(ratios=(1, 50), beta=0.99)).cells:
        for scheme in ("inverse", "effective-number"):
            expected = class_weights(scheme, cell.train_size, beta=0.99)
            np.testing.assert_allclose(dict(cell.class_weight)[scheme], expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ratios": ()}, "ratios must hold at least one"),
        ({"ratios": (0.5,)}, "ratios must be finite and at least 1, got 0.5"),
        ({"ratios": (2, 2.0)}, "ratios must be distinct, got 2 twice"),
        ({"ratios": (1e6,)}, r"ratios 1e\+06 leaves the rarest class empty: the largest has 10"),
        ({"ratios": (100,), "train_size": 149}, "ratios 100 cannot be had .* 149 to train: the "
         "rarest would have 1; change train_size"),
        ({"weights": ("0.5", ".50")}, "weights must be distinct, got '0.5' twice"),
        ({"weights": ("1e-300",)}, "weights must be at least 1e-09 of their sum, got '1e-300'"),
        ({"weights": ("1,1e-300",)}, "weights must be at least 1e-09 of .*, got '1,1e-300'"),
        ({"lambda0_grid": (0.1, 0.9, 3.7)}, "lambda0_grid must be LOW HIGH N, got"),
        ({"lambda0_grid": (0.1, 0.9, float("inf"))}, "lambda0_grid must be LOW HIGH N, got"),
        ({"weights": ("half",)}, "weights must be equal, .* λ0 or numbers like 1,2,3, got"),
        ({"weights": ("1.5",)}, "weights must have 0 < λ0 < 1, .* got '1.5'"),
        ({"weights": ("1,2,3",)}, "weights must hold 2 weights"),
        ({"lambda0_grid": (0.5, 0.1, 3)}, "lambda0_grid must have 0 < low < high < 1"),
        ({"lambda0_grid": (0.1, 0.9)}, "lambda0_grid must be LOW HIGH N, got"),
        ({"lambda0_grid": (0.5, 0.5001, 9)}, "lambda0_grid is too fine"),
        ({"generator": "sim3"}, "generator must be one of sim1, sim2, gaussian"),
        ({"generator": "data"}, "generator must be one of sim1, sim2, gaussian, skew-normal"),
        ({"classes": 4}, "classes is an option of generator gaussian or "
         "skew-normal, got 4 with generator sim1"),
        ({"rarest": "a"}, "rarest is an option of data"),
        ({"sep": ";"}, "sep is an option of data, got ';' with generator sim1"),
        ({"drop_labels": ("a",)}, "drop_labels is an option of data"),
        ({"generator": "gaussian", "fitter": "logistic"}, "fitter logistic is for 2 classes, got"),
        ({"generator": "gaussian", "classes": 1}, "classes must be at least 2"),
        ({"fitter": "tree"}, "fitter must be one of auto, logistic"),
        ({"train_size": 0}, "train_size must be at least 1, got 0"),
        ({"generator": "gaussian", "dimension": 30, "train_size": 8, "ratios": (1,)},
         "train_size leaves 24 samples for 30 features at ratio 1"),
        ({"data": "x.csv", "classes": 2}, "classes is an option of generator gaussian"),
        ({"data": "x.csv"}, "data .*x.csv cannot be read"),
        ({"device": "tpu"}, "device must be one of auto"),
    ],
)  # fmt: skip
def test_bad_input_names_the_option(change, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        make_study(replace(Options(), **change))


def test_grid_of_lambda0_ends_where_it_is_asked_to():
    assert lambda0_grid(0.001, 0.5, 4)[::3] == ("0.001", "0.5")
