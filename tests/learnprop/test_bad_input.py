"""What users get wrong: one line that names a Python argument, from every public function."""

import inspect

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array

import learnprop as lp
from learnprop.equations.arguments import BadArgument
from learnprop.equations.limits.quadrature import Quadrature, standard_normal_quadrature
from learnprop.simulations.records.store_file import StoreError
from learnprop.simulations.studies import STUDIES

P = np.array([[0.9, 0.1], [0.2, 0.8]])
M = np.array(
    [
        np.outer(p, p) + v * np.array([[1, -1], [-1, 1]])
        for p, v in zip(P, (0.04, 0.16), strict=True)
    ]
)
RULE = standard_normal_quadrature(1)
X, Y = np.random.default_rng(0).normal(size=(1, 12, 2)), np.arange(12) % 2
RNG = np.random.default_rng(0)
NAMED = pd.DataFrame({"age": np.arange(5.0, 17.0), "mass": X[0, :, 0]})

of_classes = {"y_true": [0, 1, 1], "activation": "softmax", "labels": [0, 1]}
of_sides = {"mean_proba": P, "class_mass": [1.0, 2.0], "miss_proba": [0.1, 0.2]}
of_model = {"mean_proba": P, "second_moment": M, "test_count": [400, 400]}
of_fit = {"X": X, "y": Y, "class_weight": [[1.0, 1.0]], "device": "cpu"}
of_minibatches = {
    "class_weight": [1, 1],
    "class_count": [1, 2],
    "batch_size": 8,
    "micro_batch": 4,
    "replicas": 2,
    "sampler_weight": "inverse",
}
of_network = {"n_classes": 2, "class_weight": [1, 2], "class_count": [4, 2]}

