"""Tamper with a store, so that a test can see whether it is found."""

import numpy as np

from learnprop.simulations.records.rows import Measurements
from learnprop.simulations.records.store import row_type


def flip_last_bit(connection, column, cell, run, position=0):
    """Flip the lowest bit of one number of the first row of a replication: before, after."""
    names = ("cell", "run", "setting", "epoch", "stage", "split")
    *key, blob = connection.execute(
        f"SELECT {', '.join(names)}, arrays FROM measurement WHERE cell = ? AND run = ? "
        "ORDER BY setting, epoch, stage, split LIMIT 1",
        (cell, run),
    ).fetchone()
    layout = row_type(Measurements, 2)
    _, offset = layout.fields[column]
    flipped = bytearray(blob)
    flipped[offset + 8 * position] ^= 1  # little-endian: the first byte has the lowest bits
    changed = connection.execute(
        f"UPDATE measurement SET arrays = ? WHERE {' AND '.join(f'{n} = ?' for n in names)}",
        (bytes(flipped), *key),
    ).rowcount
    assert changed == 1
    return tuple(
        np.frombuffer(b, layout)[column].reshape(-1)[position] for b in (blob, bytes(flipped))
    )
