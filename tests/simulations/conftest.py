"""A user's own data, as a table and as a file; images, and how they are trained on."""

import numpy as np
import pandas as pd
import pytest

from tests.trained import digit_samples


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(60, 2)), columns=["height", "x 2"])
    table["kind"] = np.repeat(["a_b & 50 %", "NA", "c"], [30, 20, 10])
    return table


@pytest.fixture
def write(tmp_path):
    def to(table, name="data.csv", **how):
        path = tmp_path / name
        (table.to_parquet if name.endswith("parquet") else table.to_csv)(path, **how)
        return str(path)

    return to


@pytest.fixture(scope="session")
def digits():
    """Images, and the rows of three samples of them."""
    return digit_samples()