VALID = {
    "check": {
        "y_true": [0, 1] * 20, "y_proba": np.linspace(0.2, 0.8, 40), "class_weight": [1.0, 2.0],
        "train_count": [30, 40], "sample_weight": np.ones(40), "labels": [0, 1], "pos_label": 1,
        "train": ([0, 1] * 20, np.linspace(0.3, 0.7, 40)), "by": [0, 1, 1, 0] * 10, "bins": 2,
        "batch_size": 8, "micro_batch": 4, "replicas": 2, "sampler_weight": [1.0, 2.0],
        "label_smoothing": 0.1, "bias": [0.1, -0.1], "margin": 0.05, "level": 0.9,
    },
    "mean_proba": of_classes | {"proba": [[0.5, 0.5]] * 3},
    "mean_proba_and_second_moments": of_classes | {"proba": [[0.5, 0.5]] * 3},
    "measure": of_classes | {"logits": [[0.5, 0.5]] * 3},
    "proba_from_logits": {"logits": [0.0, 1.0], "activation": "softmax"},
    "class_count": {"y_true": [0, 1], "n_classes": 2, "labels": [0, 1]},
    "accuracy_bounds": {"mean_proba": P},
    "class_mass": {"class_weight": [1, 1], "class_count": [1, 2]},
    "residual": of_sides, "left_side": of_sides, "gap": of_sides,
    "right_side": {"mean_proba": P, "class_mass": [1, 2]},
    "split_residual": {"train": [1.0, 2], "test": [1.0, 2], "population": [1.0, 2]},
    "binary_ratio": {"mean_proba": P},
    "binary_ratio_in_theory": {"class_mass": [1, 2]},
    "detailed_balance_asymmetry": {"mean_proba": P, "class_mass": [1, 2]},
    "penalised_bias_residual": {"penalty": 1.0, "bias": [1, 2]},
    "label_smoothing_residual": {"class_mass": [1, 2], "smoothing": 0.1},
    "torch_label_smoothing_residual": {
        "mean_proba": P, "class_weight": [1, 1], "class_count": [1, 2], "smoothing": 0.1,
    },
    "minibatch_mean_class_weight": of_minibatches,
    "class_weight_for_minibatch_mean": of_minibatches,
    "refine_output_bias": {
        "module": torch.nn.Linear(2, 2), "loader": [(torch.randn(6, 2), torch.arange(6) % 2)],
        "class_weight": [1, 2], "class_count": [4, 2], "head": "", "on": "heldout",
        "activation": "softmax", "ignore_index": -100, "device": "cpu",
    },
    "BalanceMonitor": of_network | {"activation": "softmax", "ignore_index": -100},
    "transformers_balance": of_network,
    "class_weights": {"scheme": "effective-number", "class_count": [1, 2], "beta": 0.9},
    "table1_class_weights": {"class_count": [1, 2], "as_printed": True},
    "stationary_distribution": {"mean_proba": P},
    "effective_class_weight": {"mean_proba": P, "class_count": [1, 2]},
    "effective_class_weight_of_model": of_model
    | {"class_count": [1, 2], "level": 0.9, "min_misses": 10},
    "effective_class_weight_over_runs": {
        "mean_proba": [P] * 3, "class_count": [1, 2], "level": 0.9,
    },
    "mcse_of_mean": {"values": [1, 2, 3]},
    "mcse_of_sd": {"values": [1, 2, 3]},
    "jackknife": {"statistic": np.mean, "level": 0.9},
    "ratio_of_means": {
        "numerator": [1, 2, 3], "denominator": [1, 2, 4], "level": 0.9, "variance_factor": 1.0,
    },
    "equivalence_verdict": {"low": -0.1, "high": 0.1, "margin": 0.2},
    "gaps_over_runs": {
        "left": [[1, 2.0], [2, 3]], "right": [[1, 2], [2, 3]], "level": 0.9, "simultaneous": True,
        "shared": np.zeros((2, 2, 2)), "variance_factor": 1.0,
    },
    "max_t_critical": {"correlation": [[1, 0.5], [0.5, 1]], "level": 0.9, "df": 10},
    "joint_test_over_runs": {"residuals": [[0.1, -0.1], [0.2, -0.2], [0, 0]], "independent": False},
    "gaps_of_model": of_model | of_sides | {"level": 0.9, "simultaneous": False, "min_misses": 10},
    "joint_test_of_model": of_model | of_sides | {"independent": False, "min_misses": 10},
    "predict_logistic_ratio": {
        "classes": [Quadrature(RULE.nodes + m, RULE.probability) for m in (1.25, -1.25)],
        "class_weight": [0.5, 0.5], "train_count": [10, 100], "test_count": [10, 10],
    },
    "state_evolution": {
        "kappa": 0.05, "class_share": [0.9, 0.1], "class_weight": [1, 9], "separation": 2.0,
    },
    "separability_threshold": {"class_share": [0.9, 0.1], "separation": 2.0},
    "sim1": {"reading": "sum"},
    "sim2": {"reading": "covariance"},
    "sample": {"generator": lp.sim1(), "class_count": [2, 3], "rng": RNG},
    "gaussian_classes": {"means": [[0.0], [1.0]], "covariances": [[[1.0]], [[1.0]]]},
    "class_means": {
        "arrangement": "simplex", "n_classes": 2, "n_features": 2, "separation": 1.0, "seed": 0,
    },
    "class_covariances": {"kind": "per-class", "n_classes": 2, "n_features": 2, "seed": 0},
    "skew_normal_classes": {"means": [[0.0], [1.0]], "shape": [0, 1], "scale": 1.0},
    "class_sizes": {"n_classes": 2, "largest": 10, "ratio": 2, "profile": "step"},
    "posterior_balance": {
        "generator": lp.gaussian_classes([[0.0], [1.0]]), "class_mass": [1, 2], "rng": RNG,
        "n_samples": 10,
    },
    "design": {
        "X": X[0], "y": Y, "target": {"recall": {1: 0.5}}, "generator": None, "train_count": None,
        "test_size": None, "prior": [1.0, 1.0], "fitter": "softmax", "estimator": None, "l2": 1.0,
        "drop_labels": (), "runs": 25, "seed": 0, "level": 0.9, "margin": 0.05,
    },
    "start_at_balance": {
        "y": [0, 1, 1], "class_weight": [1.0, 2.0], "sample_weight": [1.0, 2.0, 3.0],
    },
    "Objective": vars(lp.Objective()),
    "fit_logistic": of_fit | {"max_iter": 1, "l2": 1.0, "refine": "loo"},
    "fit_softmax": of_fit
    | {"max_iter": 1, "objective": lp.Objective(), "refine": "loo", "rngs": None},
    "fit_one_vs_all": of_fit | {"max_iter": 1, "l2": 1.0, "refine": "loo"},
    "leave_one_out": {
        "X": X[0], "y": Y, "class_weight": [1.0, 1.0], "fitter": "softmax", "penalty": 1.0,
        "labels": [0, 1],
    },
    "fit_mlp": of_fit | {"max_iter": 1, "start": np.ones((1, 5)), "refine": "loo"},
    "fit_softmax_mlp": of_fit
    | {"start": np.ones((1, 7)), "rngs": [RNG], "epochs": 1, "batch_size": 12, "refine": "loo"},
    "logistic_logits": {"X": X[0], "params": [[1, 1, 1]]},
    "softmax_logits": {"X": X[0], "params": np.ones((1, 2, 3))},
    "mlp_logits": {"X": X[0], "params": np.ones((1, 5)), "device": "cpu"},
    "softmax_mlp_logits": {"X": X[0], "params": np.ones((1, 7)), "n_classes": 2},
    "initial_params": {"n_features": 2, "n_hidden": 3, "rng": RNG},
    "initial_softmax_params": {"n_features": 2, "n_hidden": 3, "n_classes": 2, "rng": RNG},
    "replication_rng": {"seed": 0, "cell": "a", "run": 0, "stream": "train"},
    "Workers": {"jobs": 2},
    "open_store": {"out": "/no/such/folder"},
    "read_store": {"folder": "/no/such/folder"},
    "read_fits": {"store": None},
    "read_measurements": {"store": None},
    "run_study": {"study": None},
    "stack_fits": {"rows": []},
    "stack_measurements": {"rows": []},
    "reweight": {
        "y_proba": [[0.5, 0.5]], "acts_upon": [1, 2], "to": "inverse", "train_count": [1, 2],
        "labels": [0, 1],
    },
}  # fmt: skip

