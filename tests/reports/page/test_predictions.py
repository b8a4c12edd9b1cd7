"""Files of predictions, read in the page and by `learnprop check`."""

import re
from contextlib import suppress

import numpy as np
import pytest
from scipy import stats

import learnprop as lp
from learnprop.audit.predictions.files import measure_file, open_predictions
from learnprop.audit.predictions.user_predictions.choice import ANSWERS, ONE, PREFIXES, Asked
from learnprop.audit.predictions.user_predictions.table import LABELS
from learnprop.equations.arguments import BadArgument
from learnprop.equations.inference.chernoff import bounds_of_sum
from learnprop.equations.inference.few_misses import too_few_misses

READ = {
    "two columns": "y_true,p_a,p_b|a,0.9,0.1|a,.8,.2|b,.3,.7|b,.25,.75|a,1,0|",
    "one column": "y_true,y_proba|0,0.25|0,1e-3|1,0.5|1,1|",
    "one column of the first class": "label,p_no|no,0.25|yes,0.125|no,0.5|yes,1|",
    "semicolons and decimal commas": "y_true;p_a;p_b|a;0,9;0,1|a;1,0;0,0|b;0,3;0,7|b;0,5;0,5|",
    "tabs": "y@p_0@p_1|0@0.5@0.5|1@0.25@0.75|0@0.75@0.25|1@0.5@0.5|".replace("@", "\t"),
    "quotes, blanks and a column besides": 'id, y_true ,"p_a, b", p_c'
    '|1,"a, b", 0.5,0.5|2,c,0.25,0.75|3,"a, b",1,0||4,c,0,1|',
    "columns called as labels": "y_true,cat,dog|cat,1,0|dog,0.25,0.75|cat,0.75,0.25|dog,0,1|",
    "labels with a point": "y_true,p_0,p_1|0.0,1,0|1.0,0.25,0.75|0.0,0.75,0.25|1.0,0,1|",
    "numbers in order": "y_true,proba|10,0.75|9,0.25|10,0.5|9,0.125|",
    "three classes, rounded": "y_true,p_a,p_b,p_c|a,0.33,0.33,0.33|a,0.5,0.25,0.25"
    "|b,0.1,0.8,0.1|b,0.2,0.7,0.1|c,0,0,1|c,0.05,0.15,0.8|",
    "an index of pandas": ",y_test,score|0,no,.25|1,yes,.5|2,no,.75|3,yes,.5|",
    "an index that was read": "Unnamed: 0,target,prob_a,prob_b"
    "|.5,a,1,0|.5,b,0,1|.5,a,.5,.5|.5,b,0,1|",
    "answers besides": "truth,y_pred,predict_proba_0,predict_proba_1"
    "|0,0,.75,.25|1,0,.5,.5|0,1,.25,.75|1,1,0,1|",
    "answers alone": "y_true,y_pred|0,0|1,1|0,1|1,1|",
    "answers beside columns called as labels": "y,y_pred,a,b|a,0,1,0|b,1,0,1|a,0,.5,.5|b,0,0,1|",
    "a class called as a column of one": "y,p,q|p,1,0|q,0,1|p,.5,.5|q,0,1|",
    "a prefix that begins as a name": "y,y_proba_a,y_proba_b|a,1,0|b,0,1|a,.5,.5|b,0,1|",
    "a column of one besides": "y,a,b,y_prob|a,1,0,.5|b,0,1,.75|a,.5,.5,.25|b,0,1,0|",
    "carriage returns and a mark": "\ufeffy_true,p_a,p_b\r|a,0.5,0.5\r|b,0.25,0.75\r|a,1,0\r|b,0,1",
}
"""Texts, whose lines end at |."""
READ = {name: text.replace("|", "\n") for name, text in READ.items()}

NEXT = "the columns after the labels, or use learnprop check --labels"

