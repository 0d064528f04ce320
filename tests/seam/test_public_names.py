"""The names other people's scripts use."""

import subprocess
import sys

import pytest

import crossbar_hil
from crossbar_hil import sim_backend

CORE = [
    "DeviceBackend",
    "Pulse",
    "Limits",
    "Trainer",
    "TrainingResult",
    "Epoch",
    "open_bench",
    "load_run",
    "CrossbarError",
]
SIMULATION = [
    "ConductanceCurve",
    "EnsembleResult",
    "SimulatedBackend",
    "draw_ensemble",
    "iterate_ensemble",
    "lognormal_shifts",
    "rescaled_lognormal_shifts",
    "solve_crossbar",
    "train_ensemble",
]


@pytest.mark.parametrize("name", CORE)
def test_a_public_name_of_the_core_can_be_imported(name):
    assert getattr(crossbar_hil, name).__name__ == name


@pytest.mark.parametrize("name", SIMULATION)
def test_a_public_name_of_the_simulation_can_be_imported(name):
    assert getattr(sim_backend, name).__name__ == name


@pytest.mark.parametrize("package", [crossbar_hil, sim_backend])
def test_a_name_that_does_not_exist_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match="has no attribute 'Banana'"):
        _ = package.Banana


def test_dir_lists_every_public_name():
    assert set(CORE) <= set(dir(crossbar_hil))


def test_the_version_is_that_of_the_installed_package():
    from importlib.metadata import version

    assert crossbar_hil.__version__ == version("crossbar-hil")


def test_importing_the_package_imports_nothing_heavy():
    code = "import crossbar_hil, sys; print([m for m in ('numpy', 'scipy', 'matplotlib', 'pint') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
