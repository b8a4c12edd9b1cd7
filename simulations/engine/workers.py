"""Where blocks are computed: in this process, in loky's workers, in threads, on a dask cluster.

joblib runs things; here is what it leaves open: a worker that dies, and a driver that stops early.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import warnings
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from learnprop.equations.arguments import BadArgument, instance_of, marked
from learnprop.simulations.engine import BACKENDS
from learnprop.simulations.engine.blocks import compute_group
from learnprop.simulations.engine.limits import raise_in_thread, start_worker
from learnprop.simulations.engine.study import StudyError
from learnprop.simulations.engine.tasks import Task, grouped
from learnprop.simulations.records.rows import Block

_SCHEMES = ("tcp", "tls", "ws", "wss", "ucx")
_CONNECT_SECONDS = 10
_WORKERS_SECONDS = 3600  # a queue may keep a cluster's first worker waiting
_WATCH_SECONDS = 1.0
_ON_CLUSTER = 10_000  # groups that a scheduler holds at a time


@dataclass(frozen=True)
class Workers:
    """Who computes the blocks.

    Attributes
    ----------
    jobs : int
        Workers on this machine; with one, everything runs in this process. A cluster has its own.
    backend : {"loky", "threading", "sequential", "dask"}
        joblib's name.
    scheduler : str or None
        Address of dask's scheduler, e.g. "tcp://10.0.0.1:8786".
    """

    jobs: int = 1
    backend: str = "loky"
    scheduler: str | None = None

    def __post_init__(self) -> None:
        instance_of(self.jobs, "jobs", int)


class WorkerDied(StudyError):
    """Workers were killed or ran out of memory."""


def check_workers(workers: Workers) -> Workers:
    """Check a choice of workers and reach the cluster, if it is one.

    Parameters
    ----------
    workers : Workers
        ``jobs=0`` means one per core.

    Returns
    -------
    Workers
        With the number of jobs filled in.

    Raises
    ------
    ValueError
        Naming the option and its value.
    """
    jobs, backend, scheduler = workers.jobs, workers.backend, workers.scheduler
    if backend not in BACKENDS:
        raise BadArgument("backend", f"must be one of {', '.join(BACKENDS)}, got {backend!r}")
    if jobs < 0:
        raise BadArgument("jobs", f"must not be negative, got {jobs}")
    if backend != "dask":
        if scheduler is not None:
            raise BadArgument("scheduler", f"goes with `backend` dask only, got {scheduler!r}")
        if jobs == 0:
            from joblib import cpu_count

            jobs = int(cpu_count())
        return Workers(1 if backend == "sequential" else jobs, backend)
    if jobs:
        raise BadArgument(
            "jobs", f"{jobs} does not go with `backend` dask: the cluster has workers"
        )
    if scheduler is None:
        raise BadArgument("backend", "dask needs `scheduler`, e.g. tcp://127.0.0.1:8786")
    with _connect(scheduler) as client:
        n_workers = sum(client.ncores().values())
    return Workers(max(1, n_workers), backend, scheduler)


def _connect(scheduler: str) -> Any:
    """Dask's client, to be closed; ValueError where the cluster cannot be reached."""
    try:
        from distributed import Client
    except ImportError:
        raise BadArgument("backend", "dask needs: pip install 'learnprop[cluster]'") from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters we say ourselves
    try:
        _knock(scheduler)
        return Client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadArgument("scheduler", f"{scheduler} cannot be reached: {reason}") from None


def _knock(scheduler: str) -> None:
    """See that somebody listens there: a client that finds nobody complains long afterwards."""
    address = urlsplit(scheduler if "://" in scheduler else f"tcp://{scheduler}")
    if address.scheme not in _SCHEMES:
        raise ValueError(f"it must begin with one of {', '.join(f'{s}://' for s in _SCHEMES)}")
    if address.hostname is None or address.port is None:
        raise ValueError("it needs a host and a port, as in tcp://127.0.0.1:8786")
    if address.scheme in ("tcp", "tls"):
        with socket.create_connection((address.hostname, address.port), _CONNECT_SECONDS):
            pass


def compute_blocks(tasks: Iterable[Task], workers: Workers) -> Generator[list[Block]]:
    """Compute blocks, and yield each group that is computed together when it is done, in any order.

    Parameters
    ----------
    tasks : iterable of Task
    workers : Workers

    Yields
    ------
    list of Block
        One, unless the study computes several together.

    Raises
    ------
    StudyError
        If a worker runs other code than this process, a device fails, or the cluster cannot be
        reached.
    WorkerDied
        If a worker died twice (loky), or one block killed four of them (dask, which otherwise
        computes the block again elsewhere).
    """
    waiting = _Waiting(grouped(tasks))
    restarted = False
    while first := waiting.next_ones(max(1, workers.jobs)):
        try:
            # joblib takes this process for a single job: not for a block that killed its worker,
            # perhaps the last one that is missing. For others it saves a start of 1.5 s.
            jobs = max(2 if restarted else 1, min(workers.jobs, len(first)))
            with closing(_parallel(waiting.taken(), replace(workers, jobs=jobs))) as answers:
                for answer in answers:
                    blocks = [block for block in answer if isinstance(block, Block)]
                    waiting.are_there(blocks)
                    if blocks:
                        yield blocks
                    for error in answer:
                        if isinstance(error, StudyError):
                            raise error
        except _worker_died() as error:
            if restarted:
                reason = "a worker died twice, killed or out of memory"
                raise WorkerDied(f"{reason}; fewer `jobs` need less memory") from error
            restarted = True


