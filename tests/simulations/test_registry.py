import pickle

import pytest

from learnprop.equations.arguments import BadArgument
from learnprop.simulations.registry import Parameter, Registered, choose, owners

WIDTH = Parameter(int, 2, "Width.", least=1)
KIND = Parameter(str, "a", "Kind.", ("a", "b"))
LINES = {
    "join": Registered("os.path:join", {"width": WIDTH, "kind": KIND}),
    "split": Registered("os.path:split", {"width": WIDTH}),
    "exists": Registered("os.path:exists"),
}


def test_what_is_chosen_has_its_own_options_only():
    chosen = choose(LINES, "split", {"width": 5, "kind": "b", "seed": 1})
    assert chosen.options == {"width": 5}
    assert choose(LINES, "join", {}).options == {"width": 2, "kind": "a"}
    assert owners(LINES) == {"width": ["join", "split"], "kind": ["join"]}


def test_a_record_is_found_by_whoever_has_no_registry():
    chosen = pickle.loads(pickle.dumps(choose(LINES, "split", {})))
    assert chosen.record("a/b") == ("a", "b")
    assert chosen == choose(LINES, "split", {})


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("split", {"width": 0}, "width must be at least 1, got 0"),
        ("join", {"kind": "c"}, "kind must be one of a, b, got 'c'"),
    ],
)
def test_options_that_cannot_be(name, values, message):
    with pytest.raises(BadArgument, match=message):
        choose(LINES, name, values)
    assert choose(LINES, "exists", values).options == {}  # the control


def test_a_name_is_declared_once():
    other = {"exists": Registered("os.path:exists", {"width": Parameter(float, 2.0, "Width.")})}
    with pytest.raises(TypeError, match="width is declared by join and by exists, differently"):
        owners(LINES | other)
