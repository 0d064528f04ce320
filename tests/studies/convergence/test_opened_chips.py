"""Studies of a bench whose chips are made by somebody else's backend, or that has a real chip."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import ConfigError
from crossbar_hil.studies.axes import read_axes
from crossbar_hil.studies.convergence import tuning
from crossbar_hil.studies.convergence.opened_chips import whose
from crossbar_hil.studies.convergence.sweeping import plan_sweep

LAB = '''
import numpy as np
from crossbar_hil import DeviceBackend, Limits

made = []

class Glass(DeviceBackend):
    """Cells that rise by the same step at each pulse."""

    kind = "simulated"
    shape = (4, 4)
    limits = Limits(read_v=0.5, pulse_v=3.0, width_s=0.1)

    def __init__(self, start, step=1e-7):
        self.start, self.siemens, self.step, self.sent = start, start.copy(), step, 0
        made.append(self)

    @classmethod
    def from_bench(cls, bench, rng):
        return cls(rng.uniform(4e-7, 6e-7, size=cls.shape), **bench.options)

    def _read_currents(self, voltages):
        return voltages @ self.siemens

    def _send_pulses(self, counts, pulse):
        self.sent += int(counts.sum())
        self.siemens = self.siemens + counts * self.step

    def make_safe(self):
        pass


class Sent(Glass):
    """A chip that says only once it is opened that it is a real one."""

    kind = "emulated"

    def __init__(self, start):
        super().__init__(start)
        self.kind = "hardware"


class Real(Glass):
    kind = "hardware"
'''


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """The module of a package that is installed beside this one, with three backends."""
    info = tmp_path / "glass-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: glass\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[crossbar_hil.backends]\nglass = glass_lab:Glass\nreal = glass_lab:Real\nlate = glass_lab:Sent\n"
    )
    (tmp_path / "glass_lab.py").write_text(LAB)
    monkeypatch.syspath_prepend(tmp_path)
    import glass_lab

    yield glass_lab
    del sys.modules["glass_lab"]


def test_a_sweep_opens_the_backend_of_the_bench_anew_for_each_chip_of_each_point(lab, cli):
    words = ("sweep", "--bench", "glass", "--over", "target=0.5,0.95", "--chips", "3", "--seed", "1")
    done = cli(*words, "--scheduler", "threads", "--workers", "1", "--quiet", "--to", "out")
    assert done.code == 0, done.err
    assert done.out.splitlines()[0] == "chips of backend 'glass', opened anew for each training, one by one"
    pulsed = [chip for chip in lab.made if chip.sent]
    assert len(pulsed) == 6
    for chip in range(3):  # chip k is the same at every point, and three are three
        np.testing.assert_array_equal(pulsed[chip].start, pulsed[3 + chip].start)
    assert len({chip.start.tobytes() for chip in pulsed}) == 3
    points = json.loads(Path("out/sweep.json").read_text(encoding="utf-8"))["points"]
    assert [3 * point["pulses_mean"] for point in points] == [
        sum(chip.sent for chip in pulsed[first : first + 3]) for first in (0, 3)
    ]
    assert all(point["converged"] == 3 for point in points)


def test_a_search_begins_where_the_rise_of_such_a_chip_says_and_tells_whose_chips_they_are(
    lab, cli, tmp_path, undrawn, monkeypatch
):
    monkeypatch.setattr(tuning, "SLOW", (tuning.Round(2, 0, 0, 0.0), tuning.Round(3, 2, 1, 0.5)))
    (tmp_path / "glass.toml").write_text('backend = "glass"\n[options]\nstep = 2e-8\n[training]\nepochs = 6\n')
    words = ("tune", "--bench", "glass.toml", "--over", "target=0.5", "--over", "epochs=6", "--chips", "1")
    done = cli(*words, "--seed", "1", "--scheduler", "threads", "--workers", "1", "--quiet", "--to", "out")
    assert done.code == 0, done.err
    assert done.out.splitlines()[0] == "chips of backend 'glass', opened anew for each training, one by one"
    tried = [
        float(line.split(",")[1]) for line in Path("out/candidates.csv").read_text(encoding="utf-8").splitlines()[1:]
    ]
    # Five pulses of 20 nS at 0.1 V are 10 nA, so that the argument of tanh is 1 at 1e8 per ampere.
    assert min(tried) < 1e8 < max(tried)


def test_what_the_backend_is_not_told_cannot_be_varied(lab):
    bench = load_bench("glass")
    with pytest.raises(ConfigError, match=r"bench glass has no \[chip\] table, so scale cannot be set"):
        plan_sweep(bench, read_axes(["K=1,10"]), chips=1, seed=1)
    with pytest.raises(ConfigError, match="not made to drift"):
        plan_sweep(bench, read_axes(["target=0.5"]), chips=1, seed=1, drifts=[0.01])


@pytest.mark.parametrize("name", ["real", "late"])
def test_a_real_chip_is_sent_nothing_by_a_dry_run(lab, name):
    with pytest.raises((ConfigError, ValueError), match="to which a dry run sends nothing") as refused:
        plan_sweep(load_bench(name), read_axes(["target=0.5"]), chips=1, seed=1)
    assert f"real chip behind backend '{name}'" in str(refused.value)
    assert not any(chip.sent for chip in lab.made)


def test_the_chip_table_of_a_real_chip_is_what_is_simulated_and_the_first_line_says_so(lab, cli, tmp_path, undrawn):
    (tmp_path / "mine.toml").write_text('backend = "real"\n[chip]\n')
    words = ("sweep", "--bench", "mine.toml", "--over", "target=0.5", "--chips", "4", "--seed", "1", "--quiet")
    said = "simulated chips of the [chip] table of bench mine, not the chip behind backend 'real'"
    assert cli(*words).out.splitlines()[0] == said
    assert json.loads(cli(*words, "--json").out)["chips_of"] == said
    assert lab.made == []


def test_chips_behind_instruments_are_simulated_from_what_the_bench_says_of_them_if_it_says_something():
    bench = load_bench("emulated")
    said = "simulated chips of the [chip] table of bench emulated, not the chip behind its instruments"
    assert whose(bench) == said
    without = bench.model_copy(update={"chip": None})
    assert "of the shipped curve, as bench emulated has no [chip] table" in whose(without)
    assert whose(load_bench("simulated")) == ""
