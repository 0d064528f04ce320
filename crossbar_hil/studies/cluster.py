"""Workers of a Dask cluster."""

import importlib
import itertools
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self, TypeVar

from crossbar_hil.errors import ConfigError, CrossbarError, RunError, install

Task = TypeVar("Task")
Answer = TypeVar("Answer")
PATIENCE_S = 10
"""Longest wait for the scheduler to answer, in seconds."""
EACH = 4
"""Tasks handed out for every thread of the cluster: enough to keep it busy."""


class Cluster:
    """A Dask cluster that runs already; what a lost worker did not hand over is done again by another.

    Parameters
    ----------
    address : str
        Address of its scheduler, such as ``tcp://10.0.0.5:8786``.

    Raises
    ------
    ConfigError
        If distributed is not installed.
    """

    def __init__(self, address: str) -> None:
        try:
            self._distributed: Any = importlib.import_module("distributed")  # an extra
        except ImportError as error:
            raise ConfigError(f"scheduler {address} needs the package distributed: {install('cluster')}") from error
        self.address = address
        self._client: Any = None

    def __enter__(self) -> Self:
        try:
            self._client = self._distributed.Client(self.address, timeout=PATIENCE_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise RunError(f"no Dask scheduler answers at {self.address}: {error}") from error
        if not self._threads():
            self._client.close()
            raise RunError(f"the Dask scheduler at {self.address} has no workers")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def _threads(self) -> int:
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        return sum(worker["nthreads"] for worker in workers)

    def submit(self, function: Callable[[Task], Answer], tasks: Sequence[Task]) -> Iterator[tuple[int, Answer]]:
        """Call a function on every task; see `crossbar_hil.studies.scheduling.Scheduler`."""
        if not tasks:
            return
        name = f"crossbar-hil-{secrets.token_hex(4)}"
        places: dict[str, int] = {}
        following = iter(enumerate(tasks))

        def hand_out(count: int) -> list[Any]:
            futures = []
            for place, task in itertools.islice(following, count):
                future = self._client.submit(function, task, key=f"{name}-{place}", pure=False)
                places[future.key] = place
                futures.append(future)
            return futures

        completed = self._distributed.as_completed(hand_out(EACH * self._threads()), loop=self._client.loop)
        try:
            for future in completed:
                yield places.pop(future.key), self._answer(future)
                future.release()
                completed.update(hand_out(1))
        finally:
            self._client.cancel(list(completed.futures))

    def _answer(self, future: Any) -> Any:
        try:
            return future.result()
        except CrossbarError:
            raise
        except ImportError as error:
            raise RunError(f"a worker of the cluster at {self.address} lacks a package: {error}") from error
        except Exception as error:
            raise RunError(
                f"the cluster at {self.address} could not do its work: {type(error).__name__}: {error}"
            ) from error
