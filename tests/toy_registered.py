"""A family and a fitter that nobody has, each with an option of its own.

``python -m tests.toy_registered ...`` is the command line that has them: two registry lines.
"""

from functools import partial

import numpy as np

from learnprop.simulations.fitters import FITTERS, FitterLine
from learnprop.simulations.generators import FAMILIES
from learnprop.simulations.registry import Parameter, Registered


def register():
    """In the process whose command line it is; pytest imports this file to look for examples."""
    FAMILIES["laplace"] = Registered(
        "tests.toy_registered:FAMILY", {"spread": Parameter(float, 1.0, "Scale.")}
    )
    FITTERS["shrunk"] = FitterLine(
        "tests.toy_registered:FITTER", {"shrink": Parameter(float, 1.0, "Factor.")}, n_classes=3
    )


def sample_class(spread, k, n, rng):
    return (k + rng.laplace(scale=spread, size=n))[:, None]


def build(*, spread):
    from learnprop.equations.arguments import BadArgument
    from learnprop.equations.limits.quadrature import Quadrature
    from learnprop.simulations.generators.generator import Generator

    if not spread > 0:
        raise BadArgument("spread", f"must be positive, got {spread:g}")
    nodes = np.linspace(0.005, 0.995, 199)
    laplace = -np.sign(nodes - 0.5) * np.log1p(-2 * np.abs(nodes - 0.5))
    rules = tuple(Quadrature((k - spread * laplace)[:, None], np.full(199, 1 / 199))
                  for k in range(3))  # fmt: skip
    return Generator("laplace", "", 1, 3, partial(sample_class, spread), lambda: rules)


def fit(batch, *, shrink):
    from dataclasses import replace

    from learnprop.simulations.fitters.fit import Fitted
    from learnprop.simulations.fitters.softmax import fit_softmax, softmax_logits

    found = fit_softmax(batch.X, batch.y, batch.values, device=batch.device)
    shrunk = replace(found, params=shrink * found.params)
    return [Fitted(batch.settings, 3, "raw", shrunk, softmax_logits)]


def __getattr__(name):
    """Records load what is heavy, registry lines do not."""
    from learnprop.simulations.fitters.fitter import Fitter
    from learnprop.simulations.generators.family import Family

    if name == "FAMILY":
        return Family(build, lambda *, spread: f"Laplace classes of scale {spread:g}.")
    if name == "FITTER":
        return Fitter("softmax times {shrink:g}", fit, headline=lambda **_: (3, "raw"))
    raise AttributeError(name)


if __name__ == "__main__":
    register()
    from learnprop.cli import main

    main()