NOT_SWEPT = {
    *STUDIES,  # tests/learnprop/test_arguments.py, test_wording.py
    *(name for names in lp.GROUPS["Losses"].values() for name in names),  # tests/equations/losses
    "RefinedBias", "NetworkBalance",  # are returned
    "lightning_balance", "keras_balance",  # their libraries need not be there: tests/audit/networks
    "Estimate", "Fit", "LeaveOneOut", "StateEvolution", "StudyResult",  # are returned
    "DesignReport",
    "Study", "Block", "FitRow", "MeasurementRow",
    "code_version",
    "BalanceReport", "BalanceDisplay",  # tests/audit/report, tests/audit/test_display.py
    "BalancedClassifier",  # is checked when it is fitted: tests/audit/reweighting
    "balanced_logits",  # of optional libraries: tests/audit/boosting
}  # fmt: skip

WRONG = [
    None, "inverse", ["a", "b"], [[1.0], [2.0, 3.0]], [], {0: 0.5, 1: 0.5}, object(), 2.5, -1,
    float("nan"), [np.nan, np.nan], [-1.0, 2.0], 3 + 1j, np.ones((3, 3)), [1, 2, 3], [True, None],
    [0, 10**400], pd.Series(["x", "y"]), np.ma.array([1, 2], mask=[0, 1]), csr_array(np.eye(2)),
]  # fmt: skip


def called(name, arguments):
    """Call a public function; what it makes of single samples or lazily is made."""
    function = getattr(lp, name)
    if name == "jackknife":
        return function(arguments["statistic"], [1, 2, 3], level=arguments["level"])
    if name in ("open_store", "read_store"):
        more = ("study", {}) if name == "open_store" else ()
        return function(*arguments.values(), *more).__enter__()
    if name in ("read_fits", "read_measurements"):
        return function(arguments["store"], "cell")
    if name == "run_study":
        return next(function(arguments["study"], None))
    return function(**arguments)


