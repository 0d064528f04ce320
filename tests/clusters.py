"""A Dask cluster for a test, at addresses that no other program can have: loopback, and ports that are free."""

from contextlib import contextmanager

import pytest


@contextmanager
def cluster_of_two(*, processes):
    """Yield a cluster of two workers of one thread each; where there is no Dask, skip the test."""
    distributed = pytest.importorskip("distributed")
    # Without a dashboard too the scheduler listens for HTTP, unless told otherwise at port 8787 of every interface.
    addresses = dict.fromkeys(("dashboard_address", "worker_dashboard_address"), "127.0.0.1:0")
    addresses |= {"host": "127.0.0.1", "scheduler_port": 0} if processes else {}
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=processes,
        scheduler_kwargs={"dashboard": False},
        silence_logs=50,
        **addresses,
    ) as workers:
        yield workers
