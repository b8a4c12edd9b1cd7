"""Errors that name an argument: pickled, renamed on their way up, and said where."""

import pickle
from contextlib import ExitStack

import pytest

from learnprop.equations.arguments import BadArgument, Worded, marked, renamed, within


def raise_within(error, *contexts):
    """Raise in the contexts, the first of them outermost."""
    with ExitStack() as stack:
        for context in contexts:
            stack.enter_context(context)
        raise error


def raised(error, *contexts):
    """What leaves the contexts."""
    with pytest.raises(type(error)) as caught:
        raise_within(error, *contexts)
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        BadArgument("sizes", "takes the place of `imbalance`"),
        Worded("fewer `jobs` need less memory"),
    ],
)
def test_errors_travel_between_processes(error):
    found = pickle.loads(pickle.dumps(error))
    assert type(found) is type(error)
    assert (str(found), found.marked, vars(found)) == (str(error), error.marked, vars(error))


def test_a_bad_argument_is_a_value_error_with_its_parts():
    error = BadArgument("sizes", "takes the place of `imbalance`")
    assert isinstance(error, ValueError)
    assert (error.argument, error.problem) == ("sizes", "takes the place of `imbalance`")
    assert str(error) == "sizes takes the place of imbalance"
    assert error.spelled(str.upper) == "SIZES takes the place of IMBALANCE"


def test_renaming_nests_and_reaches_what_the_problem_mentions():
    error = BadArgument("ratio", "5 leaves class 1 empty where `largest` is 4")
    found = raised(
        error,
        renamed(imbalance="factor", ratio="not this: it is imbalance by now"),
        renamed(ratio="imbalance", largest="train_size"),
    )
    assert str(found) == "factor 5 leaves class 1 empty where train_size is 4"
    assert found.marked == "`factor` 5 leaves class 1 empty where `train_size` is 4"


def test_names_that_are_swapped_are_swapped_once():
    found = raised(BadArgument("a", "is not `b`"), renamed(a="b", b="a"))
    assert found.marked == "`b` is not `a`"


@pytest.mark.parametrize("error", [ValueError("ratio 5"), Worded("`ratio` 5"), OSError("ratio")])
def test_other_errors_are_not_renamed(error):
    assert raised(error, renamed(ratio="imbalance"), within("ratio", "of x")) is error


def test_only_what_the_argument_says_is_put_somewhere():
    def said_of_column(argument):
        error = BadArgument(argument, "holds 1")
        return str(raised(error, within("data", "f.csv"), within("data", ": column 'a'")))

    assert said_of_column("data") == "data f.csv: column 'a' holds 1"
    assert said_of_column("label") == "label holds 1"


def test_values_in_backticks_that_are_no_names_stay():
    assert str(BadArgument("rarest", "must be a label, got '`a b`', `")) == (
        "rarest must be a label, got '`a b`', `"
    )


def test_marks_survive_in_the_message_of_another_error():
    assert marked(BadArgument("data", "is gone")) == "`data` is gone"
    assert marked(OSError("`data` is gone")) == "`data` is gone"
