"""A user's own data: a table, and how it is written."""

import numpy as np
import pandas as pd
import pytest


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
