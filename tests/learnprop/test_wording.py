"""One error, two wordings: Python's arguments, and the options of the command line."""

import tempfile

import numpy as np
import pytest

import learnprop
from learnprop.equations.arguments import BadArgument
from learnprop.exits import in_options, option_of

SHARED = [
    ("table1", {"train_size": (0, 5)}, "{train_size} must be 2 positive integers, got [0, 5]"),
    ("table1", {"max_iter": 0}, "{max_iter} must be at least 1, got 0"),
    ("table1", {"sim1_reading": "x"}, "{sim1_reading} must be one of sum, mixture, got 'x'"),
    ("table1", {"jobs": -1}, "{jobs} must not be negative, got -1"),
    ("multiclass", {"classes": 1}, "{classes} must be at least 2, got 1"),
    (
        "multiclass",
        {"imbalance": 1e9},
        "{imbalance} 1e+09 leaves class 2 empty where {train_size} is 2500",
    ),
    ("multiclass", {"weights": "1,2"}, "{weights} must hold 5 weights, one per class, got shape"),
    (
        "explore",
        {"generator": "data"},
        "{generator} must be one of sim1, sim2, gaussian, skew-normal, got 'data'",
    ),
    (
        "explore",
        {"generator": "sim2", "classes": 4},
        "{classes} is an option of {generator} gaussian or skew-normal, got 4 with {generator} sim",
    ),
    ("explore", {"data": "/no/such.csv"}, "{data} /no/such.csv cannot be read: No such file"),
    ("explore", {"weights": "1e-300"}, "{weights} must be at least 1e-09 of their sum, got"),
    ("cnn", {"sizes": "1,2"}, "{sizes} must be 10 positive integers, got [1, 2]"),
    ("cnn", {"decay_bias": True}, "{decay_bias} needs {weight_decay}, got 0"),
    ("cnn", {"device": "tpu"}, "{device} must be one of auto, cpu, cuda, got 'tpu'"),
    ("losses", {"loss": "focal"}, "{loss} must be one of lgl, sml, lgl-inr, got 'focal'"),
    ("losses", {"model": "lenet"}, "{model} must be one of cnn2c"),
    (
        "fresh",
        {"kappa": 0.0004},
        "{kappa} 0.0004 of 1000 samples is 0 features: the means of 2 clas",
    ),
    ("fresh", {"shift": -1}, "{shift} must be positive and finite, got -1"),
]


def of_python(value):
    """`sizes` as Python has it, where the command line has commas."""
    return tuple(map(int, value.split(","))) if value == "1,2" else value


def in_words(value):
    if value is True:
        return ()
    return tuple(value) if isinstance(value, tuple) else (value,)


@pytest.mark.parametrize(("study", "chosen", "message"), SHARED)
def test_python_names_arguments_and_the_command_line_options(cli, tmp_path, study, chosen, message):
    names = {
        "train_size", "max_iter", "sim1_reading", "jobs", "classes", "imbalance", "weights",
        "generator", "data", "sizes", "decay_bias", "weight_decay", "device", "loss", "model",
        "kappa", "shift",
    }  # fmt: skip
    in_python = {
        name: of_python(value) if name == "sizes" else value for name, value in chosen.items()
    }
    with pytest.raises(BadArgument) as caught:
        getattr(learnprop, study)(**in_python)
    assert str(caught.value).startswith(message.format(**{name: name for name in names}))
    assert f"{{{caught.value.argument}}}" == message.split()[0]

    options = {name: f"--{name.replace('_', '-')}" for name in names}
    written = [word for name, value in chosen.items() for word in (options[name], *in_words(value))]
    status, stdout, stderr = cli(study, *written, "--out", tmp_path / "out")
    assert (status, stdout, stderr.count("\n")) == (2, "", 1)
    assert stderr.startswith(f"learnprop: {message.format(**options)}")
    assert not (tmp_path / "out").exists()


def test_irregular_options_are_known():
    assert option_of("file_format") == "--format"
    assert in_options(BadArgument("file_format", "goes with `match_step`")) == (
        "--format goes with --match-step"
    )


def test_what_names_no_argument_is_left_alone():
    assert in_options(ValueError("train_size, `sizes`: as they are")) == (
        "train_size, `sizes`: as they are"
    )


@pytest.mark.parametrize(
    ("X", "y", "options", "message"),
    [
        (np.arange(30.0), "ab" * 20, {"rarest": "c"}, "rarest must be a label of y, got 'c'"),
        (np.arange(30.0), "a" * 40, {}, "y must hold at least 2 labels, got ['a']"),
        (
            np.arange(30.0), "ab" * 20, {"ratios": 100},
            "ratios 100 leaves no sample of label 'a' to train: of label 'b' X has 15, of which",
        ),
        (
            np.arange(30.0), "ab" * 20, {"ratios": 1, "train_size": 90},
            "ratios 1 needs 90 samples of label 'a' to train and 3 to test, but X has 15",
        ),
        (np.zeros(30), "ab" * 20, {}, "X: column 0 never varies; leave it out"),
        (np.arange(30.0), "ab" * 20, {"label": "y"}, "label is of a file, got 'y' with X and y"),
    ],
)  # fmt: skip
def test_arrays_are_called_as_they_are_given_and_no_file_is_named(X, y, options, message):
    with pytest.raises(BadArgument) as caught:
        learnprop.explore(X[:, None], list(y[:30]), **{"weights": "equal", "runs": 2} | options)
    said = str(caught.value)
    assert said.startswith(message)
    assert tempfile.gettempdir() not in said
    assert "--" not in said
    assert "drop" not in said


def test_a_file_is_called_by_its_path(tmp_path):
    """The control of the arrays above: what a user's file holds is said of the file."""
    path = tmp_path / "mine.csv"
    path.write_text("x,label\n" + "1,a\n1,b\n" * 15)
    with pytest.raises(BadArgument) as caught:
        learnprop.explore(data=str(path), weights="equal", runs=2)
    assert str(caught.value) == f"data {path}: column 'x' never varies; leave it out with drop"
    path.write_text("x,label\n" + "1,a\n2,b\n" * 15)
    with pytest.raises(BadArgument, match=f"^ratios 100 leaves .* {path} has 15, of which"):
        learnprop.explore(data=str(path), ratios=100, weights="equal", runs=2)


def test_a_store_that_cannot_be_used_is_named_in_both(cli, tmp_path):
    small = {"train_size": (20, 60), "test_size": (20, 20), "max_iter": 2, "runs": 2}
    learnprop.table1(out=tmp_path, **small)
    with pytest.raises(ValueError, match="use another out, or fresh to put it aside") as caught:
        learnprop.table1(out=tmp_path, **small | {"seed": 1})
    status, _, stderr = cli(
        "table1", "--train-size", 20, 60, "--test-size", 20, 20, "--max-iter", 2, "--runs", 2,
        "--seed", 1, "--out", tmp_path,
    )  # fmt: skip
    assert status == 2
    assert stderr == f"learnprop: {in_options(caught.value)}\n"
    assert "use another --out, or --fresh to put it aside and start over" in stderr