def raised_by(name, arguments):
    try:
        called(name, arguments)
    except Exception as error:
        return error
    return None


def test_every_public_name_is_swept():
    assert set(lp.__all__) == set(VALID) | NOT_SWEPT


@pytest.mark.filterwarnings("ignore")  # of what is wrong and passes, e.g. the mean of nothing
@pytest.mark.parametrize("name", VALID)
def test_no_public_function_raises_what_numpy_or_torch_raise(name):
    parameters = inspect.signature(getattr(lp, name)).parameters
    for argument in VALID[name]:
        for wrong in WRONG:
            error = raised_by(name, VALID[name] | {argument: wrong})
            if error is None or (isinstance(error, StoreError) and "folder" in str(error)):
                continue
            assert type(error) is BadArgument, (argument, wrong, error)
            assert error.argument in parameters, (argument, wrong)
            assert len(str(error)) <= 250, (argument, wrong)
            assert "\n" not in str(error), (argument, wrong)


TABLE = [
    ("class_weights", ([100, 300], "inverse"), "class_count must hold the size of each class, got "
     "'inverse': scheme is the first argument"),
    ("class_weights", (None, [1, 2]), "scheme must hold numbers, got None"),
    ("class_weights", ("inverse", {"a": 1, "b": 2}), "class_count must hold numbers, got {'a': 1,"),
    ("class_weights", ("inverse", pd.Series(list("abb")).value_counts()),
     "class_count is a Series in the order ['b', 'a']: sort_index()"),
    ("class_mass", ("inverse", [1, 2]), "class_weight must hold numbers, got 'inverse'"),
    ("class_mass", ("balanced", [1, 2]), "class_weight must hold numbers, got 'balanced'; learn"
     "prop.class_weights('inverse', class_count) holds them"),
    ("class_mass", ({0: 10, 1: 1}, [1, 2]), "class_weight must hold numbers, got {0: 10, 1: 1}; one"
     " for each class, in their order"),
    ("class_mass", ([True, True], [1, 2]), "class_weight must hold numbers, not truth values, got"),
    ("leave_one_out", (NAMED.replace(6.0, np.nan), Y, [1, 1]), "X holds a number that is not finite"
     ": nan at position 1 of column 'age'"),
    ("leave_one_out", (NAMED.assign(kind="a"), Y, [1, 1]), "X must hold numbers, got 'a' at posit"
     "ion 0 of column 'kind'"),
    ("leave_one_out", (NAMED.set_index("age"), pd.Series(Y), [1, 1]), "y and X must have the same "
     "index, got 0 and 5.0 at position 0; y.to_numpy() goes by position"),
    ("leave_one_out", (NAMED.set_index("age"), pd.Series(Y)[:-1], [1, 1]), "y has 11 samples, X "),
    ("class_mass", ([1, 1], range(10_000)), "class_count must be positive, got [0.0, 1.0, 2.0, 3.0,"
     " 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, ...]"),
    ("gap", ([1, 2], P), "mean_proba must have shape (..., n_classes, n_classes >= 2), got (2,)"),
    ("gap", (P, [1, 2, 3]), "class_mass must have 2 classes as mean_proba, got shape (3,)"),
    ("gap", ([P] * 3, np.ones((2, 2))), "class_mass must go with mean_proba of shape (3, 2, 2), "),
    ("gap", (P, [1, np.nan]), "class_mass must hold finite numbers, none negative, got [1.0, nan]"),
    ("gap", ([[0.5, np.nan], [0.5, 0.5]], [1, 1]), "mean_proba must hold finite numbers, none neg"),
    ("mean_proba", (P, ["no", "yes"]), "proba must hold numbers, got ['no', 'yes']"),
    ("mean_proba", (["a", "b"], [[1.0], [0.5, 0.5]]), "proba must hold numbers in rows of one len"),
    ("mean_proba", (["a", "b"], csr_array(P)), "proba must be dense, got a sparse matrix"),
    ("mean_proba", (["a", "b"], [2.0, 0.5]), "proba holds a number above one: 2.0"),
    ("mean_proba", (["a", "a"], P), "y_true holds the labels ['a'] of 2 classes: say with labels"),
    ("mean_proba", (["a", None], P), "y_true must hold strings alone, got None at position 1"),
    ("mean_proba", ([1, 2], P), "y_true must hold labels 0..1, got 2 at position 1: say with la"),
    ("mean_proba", ([0, 0], P), "y_true holds no sample of class 1; with labels=range(2) its ro"),
    ("effective_class_weight", (P, [100]), "class_count must hold 2 sizes, got shape (1,)"),
    ("joint_test_over_runs", ([],), "residuals must have shape (n_runs, n_classes >= 2), got (0,)"),
    ("joint_test_over_runs", (np.empty((0, 2)),), "residuals must hold more than 1 runs, got 0"),
    ("gaps_over_runs", ([1, 2], [1, 2]), "left and right must hold the same runs, at least 2, "),
    ("split_residual", ([1, 2], [1, 2, 3]), "test must have a shape that goes with (2,), got (3,)"),
    ("equivalence_verdict", (0.2, 0.1, 0.05), "low and high must be an interval, got [0.2, 0.1]"),
    ("jackknife", ([1, 2, 3], np.mean), "statistic must be a function, got [1, 2, 3]"),
    ("jackknife", (np.mean,), "samples must be at least one"),
    ("sample", (lp.sim1(), [2, 3], 0), "rng must be of type Generator, as numpy.random.default_"),
    ("sample", ("sim1", [2, 3], RNG), "generator must be of type Generator, as sim1() is, got '"),
    ("replication_rng", (0, "a", 0, "tests"), "stream must be one of train, test, population, "),
    ("Workers", ("2",), "jobs must be of type int, got '2'"),
    ("explore", (X[0], None), "X and y must be given together"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "message"), TABLE)
