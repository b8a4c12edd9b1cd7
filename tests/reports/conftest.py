"""Grids that several files of tests look at."""

import numpy as np
import pandas as pd
import pytest

from learnprop.simulations.studies.explore.study import Options
from tests.explored import NAMES, reported


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explore")
    return folder, *reported(Options(runs=40, ratios=(1, 10), train_size=2000), folder)


@pytest.fixture(scope="module")
def own_data(tmp_path_factory):
    """Three labels that LaTeX, mathtext and CSV would each like to read as something else."""
    rng = np.random.default_rng(0)
    count = (400, 150, 100)
    table = pd.DataFrame({"a": rng.normal(np.repeat([0.0, 1.5, -1.5], count))})
    table["kind"] = np.repeat(NAMES, count)
    folder = tmp_path_factory.mktemp("own")
    table.to_csv(folder / "data.csv", index=False)
    options = Options(
        runs=25, data=str(folder / "data.csv"), label="kind", ratios=(1, 4),
        weights=("equal", "inverse"), lambda0_grid=(0.1, 0.9, 5),
    )  # fmt: skip
    return folder, *reported(options, folder)
