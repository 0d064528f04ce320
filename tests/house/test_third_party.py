import os
import subprocess
import sys
import textwrap

import pytest

# What a lab would write: a package of its own, with entry points, that knows nothing of this repository's files.
MODULE = '''
import numpy as np
from crossbar_hil import DeviceBackend, Limits

class LinearChip(DeviceBackend):
    """Every pulse adds a fixed conductance."""

    kind = "simulated"
    limits = Limits(read_v=0.5, pulse_v=2.5, width_s=0.1)

    def __init__(self, rows=4, columns=4, step_siemens=1e-7):
        self.shape = (rows, columns)
        self.step = step_siemens
        self.siemens = np.full(self.shape, 1e-6)

    def _read_currents(self, voltages):
        return voltages @ self.siemens

    def _send_pulses(self, counts, pulse):
        self.siemens = self.siemens + counts * self.step

    def make_safe(self):
        pass

    def identify(self):
        return {"backend": "LinearChip", "maker": "a lab"}

def slow_signs(voltages, deltas):
    return np.sign(voltages.T @ deltas)
'''
POINTS = """
[crossbar_hil.backends]
linear = lab_chip:LinearChip
broken = lab_chip:NoSuchName

[crossbar_hil.rules]
slow = lab_chip:slow_signs
"""
TESTS = """
from crossbar_hil.testing import BackendContract

class TestLinear(BackendContract):
    pass
"""


@pytest.fixture
def lab(tmp_path):
    """A folder that looks like site-packages with the lab's package installed."""
    (tmp_path / "lab_chip.py").write_text(textwrap.dedent(MODULE))
    info = tmp_path / "lab_chip-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-chip\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    (tmp_path / "work").mkdir()
    return tmp_path


def call(lab, *command):
    environment = {**os.environ, "PYTHONPATH": str(lab)}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=lab / "work", env=environment, capture_output=True, text=True, check=False
    )


def test_a_backend_of_another_package_trains_by_its_name(lab):
    done = call(
        lab, "crossbar_hil", "train", "--bench", "linear", "--beta", "1e7", "--target", "0.5", "--quiet", "--json"
    )
    assert done.returncode == 0, done.stderr
    assert '"converged": true' in done.stdout
    shown = call(lab, "crossbar_hil", "show", "latest", "--json")
    assert '"maker": "a lab"' in shown.stdout


def test_its_options_and_a_rule_of_another_package_come_from_the_bench_file(lab):
    (lab / "work" / "my.toml").write_text(
        'backend = "linear"\n[options]\nstep_siemens = 2e-7\n[training]\nbeta = 1e7\ntarget = 0.5\nrule = "slow"\n'
    )
    done = call(lab, "crossbar_hil", "train", "--bench", "my.toml", "--quiet", "--no-report")
    assert done.returncode == 0, done.stderr
    assert "_slow_4x4_" in done.stdout


def test_a_wrong_option_is_named(lab):
    (lab / "work" / "my.toml").write_text('backend = "linear"\n[options]\nstep = 2e-7\n')
    done = call(lab, "crossbar_hil", "train", "--bench", "my.toml", "--quiet")
    assert done.returncode == 2
    assert "unexpected keyword argument 'step'" in done.stderr
    assert not (lab / "work" / "runs").exists()


@pytest.mark.fault("F6", "X12")
def test_a_plug_in_that_cannot_be_loaded_is_named(lab):
    done = call(lab, "crossbar_hil", "train", "--bench", "broken")
    assert done.returncode == 2
    assert "backend 'broken' cannot be loaded from lab_chip:NoSuchName" in done.stderr


def test_the_contract_runs_on_it_through_the_pytest_plug_in(lab):
    (lab / "work" / "test_linear.py").write_text(TESTS)
    done = call(lab, "pytest", "-q", "--bench", "linear", "-p", "no:cacheprovider", "-p", "no:xdist")
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


@pytest.mark.fault("F6", "V20")
def test_the_contract_notices_a_backend_that_disturbs_its_neighbours(lab):
    module = (lab / "lab_chip.py").read_text()
    (lab / "lab_chip.py").write_text(module.replace("counts * self.step", "counts.sum() * self.step"))
    (lab / "work" / "test_linear.py").write_text(TESTS)
    done = call(lab, "pytest", "-q", "--bench", "linear", "-p", "no:cacheprovider", "-p", "no:xdist")
    assert done.returncode == 1
    assert "FAILED test_linear.py::TestLinear::test_pulses_leave_every_other_cell" in done.stdout