def test_mistakes_are_named(name, arguments, message):
    with pytest.raises(BadArgument) as caught:
        getattr(lp, name)(*arguments)
    assert str(caught.value).startswith(message)
    assert message.startswith(caught.value.argument)


@pytest.mark.parametrize(
    ("argument", "value", "problem"),
    [("kappa", True, "must be a number, got True"),
     ("separation", True, "must hold numbers, not truth values, got True")],
)  # fmt: skip
def test_truth_is_no_number(argument, value, problem):
    with pytest.raises(BadArgument, match=f"^{argument} {problem}$"):
        lp.state_evolution(**VALID["state_evolution"] | {argument: value})


@pytest.mark.parametrize(
    "labels",
    [
        ["no", "yes", "yes", "no"], np.array(["no", "yes", "yes", "no"], object),
        pd.Series(["no", "yes", "yes", "no"], index=[3, 1, 2, 0]),
        np.array([b"a", b"b", b"b", b"a"]),
        pd.Categorical(["no", "yes", "yes", "no"]), torch.tensor([0, 1, 1, 0]),
        [False, True, True, False],
    ],
)  # fmt: skip
def test_labels_and_probabilities_are_those_of_scikit_learn(labels):
    one = np.array([0.125, 0.75, 0.875, 0.25])
    two = np.stack([1 - one, one], axis=1)
    expected = [two[[0, 3]].mean(axis=0), two[[1, 2]].mean(axis=0)]
    for proba in (one, two, pd.DataFrame(two), torch.tensor(two, requires_grad=True), list(one)):
        np.testing.assert_array_equal(lp.mean_proba(labels, proba), expected)
    rows = list(torch.tensor(two, requires_grad=True))  # as a loop over batches has them
    np.testing.assert_array_equal(lp.mean_proba(labels, rows), expected)
    P_again, _ = lp.mean_proba_and_second_moments(labels, one)
    np.testing.assert_array_equal(P_again, expected)
    np.testing.assert_allclose(lp.measure(labels, np.log(two)).mean_proba, expected)


