"""Excel workbooks: the one sheet that holds anything, its first row the names of the columns."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from zipfile import ZipFile

from learnprop.equations.arguments import BadArgument

if TYPE_CHECKING:
    import pandas as pd


def read_excel(
    content: bytes, label: str, drop: Sequence[str], check_names: Callable[[Sequence[str]], None]
) -> tuple[pd.DataFrame, pd.Series]:
    """Read a sheet, every cell as the number or text that it holds, a formula as its last value.

    Parameters
    ----------
    content : bytes
        Of an ``.xlsx`` file. Rows and columns without a value are none.
    label : str
        Column of the labels.
    drop : sequence of str
        Columns that are no features.
    check_names : callable
        Raises ValueError if the columns are not what they should be.

    Returns
    -------
    features : DataFrame of objects
        What is missing is an empty text.
    labels : Series of objects

    Raises
    ------
    BadArgument
        If several sheets hold something, or none does, or openpyxl is missing.
    Exception
        Of any kind: a damaged file raises whatever its bytes happen to mean.
    """
    import pandas as pd

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and of what is not read
            with ZipFile(io.BytesIO(content)) as archive:
                wrong = archive.testzip()
            if wrong is not None:
                raise ValueError(f"the checksum of {wrong} is another")
            sheets = pd.read_excel(
                io.BytesIO(content), sheet_name=None, header=None, dtype=object, na_filter=False,
                engine="openpyxl",
            )  # fmt: skip
    except ImportError:
        raise BadArgument("data", "needs: pip install 'learnprop[excel]'") from None
    tables = {name: _filled(table) for name, table in sheets.items()}
    tables = {name: table for name, table in tables.items() if table.size}
    if len(tables) != 1:
        found = f"{', '.join(tables)}: save the one that is meant by itself" if tables else "none"
        raise BadArgument("data", f"must hold one sheet that is not empty, got {found}")
    (table,) = tables.values()
    columns = [str(name).strip() or f"Unnamed: {j}" for j, name in enumerate(table.iloc[0])]
    check_names(columns)
    rows = table.iloc[1:].set_axis(columns, axis=1).reset_index(drop=True)
    return rows.drop(columns=[label, *drop]), rows[label]


def _filled(table: pd.DataFrame) -> pd.DataFrame:
    """Rows and columns that hold anything, without the blanks around text."""
    table = table.map(lambda cell: cell.strip() if isinstance(cell, str) else cell)
    filled = (table != "").to_numpy(dtype=bool)
    return table.loc[filled.any(axis=1), filled.any(axis=0)]
