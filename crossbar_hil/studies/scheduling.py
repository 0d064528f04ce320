"""Who does the work: threads or processes of this machine, or a Dask cluster, behind one verb, `submit`."""

import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from crossbar_hil.errors import ConfigError, RunError

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

Task = TypeVar("Task")
Answer = TypeVar("Answer")
MOST_WORKERS = 1024
MOST_DEATHS = 3
"""So many workers may die one after the other without any task done between."""


class Scheduler(Protocol):
    """Does tasks, in any order, each at least once."""

    def __enter__(self) -> Self:
        """Start."""

    def __exit__(self, *raised: object) -> None:
        """Stop, with whatever is under way."""

    def submit(self, function: Callable[[Task], Answer], tasks: Sequence[Task]) -> Iterator[tuple[int, Answer]]:
        """Call a function of some module on every task.

        Yields
        ------
        (int, answer)
            Place of the task, and what the function returned, as soon as it is there.

        Raises
        ------
        Exception
            Whatever the function raises.
        RunError
            If the workers are lost for good.
        """


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def make_scheduler(name: str, workers: int | None = None) -> Scheduler:
    """Choose a scheduler.

    Parameters
    ----------
    name : str
        ``threads``, ``processes`` or the address of a Dask scheduler, such as ``tcp://10.0.0.5:8786``.
    workers : int, optional
        Threads or processes; as many as there are cores if not given. A cluster has its own.

    Raises
    ------
    ConfigError
        If there is no such scheduler, or the number of workers is out of range.
    """
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        raise ConfigError(f"{workers} workers, from 1 to {MOST_WORKERS} are possible")
    if name == "threads":
        return Threads(workers or usable_cores())
    if name == "processes":
        return Processes(workers or usable_cores())
    if "://" in name:
        if workers is not None:
            raise ConfigError(f"--workers {workers} means nothing to the cluster at {name}, which has its own")
        from crossbar_hil.studies.cluster import Cluster  # noqa: PLC0415 - only who has a cluster needs distributed

        return Cluster(name)
    raise ConfigError(f"scheduler {name!r} is neither threads nor processes nor an address such as tcp://10.0.0.5:8786")


class _Pooled:
    """Keeps a pool of workers busy, two tasks for each, no more: what is lost with a worker is little."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: Executor | None = None

    def _make(self) -> Executor:
        raise NotImplementedError

    @property
    def pool(self) -> Executor:
        """The workers, started when they are first needed."""
        if self._pool is None:
            self._pool = self._make()
        return self._pool

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._end(at_once=any(raised))

    def _end(self, *, at_once: bool = False) -> None:  # noqa: ARG002 - a thread cannot be ended
        """Wait until what is under way is done, or end it at once where that is possible."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def submit(self, function: Callable[[Task], Answer], tasks: Sequence[Task]) -> Iterator[tuple[int, Answer]]:
        """Call a function on every task; see `Scheduler`."""
        yield from self._keep_busy(function, list(enumerate(tasks)))

    def _keep_busy(
        self, function: Callable[[Task], Answer], tasks: list[tuple[int, Task]]
    ) -> Iterator[tuple[int, Answer]]:
        waiting: dict[Future[Answer], int] = {}
        following = iter(tasks)
        try:
            while True:
                for place, task in itertools.islice(following, 2 * self.workers - len(waiting)):
                    waiting[self.pool.submit(function, task)] = place
                if not waiting:
                    return
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield waiting.pop(future), future.result()
        finally:
            for future in waiting:
                future.cancel()


class Threads(_Pooled):
    """Threads of this process; the kernels of the lock-step run free of the interpreter's lock."""

    def _make(self) -> Executor:
        return ThreadPoolExecutor(self.workers, thread_name_prefix="study")


class Processes(_Pooled):
    """Processes of this machine; those that die are started again, and their tasks done again."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self._others: list[BaseProcess] = []

    def _make(self) -> Executor:
        import multiprocessing  # noqa: PLC0415 - threads need not wait for it
        from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415

        self._others = list(multiprocessing.active_children())
        return ProcessPoolExecutor(
            self.workers, mp_context=multiprocessing.get_context("spawn"), initializer=_end_with_parent
        )

    def _end(self, *, at_once: bool = False) -> None:
        if at_once and self._pool is not None:
            import multiprocessing  # noqa: PLC0415

            for each in multiprocessing.active_children():
                if each not in self._others:
                    each.terminate()
        super()._end()

    def submit(self, function: Callable[[Task], Answer], tasks: Sequence[Task]) -> Iterator[tuple[int, Answer]]:
        """Call a function on every task; see `Scheduler`."""
        left = dict(enumerate(tasks))
        deaths = 0
        while left:
            try:
                for place, answer in self._keep_busy(function, list(left.items())):
                    del left[place]
                    deaths = 0
                    yield place, answer
            except BrokenExecutor as error:
                deaths += 1
                if deaths > MOST_DEATHS:
                    raise RunError(
                        f"worker processes died {deaths} times without finishing anything; "
                        "is there enough memory for them?"
                    ) from error
                self._end()


def _end_with_parent() -> None:
    """Let a worker leave Ctrl-C to its parent, and not outlive it."""
    import multiprocessing  # noqa: PLC0415

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_after, args=(parent,), daemon=True).start()


def _exit_after(parent: "BaseProcess") -> None:
    parent.join()
    os._exit(1)
