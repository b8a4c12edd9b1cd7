"""Memory kept while networks are trained, counted in page faults in a process of its own."""

import json
import subprocess
import sys

import pytest

COUNTED = """
import json, platform, resource, sys, threading
import torch
from learnprop.simulations.engine.memory import large_tensors_kept

torch.set_num_threads(1)

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        x = torch.ones(2**24)  # 64 MiB, always mapped by itself
        y = x + x
        del x, y
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1])

start = resident()
mapped = faults()
with large_tensors_kept():
    with large_tensors_kept():
        faults()
    kept = faults()  # of two blocks the last gives the memory back
left = resident() - start
print(json.dumps([platform.libc_ver()[0], mapped, kept, left]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts page faults as Linux does")
def test_pages_are_not_faulted_in_anew_and_are_given_back():
    answer = subprocess.run(
        [sys.executable, "-c", COUNTED], check=True, capture_output=True, text=True
    )
    libc, mapped, kept, left = json.loads(answer.stdout)
    if libc != "glibc":
        pytest.skip("this C library has no mallopt")
    assert mapped > 20 * 2 * 2**24 * 4 / 2**21  # the control: in pages of 2 MiB, if they are large
    assert kept < mapped / 20  # less than what two of forty tensors would take
    assert left < 2**24 * 4 / 4096  # pages still held: less than one of the tensors