REFUSED = {
    "a probability above one": ("y_true,p_a,p_b\na,0.5,0.5\nb,1.5,-0.5\n", 2),
    "a single probability above one": ("y_true,proba\n0,0.5\n1,1.25\n", 2),
    "a single probability below zero": ("y_true,proba\n0,-0.5\n1,0.25\n", 1),
    "a row that does not sum to one": ("y_true,p_a,p_b\na,0.5,0.5\nb,0.25,0.25\n", 2),
    "percent": ("y_true,p_a,p_b\na,50,50\nb,25,75\n", 1),
    "an unknown label": ("y_true,p_a,p_b\na,0.5,0.5\nc,0.25,0.75\n", 2),
    "no label": ("y_true,p_a,p_b\na,0.5,0.5\n,0.25,0.75\n", 2),
    "text among numbers": ("y_true,p_a,p_b\na,0.5,0.5\nb,x,0.75\n", 2),
    "no number": ("y_true,p_a,p_b\na,0.5,0.5\nb,,0.75\n", 2),
    "nan": ("y_true,p_a,p_b\na,0.5,0.5\nb,nan,0.75\n", 2),
    "infinite": ("y_true,p_a,p_b\na,0.5,0.5\nb,inf,0.75\n", 2),
    "a short row": ("y_true,p_a,p_b\na,0.5,0.5\nb,0.25\n", 2),
    "a long row": ("y_true,p_a,p_b\na,0.5,0.5\nb,0.25,0.5,0.25\n", 2),
    "no column of labels": ("kind,p_a,p_b\na,0.5,0.5\nb,0.25,0.75\n", None),
    "no probabilities": ("y_true,u,v\na,0.5,0.5\nb,0.25,0.75\n", None),
    "one column, three labels": ("y_true,proba\na,0.5\nb,0.5\nc,0.5\n", None),
    "two columns of one name": ("y_true,p_a,p_a\na,0.5,0.5\nb,0.25,0.75\n", None),
    "logits": ("y_true,logit_a,logit_b\na,0.5,-0.5\nb,-1,1\n", None),
    "one column in all": ("y_true\na\nb\n", None),
    "no rows": ("y_true,p_a,p_b\n", None),
    "nothing": ("", None),
    "an open quote": ('y_true,p_a,p_b\na,0.5,0.5\n"b,0.25,0.75\n', 2),
    "text after a quote": ('y_true,p_a,p_b\na,0.5,0.5\n"b"c,0.25,0.75\n', 2),
    "two columns of labels": ("y_true,label,p_a,p_b\na,a,0.5,0.5\nb,b,0.25,0.75\n", None),
    "two columns of one": ("y_true,proba,score\n0,0.5,0.5\n1,0.25,0.75\n", None),
    "two prefixes": ("y_true,p_a,p_b,prob_a,prob_b\na,1,0,1,0\nb,0,1,0,1\n", None),
    "logits and answers": ("y_true,logit_a,logit_b,y_pred\na,0.5,-0.5,0\nb,-1,1,1\n", None),
    "no header": ("0,0.93\n1,0.25\n0,0.5\n", None),
    "NUL": ("y_true,p_a,p_b\na,0.5,0.5\nb\0,0.25,0.75\n", None),
}


def python_reads(tmp_path, text):
    path = tmp_path / "predictions.csv"
    path.write_bytes(text.encode())
    return measure_file(open_predictions(path, Asked())).predictions


@pytest.mark.parametrize("name", READ)
def test_what_is_read_is_what_python_reads(javascript, tmp_path, name):
    (found,) = javascript("readPredictions", (READ[name],))
    assert found["problem"] == ""
    expected = python_reads(tmp_path, READ[name])
    assert found["classes"] == list(expected.labels)
    assert found["count"] == expected.count.tolist()
    assert found["n"] == expected.count.sum()
    np.testing.assert_allclose(found["P"], expected.mean_proba, rtol=1e-10, atol=1e-16)
    moments = expected.second_moment
    np.testing.assert_allclose(found["secondMoment"], moments, rtol=1e-10, atol=1e-16)


def test_how_it_was_read_is_said(javascript):
    """For a snippet of Python that reads the same."""
    keys = ("label", "columns", "positive", "separator", "decimal")
    asked = ("two columns", "one column of the first class", "semicolons and decimal commas")
    found = javascript("readPredictions", *((READ[name],) for name in asked))
    assert [tuple(one[key] for key in keys) for one in found] == [
        ("y_true", ["p_a", "p_b"], None, ",", "."),
        ("label", ["p_no"], 0, ",", "."),
        ("y_true", ["p_a", "p_b"], None, ";", ","),
    ]


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_python_refuses_and_both_name_the_row(javascript, tmp_path, name):
    text, row = REFUSED[name]
    with pytest.raises(BadArgument) as refusal:
        python_reads(tmp_path, text)
    (found,) = javascript("readPredictions", (text,))
    assert list(found) == ["problem"]
    assert "\n" not in found["problem"]
    assert found["problem"]
    for said in (str(refusal.value), found["problem"]):
        rows = re.findall(r"row (\d+)", said)
        assert rows[:1] == ([] if row is None else [str(row)]), said


