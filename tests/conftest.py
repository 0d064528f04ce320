"""Fixtures that several test folders share."""

import gc
import importlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from _pytest.runner import runtestprotocol

from crossbar_hil import defaults

# A test that says nothing of a deadline is not about one, so a busy machine has to meet it. Said here, before a module
# that takes it for a default is imported; processes that tests start themselves are told by their bench file.
defaults.DEADLINE_S = 60.0

# With as many workers as cores, further threads of the linear algebra only wait for each other, busily; numpy looks
# once, when it is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from crossbar_hil.bench.file import load_bench  # noqa: E402
from crossbar_hil.owners.addresses import loopback_allowed  # noqa: E402
from crossbar_hil.runs.training import train_and_record  # noqa: E402

from . import forking  # noqa: E402

CONVERGING_SEED = 1
COMPILED = {"bench", "circuit", "cli", "ensemble", "runs", "spiking", "studies", "twins"}
"""Folders of tests that run compiled code."""
TESTS = Path(__file__).parent
MEMORY = Path("/dev/shm")
"""Where files lie in memory, on Linux."""
ENOUGH_BYTES = 1 << 30
FROM_THE_END = os.environ.get("PYTEST_XDIST_WORKER", "gw0")[-1] in "13579"

# Thousands of small benches in one process that has loaded everything: with Python's own thresholds the collector of
# circles took 40 % of the time of the emulator's tests. Tests that need it call it.
gc.set_threshold(50_000, 20, 100)

# Tests start a hundred processes. Where the environment says that no bytecode is kept, as that of many containers does,
# each would compile the whole package anew. Compiled kernels are kept beside it in any case.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Each of these processes would also look through every installed distribution for plug-ins of pydantic.
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "true"

# Who runs the tests in the background (nohup, or a shell's &) has them ignore these signals, and all that they start.
for each, how in ((signal.SIGINT, signal.default_int_handler), (getattr(signal, "SIGHUP", None), signal.SIG_DFL)):
    if each is not None and signal.getsignal(each) is signal.SIG_IGN:
        signal.signal(each, how)


class Doctests:
    """Look for doctests in the source only, and there in modules that have one, by the name that others import.

    To import all of it by the names of its folders, as pytest would, takes each worker a second.
    """

    @staticmethod
    @pytest.hookimpl(wrapper=True)
    def pytest_collect_file(file_path):
        found = yield
        if TESTS in file_path.parents:
            return [each for each in found if type(each) is pytest.Module]
        if b">>>" not in file_path.read_bytes():
            return []
        for each in found:
            each.obj = importlib.import_module(_name_of(file_path))
        return found


def _name_of(path):
    """Return the name of a module of the source, whose folders are all inside the package."""
    parts = [part for part in path.relative_to(TESTS.parent).with_suffix("").parts if part != "__init__"]
    return ".".join(parts if parts[0] == "crossbar_hil" else ["crossbar_hil", *parts])


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Have every other worker collect from the end, so that none makes the bytecode of all tests."""
    report = yield
    if FROM_THE_END and isinstance(collector, pytest.Directory):
        report.result.reverse()
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector, obj):
    """Make no tests of a campaign that nobody asked for: with their parameters there are a thousand to leave out."""
    marks = getattr(obj, "pytestmark", ())
    if collector.config.option.markexpr == "not campaign" and isinstance(marks, list):
        return [] if any(mark.name == "campaign" for mark in marks) else None
    return None


@pytest.hookimpl
def pytest_runtest_protocol(item, nextitem):
    """Have a worker send one report of a test that passes: five messages take as long as a small test.

    What a report of a beginning or an end would tell is sent where it failed or was skipped, as ever.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return None
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if report.when == "call" or not report.passed:
            item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


subprocess.Popen = forking.Popen


def pytest_configure(config):
    config.pluginmanager.register(Doctests())  # hooks of this file are asked about its folder only
    # Journals, ledgers and records wait for the disk after every write.
    usual = config.option.markexpr == "not campaign"
    if usual and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    forking.Popen.on = sys.platform == "linux" and usual
    if forking.Popen.on and "PYTEST_XDIST_WORKER" in os.environ:
        _compile_once()