class _Waiting:
    """Groups to compute, taken one by one; those that were taken and are not there wait again."""

    def __init__(self, groups: Iterator[list[Task]]) -> None:
        self._groups, self._guard = groups, threading.Lock()
        self._first: list[list[Task]] = []
        self._in_flight: dict[tuple[str, int], Task] = {}
        self._turn = 0

    def next_ones(self, n: int) -> list[list[Task]]:
        """Groups that come next, n at most; nothing is taken any more by who did before."""
        with self._guard:
            self._turn += 1
            self._first = [*grouped(self._in_flight.values()), *self._first]
            self._in_flight = {}
            self._first += islice(self._groups, max(0, n - len(self._first)))
            return self._first[:n]

    def taken(self) -> Iterator[list[Task]]:
        """Take every group; joblib does so from any of its threads, perhaps after it gave up."""
        turn = self._turn
        while True:
            with self._guard:
                if turn != self._turn:
                    return
                group = self._first.pop(0) if self._first else next(self._groups, [])
                self._in_flight |= {(task.cell.name, task.index): task for task in group}
            if not group:
                return
            yield group

    def are_there(self, blocks: Iterable[Block]) -> None:
        """Blocks that need not be computed again."""
        with self._guard:
            for block in blocks:
                del self._in_flight[block.cell, block.index]


def _worker_died() -> type[Exception]:
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    return TerminatedWorkerError


def _parallel(
    groups: Iterator[list[Task]], workers: Workers
) -> Generator[list[Block | StudyError]]:
    from joblib import delayed

    with _joblib(workers) as parallel:
        others = set(threading.enumerate())
        with _without_ctrl_c() if workers.backend == "loky" else nullcontext():
            answers = parallel(delayed(compute_group)(tasks) for tasks in groups)
        try:
            for answer in answers:  # noqa: UP028 -- `yield from` would close it too early
                yield answer
        finally:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # joblib counts what an early end leaves undone
                answers.close()
            if workers.backend == "threading":
                # An interpreter that exits while a thread is in native code aborts.
                for thread in set(threading.enumerate()) - others:
                    thread.join()


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Hold Ctrl-C back while processes are started: they inherit that, and leave it to the driver.

    Not on a cluster: there joblib waits for the first worker, perhaps for long.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _joblib(workers: Workers) -> Iterator[Any]:
    """Set joblib's backend up. One group is one batch: it is committed as soon as it is there."""
    from joblib import Parallel, parallel_config

    how: dict[str, Any] = {"return_as": "generator_unordered", "batch_size": 1}
    if workers.backend == "dask":
        try:
            client = _connect(str(workers.scheduler))
        except ValueError as error:  # it was there a moment ago, in `check_workers`
            raise StudyError(marked(error)) from None
        with (
            client,
            _watched(client),
            parallel_config("dask", client=client, wait_for_workers_timeout=_WORKERS_SECONDS),
        ):
            # Many at once: workers that join the cluster later find work, too.
            yield Parallel(n_jobs=-1, pre_dispatch=_ON_CLUSTER, **how)
    elif workers.jobs == 1 or workers.backend == "sequential":
        with parallel_config("sequential"):
            yield Parallel(n_jobs=1, **how)
    else:
        options: dict[str, Any] = {}
        if workers.backend == "loky":
            options = {"initializer": start_worker, "initargs": (os.getpid(),)}
            options["inner_max_num_threads"] = 1
        with warnings.catch_warnings(), parallel_config(workers.backend, **options):
            # loky replaces a worker that holds more memory than at first, and loses nothing
            warnings.filterwarnings("ignore", message="A worker stopped while some jobs")
            yield Parallel(n_jobs=workers.jobs, **how)


@contextmanager
def _watched(client: Any) -> Iterator[None]:
    """Raise `WorkerDied` in this thread when dask gives a block up: joblib would wait for ever."""
    thread, done, reasons = threading.get_ident(), threading.Event(), list[str]()

    def watch() -> None:
        while not done.wait(_WATCH_SECONDS):
            lost = [f for f in list(client.futures.values()) if f.status == "error"]
            if lost:
                reasons.append(str(lost[0].exception).partition(". ")[0])
                raise_in_thread(thread, WorkerDied)
                return

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    except WorkerDied:
        raise WorkerDied(f"the cluster gave a block up: {reasons[0]}") from None
    except CancelledError as error:
        raise WorkerDied(f"the cluster is lost: {str(error).splitlines()[-1]}") from None
    finally:
        done.set()
