"""The arithmetic of devices, by the flags themselves, which a build without CUDA has too."""

import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch

from learnprop.simulations.engine import devices
from learnprop.simulations.engine.blocks import compute_one
from learnprop.simulations.engine.devices import (
    arithmetic,
    chosen_device,
    device_failure,
    is_out_of_memory,
    runs_many_at_once,
)
from learnprop.simulations.engine.study import StudyError
from learnprop.simulations.engine.tasks import Task
from tests.toys import Toy, compute_toy

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
NEW = hasattr(torch.backends.cudnn, "conv")
FULL, TF32 = ("ieee", "tf32") if NEW else (False, True)


def flags():
    """(products, convolutions, tuned) of this process."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    if NEW:
        return matmul.fp32_precision, cudnn.conv.fp32_precision, cudnn.benchmark
    return matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark


@pytest.fixture(autouse=True)
def untouched():
    before = flags()
    yield
    assert flags() == before


def test_auto_is_cuda_where_there_is_one(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert (chosen_device("auto"), chosen_device("cpu")) == (CUDA, CPU)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert chosen_device("auto") == CPU
    with pytest.raises(ValueError, match="device 'cuda' was asked for, but torch finds no CUDA"):
        chosen_device("cuda")
    with pytest.raises(ValueError, match="device must be one of auto, cpu, cuda, got 'mps'"):
        chosen_device("mps")
    assert not runs_many_at_once(CPU)


def test_float32_is_float32_unless_tf32_is_asked_for():
    assert flags()[1] == ("tf32" if NEW else True)  # torch's default: convolutions are not
    with arithmetic(CUDA):
        assert flags() == (FULL, FULL, False)
        with arithmetic(CUDA, "bf16"):
            assert flags() == (FULL, FULL, False)
    with arithmetic(CUDA, "tf32"):
        assert flags() == (TF32, TF32, False)


def test_a_processor_leaves_the_flags_alone():
    before = flags()
    with arithmetic(CPU), arithmetic(CPU, "tf32", tuned=True):
        assert flags() == before


def test_what_was_set_before_is_there_again_after_an_error_too(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    before = flags()

    def fail():
        with arithmetic(CUDA):
            assert flags() == (FULL, FULL, False)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert flags() == before


def test_cudnn_tunes_as_long_as_one_asks_for_it():
    with arithmetic(CUDA):
        with arithmetic(CUDA, tuned=True):
            assert flags() == (FULL, FULL, True)
        assert flags() == (FULL, FULL, False)


def convolutions_once_the_first_has_left(context):
    """Precision that a block sees whose neighbour entered before it and left before it."""
    entered, leave = threading.Event(), threading.Event()

    def neighbour():
        with context():
            entered.set()
            leave.wait(30)

    thread = threading.Thread(target=neighbour)
    thread.start()
    entered.wait(30)
    with context():
        leave.set()
        thread.join(30)
        return flags()[1]


def test_a_block_that_ends_does_not_change_the_arithmetic_of_its_neighbour():
    assert convolutions_once_the_first_has_left(lambda: arithmetic(CUDA)) == FULL


def test_flags_that_every_block_restores_by_itself_would():
    """The control: what the test above would find."""
    _, (owner, name, full), *_ = devices._precision_flags(tf32=False)
    default = getattr(owner, name)

    @contextmanager
    def by_itself():
        before = getattr(owner, name)
        setattr(owner, name, full)
        try:
            yield
        finally:
            setattr(owner, name, before)

    assert convolutions_once_the_first_has_left(by_itself) == TF32
    assert flags()[1] == full  # for good: the second took it for what was there before
    setattr(owner, name, default)


@pytest.mark.parametrize(("first", "second"), [("float32", "tf32"), ("tf32", "float32")])
def test_blocks_of_another_precision_are_refused(first, second):
    said = []

    def neighbour():
        try:
            with arithmetic(CUDA, second):
                said.append("it ran")
        except StudyError as error:
            said.append(str(error))

    with arithmetic(CUDA, first):
        thread = threading.Thread(target=neighbour)
        thread.start()
        thread.join(30)
        inside = flags()
    assert said == [f"blocks in {second} and in {first} cannot run side by side in one process"]
    assert inside[:2] == ((FULL, FULL) if first == "float32" else (TF32, TF32))


def test_a_torch_that_has_the_old_names_only(monkeypatch):
    matmul, cudnn = SimpleNamespace(allow_tf32=True), SimpleNamespace(
        allow_tf32=True, benchmark=True
    )  # fmt: skip
    old = SimpleNamespace(cudnn=cudnn, cuda=SimpleNamespace(matmul=matmul))
    monkeypatch.setattr(
        devices,
        "torch",
        SimpleNamespace(backends=old, set_flush_denormal=torch.set_flush_denormal),
    )
    with arithmetic(CUDA):
        assert (matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark) == (False, False, False)
    assert (matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark) == (True, True, True)


def flushes():
    """Whether this thread takes numbers below the smallest normal one for zero."""
    smallest = torch.tensor([sys.float_info.min], dtype=torch.float64)
    return bool(smallest / 4 == 0)


@pytest.mark.parametrize("device", [CPU, CUDA], ids=str)
def test_small_numbers_are_zero_for_the_thread_that_asks(device):
    found, look = [], threading.Event()

    def other():
        look.wait(30)
        found.append(flushes())

    thread = threading.Thread(target=other)
    thread.start()  # before: a thread inherits how the one computes that starts it
    with arithmetic(device):
        with arithmetic(device):
            assert flushes()
        assert flushes()
        look.set()
        thread.join(30)
    assert not flushes()
    assert found == [False]


MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has"),
    RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
]
FAILURES = [
    (RuntimeError("CUDA error: an illegal memory access was encountered\nCUDA kernel errors"),
     "CUDA error: an illegal memory access was encountered"),
    (RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm`"),
     "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm`"),
    (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
     "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
    (RuntimeError("backend='inductor' raised:\nRuntimeError: CUDA error: unknown error\n"),
     "RuntimeError: CUDA error: unknown error"),
    (RuntimeError("No CUDA GPUs are available"), "No CUDA GPUs are available"),
]  # fmt: skip
OTHERS = [
    RuntimeError("shape '[2, 3]' is invalid for input of size 5"),
    ValueError("CUDA error: said by who knows whom"),
    FloatingPointError("overflow"),
]
if hasattr(torch, "AcceleratorError"):
    MEMORY.append(torch.AcceleratorError("CUDA error: out of memory"))
    FAILURES.append((torch.AcceleratorError("the device is gone"), "the device is gone"))


@pytest.mark.parametrize("error", MEMORY, ids=str)
def test_a_lack_of_memory_is_told_from_a_device_that_fails(error):
    assert is_out_of_memory(error)
    assert device_failure(error) is None


@pytest.mark.parametrize(("error", "line"), FAILURES, ids=str)
def test_a_device_that_fails_says_how(error, line):
    assert device_failure(error) == line
    assert not is_out_of_memory(error)


@pytest.mark.parametrize("error", OTHERS, ids=str)
def test_other_errors_are_no_fault_of_the_device(error):
    assert not is_out_of_memory(error)
    assert device_failure(error) is None


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_fails():
    with pytest.raises((RuntimeError, AssertionError)) as caught:
        torch.zeros(1, device="cuda")
    assert device_failure(caught.value)


@dataclass(frozen=True)
class OnDevice(Toy):
    device: str = "cuda"


def failing(error, asked, on_whole_blocks=False):
    def compute_block(cell, seed, runs):
        asked.append(runs)
        if len(runs) > 1 and on_whole_blocks:
            raise FloatingPointError
        if 27 in runs:
            raise error
        return compute_toy(cell, seed, runs)

    return compute_block


def test_a_device_that_fails_stops_the_study_and_no_replication_is_to_blame():
    error = RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might be")
    line = (
        "the device cuda failed: CUDA error: unspecified launch failure; the same command resumes"
    )
    for on_whole_blocks, n_asked in ((False, 1), (True, 1 + 3)):
        asked = []
        answer = compute_one(Task(failing(error, asked, on_whole_blocks), OnDevice("x"), 3, 1))
        assert isinstance(answer, StudyError)
        assert str(answer) == line
        assert len(asked) == n_asked  # whole; and at most up to run 27 by itself


def test_a_lack_of_memory_is_a_failed_replication():
    asked = []
    error = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")
    block = compute_one(Task(failing(error, asked), OnDevice("x"), 3, 1))
    assert set(block.fits.run[block.fits.status == "failed"].tolist()) == {27}
