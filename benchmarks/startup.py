"""How long ``learnprop --help`` takes more than a bare interpreter."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np


def seconds(*arguments: str) -> float:
    times = []
    for _ in range(7):
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return float(np.median(times))


def run(_runs: int) -> None:
    bare, shown = seconds("-c", "pass"), seconds("-m", "learnprop", "--help")
    print(
        f"learnprop --help: {shown:.3f} s, python -c pass: {bare:.3f} s, more: {shown - bare:.3f} s"
    )
