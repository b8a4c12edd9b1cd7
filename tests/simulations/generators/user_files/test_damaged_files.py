"""Damage anywhere in a user's file: the right values or one line, never another exception."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from learnprop.simulations.generators.user_files.read import read_features_and_labels


def damaged(content, seed, n):
    """Copies with a byte or a bit flipped, or cut off: at places that are chosen anew by a seed."""
    rng = np.random.default_rng(seed)
    for at in rng.integers(len(content), size=n).tolist():
        for flip in (255, 1 << int(rng.integers(8))):
            yield content[:at] + bytes([content[at] ^ flip]) + content[at + 1 :]
        yield content[:at]


@pytest.mark.parametrize(
    "name", ["a.npz", "deflated.npz", "a.csv.gz", "a.xlsx", "a.parquet", "plain.parquet"]
)
def test_a_damaged_file_is_refused_in_one_line_or_read_right(frame, write, tmp_path, name):
    """Never another exception; never other values, where the format has a checksum."""
    frame = frame.round(9)  # openpyxl writes 16 digits
    X, y = frame[["height", "x 2"]].to_numpy(), frame["kind"].to_numpy(str)
    path = tmp_path / name
    if name.endswith("npz"):
        (np.savez if name == "a.npz" else np.savez_compressed)(path, X=X, kind=y)
    elif name.endswith("parquet"):
        pq.write_table(pa.Table.from_pandas(frame), path, write_page_checksum=name == "a.parquet")
    elif name.endswith("xlsx"):
        frame.to_excel(path, index=False)
    else:
        write(frame, name, index=False)
    said = []
    for content in damaged(path.read_bytes(), seed=0, n=100):
        path.write_bytes(content)
        try:
            features, labels = read_features_and_labels(str(path), "kind", ())
        except ValueError as error:
            said.append(str(error))
        else:
            if name != "plain.parquet":
                assert np.array_equal(features, X)
                assert labels.tolist() == y.tolist()
    assert len(said) > 100
    assert all(line.startswith(f"data {path}") and "\n" not in line for line in said)


def test_a_damaged_file_ends_the_command_with_one_line(tmp_path, cli):
    path = tmp_path / "a.npz"
    np.savez(path, X=np.arange(80.0).reshape(40, 2) ** 2, y=np.arange(40) % 2)
    path.write_bytes(path.read_bytes()[:300] + b"x" + path.read_bytes()[301:])
    status, _, stderr = cli("explore", "--data", path, "--label", "y", "--out", tmp_path / "out")
    assert (status, stderr.count("\n")) == (2, 1)
    assert "cannot be read: the checksum of X.npy is another" in stderr
    assert not (tmp_path / "out").exists()


def test_a_parquet_file_that_ends_early_is_refused(tmp_path, monkeypatch):
    """pyarrow reads 8 of 40 rows of some damaged page headers without complaint."""
    path = tmp_path / "short.parquet"
    pd.DataFrame({"x": np.arange(40.0), "label": ["a", "b"] * 20}).to_parquet(path)
    whole = pd.read_parquet
    monkeypatch.setattr(pd, "read_parquet", lambda *a, **k: whole(*a, **k).iloc[:8])
    with pytest.raises(ValueError, match="damaged, with 8 of 40 rows"):
        read_features_and_labels(str(path), "label", ())