def test_what_is_refused_says_what_to_do(javascript):
    calls = {
        "y_true,p_1,p_2\nyes,0.5,0.5\nno,0.25,0.75\n": f"rename {NEXT}",
        "y_true,proba_yes\nTrue,0.5\nFalse,0.75\n": "use learnprop check --pos-label",
        "y_true,u,v\na,0.5,0.5\nb,0.25,0.75\n": "call them 'proba_' and a label, or one of two "
        "classes 'y_proba'; there are 'u', 'v'",
        **dict.fromkeys(
            ("PK\x03\x04x", "PAR1x", "\x1f\ufffdx", "a,b\n\0,1\n"),
            "only CSV text is read here; learnprop check reads .npz, .parquet and .csv.gz",
        ),
    }
    found = javascript("readPredictions", *((text,) for text in calls))
    for one, words in zip(found, calls.values(), strict=True):
        assert one["problem"].endswith(words)


def test_a_class_that_cannot_be_measured_is_refused(javascript):
    few = "y_true,p_a,p_b\na,0.5,0.5\na,0.25,0.75\nb,0,1\n"
    none = "y_true,p_a,p_b\na,0.5,0.5\na,0.25,0.75\n"
    many = ",".join(f"p_{k}" for k in range(101))
    many = f"y_true,{many}\n" + "0," + ",".join(["0"] * 101) + "\n"
    problems = [one["problem"] for one in javascript("readPredictions", (few,), (none,), (many,))]
    assert problems == [
        "class 'b' has 1 row, and needs at least 2",
        "class 'b' has 0 rows, and needs at least 2",
        "there are 101 classes, and up to 100 are read here; learnprop check reads more",
    ]


def damaged(rng):
    """A file that is read, with something done to it, which it may or may not survive."""
    text = READ[sorted(READ)[rng.integers(len(READ))]]
    for _ in range(rng.integers(1, 3)):
        at = int(rng.integers(len(text)))
        change = rng.integers(3)
        if change == 0:
            text = text[:at] + text[at + 1 :]
        elif change == 1:
            text = text[:at] + text[int(rng.integers(len(text)))] + text[at:]
        else:
            text = text[:at] + str(rng.choice(list("09.,;-ab \n"))) + text[at + 1 :]
    return text


def test_damaged_files_are_read_alike_or_refused_by_both(javascript, tmp_path):
    rng = np.random.default_rng(0)
    texts = [damaged(rng) for _ in range(600)]
    n_read = 0
    for text, found in zip(
        texts, javascript("readPredictions", *((t,) for t in texts)), strict=True
    ):
        expected = None
        with suppress(BadArgument):
            expected = python_reads(tmp_path, text)
        if expected is None or found["problem"]:
            few = "needs at least 2" in found["problem"]
            assert found["problem"], (text, "is refused by Python")
            assert expected is None or few, (text, found["problem"], "is read by Python")
            continue
        n_read += 1
        assert found["classes"] == list(expected.labels), text
        np.testing.assert_allclose(found["P"], expected.mean_proba, rtol=1e-10, atol=1e-16)
    assert n_read >= 40


def sample(rng, n, confidence):
    """Predictions of classes of sizes n."""
    K = len(n)
    y = np.repeat(np.arange(K), n)
    z = rng.normal(size=(len(y), K)) + confidence * np.eye(K)[y]
    proba = np.exp(z - z.max(axis=1, keepdims=True))
    proba /= proba.sum(axis=1, keepdims=True)
    P = np.stack([proba[y == k].mean(axis=0) for k in range(K)])
    M = np.stack([proba[y == k].T @ proba[y == k] / n[k] for k in range(K)])
    return P, M, np.array(n)


SAMPLES = [
    ([400, 300], 1.0), ([400, 300], 7.0), ([5, 300], 2.0), ([40, 40], 12.0), ([2000, 60], 4.0),
    ([100, 200, 300], 1.0), ([100, 200, 300], 6.0), ([30, 20, 10, 500], 0.5), ([2, 2], 0.0),
    ([3000, 3000], 14.0), ([2000, 1500], 2.0), ([900, 800, 2000], 3.0), ([500] * 5, 0.5),
]  # fmt: skip


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(3)
    return [sample(rng, n, confidence) for n, confidence in SAMPLES]


def test_weights_that_a_sample_acts_upon_and_their_intervals(javascript, samples):
    rng = np.random.default_rng(4)
    n_trusted = 0
    for P, M, n in samples:
        count = np.exp(rng.normal(5, 2, len(n)))
        for level in (0.95, 0.9):
            given = {"P": P.tolist(), "secondMoment": M.tolist(), "n": n.tolist(),
                     "count": count.tolist(), "level": level}  # fmt: skip
            (found,) = javascript("effectiveWeightInterval", (given,))
            expected = lp.effective_class_weight_of_model(P, M, n, count, level=level)
            for key in ("value", "low", "high"):
                np.testing.assert_allclose(
                    [one[key] for one in found],
                    [getattr(one, key) for one in expected],
                    rtol=1e-9,
                    atol=1e-15,
                )
            reasons = {one.reason for one in expected}
            assert {one["reason"] for one in found} == reasons
            n_trusted += reasons == {""}
    assert 6 <= n_trusted <= 2 * len(samples) - 6  # both roads are taken
    value = [one["value"] for one in found]
    (alone,) = javascript("effectiveWeight", (P.tolist(), count.tolist()))
    np.testing.assert_allclose(value, alone, rtol=1e-12)


