"""What would run on a GPU, rehearsed on a device that is pretended (tests/pretended)."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.pretended.device import can_be_pretended
from tests.pretended.report import differences

ROOT = Path(__file__).parents[1]

needs_the_device = pytest.mark.skipif(
    not can_be_pretended(), reason="this PyTorch cannot set a device up in Python"
)


def rehearse(*parts):
    """Rehearse in a process of its own, which the device is set up in for good."""
    return subprocess.run(
        [sys.executable, "-m", "tests.pretended", *parts],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.slow
@needs_the_device
def test_nothing_mixes_devices_waits_in_a_step_or_differs():
    """Steps of every way and loss, blocks, fitters, measured and refined networks."""
    answer = rehearse()
    assert answer.returncode == 0, answer.stdout + answer.stderr
    numbers = {
        name: [int(n) for n in line.split()[:4]]
        for line in answer.stdout.splitlines()[1:]
        for name in [line[36:].strip()]
    }
    for first in ("step, one cnn2c, sml", "step, stacked cnn5c, lgl-inr", "fit, softmax", "stages"):
        (kernels, _, _, hidden), *_ = (n for name, n in numbers.items() if name.startswith(first))
        assert kernels > 30  # the control: it was there that it was computed
        assert hidden == 0


@pytest.fixture(scope="module")
def planted():
    if not can_be_pretended():
        pytest.skip("this PyTorch cannot set a device up in Python")
    answer = rehearse("--part", "planted")
    assert answer.returncode == 1, answer.stderr
    return answer.stdout


@pytest.mark.parametrize(
    ("plant", "fault"),
    [
        ("copy", "1 wait: copy to the processor"),
        ("number", "1 wait: _local_scalar_dense"),
        ("number without gradient", "1 wait: _local_scalar_dense"),
        ("mask", "1 wait: index"),
        ("constant", "1 copy: to the device"),
        ("index", "1 hidden copy: index on the processor"),
        ("operand", "Expected all tensors to be on the same device"),
        ("array", "can't convert pretended:0 device type tensor to numpy"),
    ],
)
@pytest.mark.parametrize(
    ("way", "place"),
    [("one", "simulations/networks/steps.py:"), ("stacked", "networks/stacked/step.py:")],
)
def test_what_is_planted_in_a_step_is_found_where_it_is(planted, way, plant, fault, place):
    found = [x for x in planted.splitlines() if x.startswith(f"step, {way}, planted {plant}: ")]
    assert any(fault in line and place in line for line in found), found


def test_a_result_that_is_not_the_processors_is_a_fault():
    expected = {"n": np.arange(3), "p": np.array([1e3, np.nan])}
    assert (
        differences("x", {"n": np.arange(3), "p": expected["p"] * (1 + 1e-9)}, expected, 2e-9) == []
    )
    for change in (
        {"p": expected["p"] + 1e-5},
        {"p": np.zeros(2)},
        {"p": expected["p"][:1]},
        {"n": np.array([0, 1, 3])},
        {"n": np.arange(3.0)},
    ):
        assert len(differences("x", expected | change, expected, 2e-9)) == 1
    assert differences("x", [expected | {"n": 1}], [expected], 0.0, skip=["n"]) == []
