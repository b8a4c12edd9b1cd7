import numpy as np
import pytest
from scipy.stats import skewnorm

from learnprop.equations.arguments import BadArgument
from learnprop.simulations.generators import FAMILIES
from learnprop.simulations.generators.family import generator_of
from learnprop.simulations.generators.gaussian import (
    class_covariances,
    class_means,
    gaussian_classes,
)
from learnprop.simulations.generators.paper import sim1, sim2
from learnprop.simulations.generators.skew_normal import shape_of_skewness
from learnprop.simulations.registry import choose


@pytest.mark.parametrize("skewness", [-0.99, -0.3, 0.0, 1e-6, 0.9])
def test_shape_has_the_skewness(skewness):
    shape = shape_of_skewness(skewness)
    assert np.sign(shape) == np.sign(skewness)
    assert float(skewnorm.stats(shape, moments="s")) == pytest.approx(skewness, rel=1e-9, abs=1e-15)


def test_a_family_is_what_its_functions_make():
    rng = np.random.default_rng
    expected = {
        "sim1": sim1("mixture"),
        "sim2": sim2("covariance"),
        "gaussian": gaussian_classes(
            class_means("simplex", 3, 2, 1.5), class_covariances("per-class", 3, 2)
        ),
    }
    chosen = {
        "sim1": {"reading": "mixture"},
        "sim2": {"reading": None},
        "gaussian": {"means": "simplex", "separation": 1.5, "covariance": "per-class"},
    }
    for name, options in chosen.items():
        found = generator_of(choose(FAMILIES, name, options))
        for k in range(found.n_classes):
            np.testing.assert_array_equal(
                found.sample_class(k, 5, rng(0)), expected[name].sample_class(k, 5, rng(0))
            )


def test_every_family_says_what_it_is():
    for name, line in FAMILIES.items():
        chosen = choose(FAMILIES, name, {})
        sentence = chosen.record.sentence(**chosen.options)
        assert sentence.endswith(".")
        assert sentence != generator_of(chosen).name
        assert line.record is chosen.record


@pytest.mark.parametrize("name", ["gaussian", "skew-normal"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": 1}, "classes must be at least 2, got 1"),
        ({"means": "simplex", "classes": 4}, "means 'simplex' of 4 classes need"),
        ({"separation": 0.0}, "separation must be positive"),
    ],
)
def test_what_cannot_be_built_names_the_option(name, options, message):
    with pytest.raises(BadArgument, match=message):
        generator_of(choose(FAMILIES, name, options))