def test_why_an_interval_is_not_trusted_in_the_words_of_python(javascript, samples):
    for P, M, n in samples:
        mass = np.linspace(1, 3, len(n))
        names = [str(k) for k in range(len(n))]
        given = (P.tolist(), M.tolist(), n.tolist(), mass.tolist(), names)
        assert javascript("tooFewMisses", given) == [too_few_misses(P, M, n, mass)]
        (misses,) = javascript("expectedMisses", (P.tolist(), n.tolist()))
        np.testing.assert_allclose(misses, n * lp.left_side(P, mass) / mass, rtol=1e-12)
    same = np.full((2, 2), 0.5)
    constant = {"P": same.tolist(), "secondMoment": [(same * 0.5).tolist()] * 2, "n": [5, 5]}
    (found,) = javascript("effectiveWeightInterval", ({**constant, "count": [1, 1]},))
    assert [(one["low"], one["high"], one["reason"]) for one in found] == [(0.5, 0.5, "")] * 2


def test_the_interval_covers_what_it_should(javascript):
    """A fixed model, of which the weights are known, on 400 fresh samples: a binomial test."""
    rng = np.random.default_rng(5)
    proba = np.array([[0.9, 0.1], [0.4, 0.6]])  # two kinds of predictions
    share = np.array([[0.8, 0.2], [0.3, 0.7]])  # of each, by class
    P = share @ proba
    truth = P[1, 0] / (P[1, 0] + P[0, 1]) * np.array([1, 0]) + P[0, 1] / (
        P[1, 0] + P[0, 1]
    ) * np.array([0, 1])
    given = []
    for _ in range(400):
        first = rng.binomial(200, share[:, 0]) / 200
        mix = np.stack([first, 1 - first], axis=1)
        M = np.einsum("kt,ta,tb->kab", mix, proba, proba)
        given.append({"P": (mix @ proba).tolist(), "secondMoment": M.tolist(), "n": [200, 200],
                      "count": [1, 1]})  # fmt: skip
    found = javascript("effectiveWeightInterval", *((one,) for one in given))
    covered = sum(one[0]["low"] <= truth[0] <= one[0]["high"] for one in found)
    assert stats.binomtest(covered, len(found), 0.95).pvalue > 1e-3
    narrow = sum(abs(one[0]["value"] / truth[0] - 1) < 0.02 for one in found)
    assert stats.binomtest(narrow, len(found), 0.95).pvalue < 1e-3


def test_bounds_of_a_sum(javascript):
    calls = [
        (total, unit, tail)
        for total in (0.0, 1e-3, 0.3, 5.0, 400.0)
        for unit in (1.0, 0.02)
        for tail in (0.0125, 1e-6)
    ]
    for call, found in zip(calls, javascript("boundsOfSum", *calls), strict=True):
        np.testing.assert_allclose(found, bounds_of_sum(*call), rtol=1e-9, atol=1e-15)


def test_names_from_a_file_stay_text(javascript):
    """What the display sets as text; here that nothing of it is lost or changed."""
    name = "<img src=x onerror=alert(1)>"
    text = f'y_true,"p_{name}",p_b\n"{name}",0.5,0.5\nb,0.25,0.75\n"{name}",1,0\nb,0,1\n'
    (found,) = javascript("readPredictions", (text,))
    assert found["classes"] == [name, "b"]
    (found,) = javascript("readPredictions", (text.replace("b,0,1", "c,0,1"),))
    said = f"row 4 has the label 'c' in 'y_true', but the probabilities are of '{name}', 'b'"
    assert found == {"problem": f"{said}; rename {NEXT}"}


def test_names_of_columns_are_those_of_python(javascript):
    """All that Python reads by name, one after another, and by the same rule."""
    pairs = [(label, one) for label in LABELS for one in (*ONE, ANSWERS)]
    texts = [f"{label},{one}\n0,.5\n1,.75\n0,.25\n1,.5\n" for label, one in pairs]
    texts += [f"y,{prefix}a,{prefix}b\na,1,0\nb,0,1\na,.5,.5\nb,0,1\n" for prefix in PREFIXES]
    found = javascript("readPredictions", *((text,) for text in texts))
    assert [one["problem"] for one in found] == [""] * len(texts)
