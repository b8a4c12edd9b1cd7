"""Commands for data sets: list, fetch, verify."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from learnprop.equations.arguments import BadArgument
from learnprop.exits import BadInput, bad_input, named_path, say, show_tables, stopped
from learnprop.run_options import WIDE

if TYPE_CHECKING:
    from learnprop.simulations.dataset_catalogue import DataSet

app = typer.Typer()

DataDir = Annotated[
    Path | None,
    typer.Option(
        parser=named_path,
        metavar="DIR",
        help="Folder with a sub-folder per data set; else those of LEARNPROP_DATA, else the "
        "user's cache.",
    ),
]
Wide = Annotated[bool, typer.Option("--wide", help=WIDE)]
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="All by default.")]


AWAY, FETCH = "not here", "learnprop data fetch NAME brings what is not here"


@app.command(name="list")
def list_datasets(data_dir: DataDir = None, wide: Wide = False) -> None:
    """Say which data sets there are, and where their files were found."""
    from learnprop.reports.layout.console import Titled
    from learnprop.reports.layout.grid import Grid
    from learnprop.simulations.dataset_catalogue import DATASETS
    from learnprop.simulations.dataset_files import data_folders, find_folder

    rows = []
    folders = data_folders(str(data_dir or ""))
    for d in DATASETS.values():
        folder = find_folder(d.name, d.files, folders)
        where = str(folder or AWAY) if d.files else "in scikit-learn"
        channels, height, width = d.shape
        shape = f"{height} x {width}" + (f" x {channels}" if channels > 1 else "")
        rows.append((d.name, d.title, shape, where))
    grid = Grid(
        ("name", "title", "images", "where"), tuple(rows), verbatim=(1, 2, 3), minor=("images",),
        note=FETCH if any(where == AWAY for *_, where in rows) else "",
    )  # fmt: skip
    show_tables([Titled("Data sets", grid)], wide=wide)


@app.command()
def verify(names: Names = None, data_dir: DataDir = None) -> None:
    """Verify every file of data sets against what their authors published.

    Without names, all that are found.
    """
    from learnprop.simulations.dataset_files import data_folders, find_folder, read_verified

    wrong, found = [], 0
    for d in _chosen(names):
        if not d.files:
            say(f"{d.name}: embedded in scikit-learn")
            continue
        folder = find_folder(d.name, d.files, data_folders(str(data_dir or "")))
        if folder is None:
            if names:
                wrong.append(f"{d.name} is not here: learnprop data fetch {d.name}")
            continue
        found += 1
        complaints = []
        for file in d.files:
            try:
                read_verified(folder, file)
            except ValueError as error:
                complaints.append(str(error))
        wrong += complaints
        if not complaints:
            say(f"{d.name}: {len(d.files)} files in {folder} are as published")
    if wrong:
        raise BadInput("; ".join(wrong))


@app.command()
def fetch(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Data sets to download.")],
    data_dir: DataDir = None,
) -> None:
    """Download data sets and verify them; files that are there and as published are kept.

    Into --data-dir, else the user's cache.
    """
    try:
        import pooch
    except ImportError:
        raise BadInput("data fetch needs pooch: pip install pooch") from None

    from learnprop.simulations.dataset_files import folder_named, own_folder
    from learnprop.simulations.fetching import fetch_dataset

    pooch.get_logger().setLevel("WARNING")  # its hints are for those who write the code
    folder = folder_named(str(data_dir)) if data_dir else own_folder()
    with bad_input():
        if folder.exists() and not folder.is_dir():
            raise BadArgument("data_dir", f"must be a folder, got {str(folder)!r}")
    for d in _chosen(names):
        if not d.files:
            say(f"{d.name}: embedded in scikit-learn")
            continue
        try:
            with bad_input():
                fetch_dataset(d, folder)
        except OSError as error:  # no network, no such host, a full disk
            raise stopped(f"{d.name} cannot be fetched: {' '.join(str(error).split())}") from None
        say(f"{d.name}: {len(d.files)} files in {folder / d.name} are as published")


def _chosen(names: list[str] | None) -> list[DataSet]:
    from learnprop.simulations.dataset_catalogue import DATASETS, dataset_named

    try:
        return [dataset_named(name) for name in names or DATASETS]
    except ValueError as error:
        raise BadInput(f"NAME: {error}") from None