def test_the_order_of_names_is_that_of_predict_proba():
    from sklearn.linear_model import LogisticRegression

    y = np.array(["b", "a", "c", "a", "b", "c", "a", "b"])
    features = np.arange(16.0).reshape(8, 2) % 5
    model = LogisticRegression().fit(features, y)
    proba = model.predict_proba(features)
    found = lp.mean_proba(y, proba)
    np.testing.assert_array_equal(found, lp.mean_proba(y, proba, labels=model.classes_))
    for i, label in enumerate(model.classes_):
        np.testing.assert_allclose(found[i], proba[y == label].mean(axis=0))
    swapped = lp.mean_proba(y, proba, labels=["c", "b", "a"])
    np.testing.assert_array_equal(swapped, found[[2, 1, 0]])  # and a wrong order is another P


def test_a_class_without_samples_is_nan_where_it_is_needed_and_only_there():
    rng = np.random.default_rng(0)
    y, proba = np.repeat([0, 1], 5), rng.dirichlet(np.ones(3), 10)
    Q = lp.mean_proba(y, proba, labels=range(3))
    full = lp.mean_proba(np.append(y, 2), np.vstack([proba, [0.2, 0.3, 0.5]]))
    assert np.isnan(Q[2]).all()
    np.testing.assert_array_equal(Q[:2], full[:2])
    mass = [1.0, 2.0, 3.0]
    nan_of = {  # left_j needs row j, right_j all others: so the gap of each class needs all
        "left_side": [0, 0, 1], "right_side": [1, 1, 0], "residual": [1, 1, 1], "gap": [1, 1, 1],
        "detailed_balance_asymmetry": [[0, 0, 1], [0, 0, 1], [1, 1, 0]],
    }  # fmt: skip
    for name, expected in nan_of.items():
        found, whole = (getattr(lp, name)(matrix, mass) for matrix in (Q, full))
        assert np.isnan(found).tolist() == np.array(expected, bool).tolist(), name
        np.testing.assert_array_equal(found[~np.isnan(found)], whole[~np.isnan(found)])
    assert np.isnan(lp.accuracy_bounds(Q)[0]).tolist() == [False, False, True]
    assert np.isnan(lp.binary_ratio([[0.5, 0.5], [np.nan, np.nan]]))
    moments = lp.mean_proba_and_second_moments(y, proba, labels=range(3))[1]
    for call in (
        lambda: lp.stationary_distribution(Q),
        lambda: lp.effective_class_weight(Q, [1, 2, 3]),
        lambda: lp.gaps_of_model(Q, moments, [5, 5, 5], mass),
        lambda: lp.joint_test_of_model(Q, moments, [5, 5, 5], mass),
    ):
        with pytest.raises(BadArgument, match="mean_proba has no row of class 2, of which there"):
            call()
    measured = lp.measure(y, np.log(proba), labels=range(3))
    np.testing.assert_allclose(measured.mean_proba, Q)
    assert measured.class_count.tolist() == [5, 5, 0]
    assert np.isnan(measured.miss_proba).tolist() == [False, False, True]
    assert np.isnan(lp.measure(y, np.log(proba), "sigmoid", labels=range(3)).miss_proba[2])


def test_counts_take_names():
    assert lp.class_count(["b", "a", "b"]).tolist() == [1, 2]
    assert lp.class_count(["b", "b"], labels=["a", "b"]).tolist() == [0, 2]
    with pytest.raises(BadArgument, match="n_classes or labels is needed where labels are numbers"):
        lp.class_count([0, 1])
    with pytest.raises(BadArgument, match=r"labels must be distinct, got \['a', 'a'\]"):
        lp.class_count(["a"], labels=["a", "a"])
    with pytest.raises(
        BadArgument, match=r"y_true must hold labels among \['a', 'b'\], got 'c' at"
    ):
        lp.class_count(["a", "c"], labels=["a", "b"])