def _compile_once():
    """Have one worker at a time compile, so that the others find on disk what they would have compiled as well."""
    import fcntl

    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.dispatcher import Dispatcher

    compiled = Dispatcher.compile
    locked = False

    def compile_once(self, signature):
        nonlocal locked
        with global_compiler_lock, Path(__file__).open() as file:
            if locked:  # a function that one calls which is being compiled
                return compiled(self, signature)
            fcntl.flock(file, fcntl.LOCK_EX)
            locked = True
            try:
                return compiled(self, signature)
            finally:
                locked = False

    Dispatcher.compile = compile_once


def pytest_unconfigure():
    forking.end()


def pytest_collection_modifyitems(items):
    """Put tests that run compiled code first, so that most of it is compiled by the first worker.

    Other workers begin further on; when they come to such tests the first has left the code on disk.
    """
    items.sort(key=lambda item: (COMPILED.isdisjoint(item.path.parts), TESTS not in item.path.parents, str(item.path)))


@pytest.fixture(autouse=True, scope="session")
def locks_of_these_tests(tmp_path_factory):
    """Keep the locks of emulated instruments apart from those of other tests that run here at the same time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CROSSBAR_HIL_LOCKS", str(tmp_path_factory.mktemp("locks")))
        yield


def pytest_collection_finish():
    """Leave what collecting made, which stays to the end, out of every later search for circles."""
    gc.freeze()


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys):
    """Call the command line in an empty folder: cli("train", "--quiet") has .code, .out and .err."""
    from crossbar_hil.cli.verbs import main

    monkeypatch.chdir(tmp_path)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["crossbar-hil", *map(str, words)])
        with pytest.raises(SystemExit) as ending:
            main()
        printed = capsys.readouterr()
        return SimpleNamespace(code=ending.value.code, out=printed.out, err=printed.err)

    return call


@pytest.fixture
def undrawn(monkeypatch):
    """Leave pictures white where a test is not about them: to draw one takes as long as a hundred tests."""
    monkeypatch.setattr("matplotlib.figure.Figure.draw", lambda self, renderer: None)


FIGURES = (
    "curves.plotting.draw_curves",
    "figures.chips.draw_reading",
    "studies.convergence.plotting.draw_sweep",
    "studies.convergence.plotting.draw_tune",
    "survey.plotting.draw_cells_found",
    "twins.plotting.draw_reliability",
    "twins.plotting.draw_twin",
)
RUNS = ("programming.run.ProgramRun", "runs.training_run.TrainingRun", "spiking.run.SpikingRun")


@pytest.fixture
def unpictured(monkeypatch):
    """Leave figures empty and reports of runs without any, for words alone: making one takes longer than drawing it."""
    from matplotlib.figure import Figure

    for name in FIGURES:
        monkeypatch.setattr(f"crossbar_hil.{name}", lambda *_: Figure(figsize=(1, 1)))
    for name in RUNS:
        monkeypatch.setattr(f"crossbar_hil.{name}.figures", lambda self: iter(()))


@pytest.fixture
def real_starts():
    """Have processes of the package start as they do where no test runs; see `tests/forking.py`."""
    with forking.real_starts():
        yield


@pytest.fixture
def allow_loopback():
    """Let emulated instruments stand for real ones, as --allow-loopback does."""
    with loopback_allowed():
        yield


@pytest.fixture(scope="session")
def converged_run(tmp_path_factory):
    """Folder of a recorded run that converged, without a report."""
    bench = load_bench("simulated")
    return train_and_record(
        bench, seed=CONVERGING_SEED, out=tmp_path_factory.mktemp("runs"), label="a <b>label</b>"
    ).folder


@pytest.fixture(scope="session")
def stalled_run(tmp_path_factory):
    """Folder of a recorded run whose gain is far too small for its target."""
    bench = load_bench("simulated", preset="reference", overrides={"training": {"beta": 1e5, "epochs": 60}})
    return train_and_record(bench, seed=2, out=tmp_path_factory.mktemp("runs")).folder
