import multiprocessing
import os
import signal
import sys
import threading
from types import SimpleNamespace

import pytest

from crossbar_hil.errors import ConfigError, DataError, RunError
from crossbar_hil.studies import cluster
from crossbar_hil.studies.scheduling import MOST_DEATHS, Processes, Threads, make_scheduler

from ..clusters import cluster_of_two


def doubled(number):
    return 2 * number


@pytest.fixture
def by_one_thread(small, tmp_path):
    small.run(tmp_path / "threads", Threads(1))
    return small.contents(tmp_path / "threads")


@pytest.fixture
def forked(monkeypatch):
    """Have workers fork from a process that has imported what they need; in the campaign each does so itself."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", "crossbar_hil.studies.convergence.counting"])
    monkeypatch.setattr(multiprocessing, "get_context", lambda _: context)


@pytest.fixture(scope="module")
def realistic(small, tmp_path_factory):
    """Runs a sweep with every effect, of chips side by side, and with a dead zone one by one; what one thread left."""
    folder = tmp_path_factory.mktemp("realistic")
    effects = {
        "read_noise": 0.02, "step_variation": 0.3, "step_spread": 0.2, "shape_spread": 0.2, "column_offset_a": 1e-8,
        "relaxation": 0.1, "relaxation_s": 10.0, "telegraph": 0.1, "telegraph_s": 3.0, "flicker": 0.02, "drift": 0.01,
        "wire_ohm": 5.0, "epochs": 24, "confirm": 2,
    }  # fmt: skip

    def run(name, scheduler, chips=6):
        sweep = small.plan("beta=4e7,8e7", "dead_zone=0,1e-9", chips=chips, **effects)
        assert [point.ensemble().lockstep for point in sweep.points] == [True, False, True, False]
        small.run(folder / name, scheduler, sweep=sweep)
        return small.contents(folder / name)

    return SimpleNamespace(run=run, by_one_thread=run("one", Threads(1)))


def test_two_threads_leave_the_same_files_as_one(realistic):
    assert realistic.run("two", Threads(2)) == realistic.by_one_thread
    assert {"points.csv", "sweep.json", "chunks.jsonl", "plan.json"} <= set(realistic.by_one_thread)


@pytest.mark.campaign
def test_processes_and_a_cluster_of_processes_leave_the_same_files_as_one_thread(realistic):
    expected = realistic.run("many", Threads(1), chips=300)
    assert realistic.run("processes", Processes(2), chips=300) == expected
    with cluster_of_two(processes=True) as workers:
        assert realistic.run("cluster", make_scheduler(workers.scheduler_address), chips=300) == expected


def test_processes_leave_the_same_files_also_when_one_is_killed_half_way(small, tmp_path, by_one_thread, forked):
    killed = []

    def kill_one(chips):
        if not killed:
            victim = multiprocessing.active_children()[0]
            os.kill(victim.pid, signal.SIGKILL)
            victim.join()
            killed.append(victim.pid)

    small.run(tmp_path / "processes", Processes(2), show=kill_one)
    assert killed
    assert small.contents(tmp_path / "processes") == by_one_thread


def test_a_cluster_of_two_workers_leaves_the_same_files(realistic):
    with cluster_of_two(processes=False) as workers:
        left = realistic.run("cluster", make_scheduler(workers.scheduler_address))
    assert left == realistic.by_one_thread


@pytest.mark.campaign
def test_a_cluster_leaves_the_same_files_when_a_worker_is_killed_half_way(small, tmp_path, by_one_thread):
    killed = []
    with cluster_of_two(processes=True) as workers:

        def kill_one(chips):
            if not killed:
                killed.append(next(iter(workers.workers.values())).process.pid)
                os.kill(killed[0], signal.SIGKILL)

        small.run(tmp_path / "cluster", make_scheduler(workers.scheduler_address), show=kill_one)
    assert killed
    assert small.contents(tmp_path / "cluster") == by_one_thread


def test_every_answer_comes_once_with_the_place_of_its_task():
    with Threads(3) as workers:
        assert sorted(workers.submit(doubled, list(range(50)))) == [(place, 2 * place) for place in range(50)]
        assert list(workers.submit(doubled, [])) == []


def test_few_tasks_are_under_way_at_a_time():
    begun = []
    with Threads(2) as workers:
        answers = workers.submit(begun.append, list(range(100)))
        next(answers)
        answers.close()
    assert len(begun) <= 6


def test_an_error_of_a_task_ends_the_work_and_is_handed_on():
    def refuse(number):
        raise DataError(f"no {number}")

    with Threads(2) as workers, pytest.raises(DataError, match=r"^no \d"):
        list(workers.submit(refuse, [1, 2, 3]))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("study")]


def test_processes_that_die_again_and_again_are_given_up(forked):
    with Processes(1) as workers, pytest.raises(RunError, match=f"died {MOST_DEATHS + 1} times without finishing"):
        list(workers.submit(os._exit, [1]))


@pytest.mark.parametrize(
    ("name", "workers", "sentence"),
    [
        ("thread", None, "'thread' is neither threads nor processes nor an address such as tcp://10.0.0.5:8786"),
        ("threads", 0, "0 workers, from 1 to 1024 are possible"),
        ("tcp://127.0.0.1:1", 2, "--workers 2 means nothing to the cluster at tcp://127.0.0.1:1"),
    ],
)
def test_a_scheduler_that_cannot_be_is_refused(name, workers, sentence):
    with pytest.raises(ConfigError) as caught:
        make_scheduler(name, workers)
    assert sentence in str(caught.value)


def test_without_distributed_a_cluster_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r"needs the package distributed: pip install 'crossbar-hil\[cluster\]'"):
        make_scheduler("tcp://127.0.0.1:8786")


def test_a_cluster_that_does_not_answer_is_one_sentence(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "PATIENCE_S", 0.1)
    with (
        pytest.raises(RunError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1"),
        make_scheduler("tcp://127.0.0.1:1"),
    ):
        pass
