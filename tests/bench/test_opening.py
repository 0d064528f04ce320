"""Opening what a bench file names."""

import numpy as np
import pytest

from crossbar_hil import DeviceBackend, Limits, Pulse, Trainer, open_bench
from crossbar_hil.bench.file import Bench, load_bench
from crossbar_hil.bench.opening import check_chip_keys, fresh_seed, likeness_of, open_backend
from crossbar_hil.errors import ConfigError
from crossbar_hil.runs.training import facts_of_chips
from crossbar_hil.sim_backend import lognormal_shifts
from crossbar_hil.training.rules.manhattan import manhattan_signs
from crossbar_hil.training.settings import make_trainer

LAB = """
from crossbar_hil import DeviceBackend, Limits

class Lab(DeviceBackend):
    kind = "hardware"
    shape = (2, 2)
    limits = Limits(1.0, 3.0, 1.0)
    def __init__(self, port=1): self.port = port
    def _read_currents(self, voltages): return voltages
    def _send_pulses(self, counts, pulse): pass
    def make_safe(self): pass

class Odd(Lab):
    kind = "magic"

class Likeness(Lab):
    kind = "simulated"

def function(): pass
"""


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Install somebody's backends."""
    info = tmp_path / "lab_bench-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-bench\nVersion: 1.0\n")
    names = ("Lab", "Odd", "Likeness", "function")
    points = "\n".join(f"{name.lower()} = lab_bench:{name}" for name in names)
    (info / "entry_points.txt").write_text(f"[crossbar_hil.backends]\n{points}\n")
    (tmp_path / "lab_bench.py").write_text(LAB)
    monkeypatch.syspath_prepend(tmp_path)


def test_the_simulated_bench_opens_as_a_simulated_chip():
    with open_bench("simulated", seed=1) as backend:
        assert isinstance(backend, DeviceBackend)
        assert (backend.kind, backend.shape) == ("simulated", (4, 4))


def test_the_same_seed_opens_the_same_chip():
    first, second = (open_bench("simulated", seed=5).read_conductances(0.1) for _ in range(2))
    assert np.array_equal(first, second)


def test_another_seed_opens_another_chip():
    first, second = (open_bench("simulated", seed=seed).read_conductances(0.1) for seed in (5, 6))
    assert (first != second).all()


def test_no_seed_opens_another_chip_every_time():
    first, second = (open_bench("simulated").read_conductances(0.1) for _ in range(2))
    assert not np.array_equal(first, second)
    assert fresh_seed() != fresh_seed()


def test_the_seed_draws_what_lognormal_shifts_draws():
    shifts = lognormal_shifts((4, 4), rng=np.random.default_rng(9), span_siemens=(2e-8, 1e-7))
    assert np.array_equal(open_bench("simulated", seed=9).shifts, shifts)


def test_a_preset_and_overrides_shape_the_chip():
    backend = open_bench("simulated", seed=1, preset="reference", overrides={"chip": {"rows": 3, "columns": 6}})
    assert backend.shape == (3, 6)


@pytest.mark.parametrize(
    ("chip", "message"),
    [
        ({"stuck": [[4, 0]]}, r"stuck cell \[4, 0\] \(row 5, column 1\) is not on the chip of 4 by 4 cells"),
        ({"dead": [[0, -1]]}, r"dead cell \[0, -1\] \(row 1, column 0\) is not on the chip"),
        ({"scale": -1.0}, "scale"),
        ({"read_noise": -0.1}, "read_noise"),
        ({"curve": "/none.csv"}, "cannot be read"),
        ({"cell": "diode"}, "cell model 'diode' is not installed"),
        ({"cell": "sinh"}, "b_per_v"),
        ({"cell_options": {"b_per_v": 1.0}}, "b_per_v"),
        ({"cell": "sinh", "cell_options": {"b_per_v": -1.0}}, "b_per_v"),
        ({"spread": {"low_siemens": 1e-7, "high_siemens": 1e-8}}, "span"),
    ],
)
def test_a_chip_that_cannot_be_made_is_refused_by_name(chip, message):
    with pytest.raises(ValueError, match=message) as refusal:
        open_bench("simulated", seed=1, overrides={"chip": chip})
    assert type(refusal.value).__module__ == "crossbar_hil.errors"


def test_a_chip_as_the_bench_describes_it_has_its_faults_and_its_model():
    backend = open_bench(
        "simulated",
        seed=1,
        overrides={
            "chip": {"stuck": [[0, 1]], "dead": [[2, 3]], "cell": "sinh", "cell_options": {"b_per_v": 3.0}},
            "limits": {"read_v": "200 mV"},
        },
    )
    assert backend.limits == Limits(0.2, 3.0, 1.0)
    assert backend.identify()["cell"] == "sinh"
    before = backend.conductances
    backend.send_pulses(np.ones((4, 4), int), Pulse(2.0, 0.05))
    moved = backend.conductances != before
    assert before[2, 3] == 0
    assert np.argwhere(~moved).tolist() == [[0, 1], [2, 3]]


def test_the_simulated_backend_needs_a_chip():
    with pytest.raises(ConfigError, match=r"bench x has no \[chip\] table"):
        open_backend(Bench(name="x", backend="simulated"), seed=1)


def test_the_trainer_of_a_bench_has_the_settings_of_its_file():
    settings = {"beta": 2e6, "target": 0.6, "target0": -0.4, "epochs": 7, "v0": 0.0, "v1": 0.2, "width_s": "10 ms"}
    bench = load_bench("simulated", overrides={"training": settings})
    trainer = make_trainer(bench.training, open_backend(bench, seed=1))
    assert (trainer.beta, trainer.target, trainer.target0, trainer.epochs) == (2e6, 0.6, -0.4, 7)
    assert (trainer.v0, trainer.v1, trainer.pulse) == (0.0, 0.2, Pulse(2.0, 0.01))
    assert trainer.rule is manhattan_signs


def test_an_unknown_rule_is_refused():
    bench = load_bench("simulated", overrides={"training": {"rule": "hebb"}})
    with pytest.raises(ConfigError, match=r"learning rule 'hebb' is not installed; .*manhattan"):
        make_trainer(bench.training, open_backend(bench, seed=1))


def test_an_unknown_backend_is_refused(tmp_path):
    file = tmp_path / "lab.toml"
    file.write_text('backend = "simulatd"\n')
    with pytest.raises(ConfigError, match=r"backend 'simulatd' is not installed; .* did you mean 'simulated'"):
        open_bench(str(file))


def test_a_negative_seed_is_refused():
    with pytest.raises(ConfigError, match="seed must be a whole number of at least 0, or None, not -1"):
        open_bench("simulated", seed=-1)


def test_somebodys_backend_opens_with_its_options(lab):
    assert open_bench("lab", overrides={"options": {"port": 7}}).port == 7


def test_options_that_a_backend_does_not_take_are_refused(lab):
    with pytest.raises(ConfigError, match=r"bench lab: backend 'lab' cannot be made: .*'speed'"):
        open_bench("lab", overrides={"options": {"speed": 7}})


@pytest.mark.fault("O7", "V17")
def test_a_backend_of_another_kind_than_the_bench_asks_for_is_refused(lab):
    with pytest.raises(ConfigError, match="bench lab asks for kind simulated, but backend 'lab' is hardware"):
        open_bench("lab", overrides={"kind": "simulated"})


def test_a_backend_of_no_known_kind_is_refused(lab):
    with pytest.raises(
        ConfigError, match="backend 'odd' is of kind 'magic', expected one of simulated, emulated, hardware"
    ):
        open_bench("odd")


def test_a_registered_name_that_is_no_backend_is_refused(lab):
    with pytest.raises(ConfigError, match=r"backend 'function' is .*, not a subclass of DeviceBackend"):
        open_bench("function")


@pytest.mark.usefixtures("lab")
def test_effects_are_refused_by_a_backend_that_is_not_made_from_the_chip_table():
    chip = {"step_spread": 0.3, "dead": [[0, 0]]}
    with pytest.raises(ConfigError, match=r"backend 'likeness' is not made from \[chip\], so step_spread, dead there"):
        open_backend(Bench(name="own", backend="likeness", chip=chip), seed=1)
    assert open_backend(Bench(name="own", backend="likeness", chip={"rows": 2}), seed=1).kind == "simulated"


IGNORED = {
    "curve": "own.csv", "scale": 3.0, "device_spread": 0.2, "start": "map.json", "twin": "twin.toml", "wire_ohm": 50.0,
    "spread": {"low_siemens": 1e-9, "high_siemens": 1e-8}, "telegraph_s": 3.0, "smoothed": True, "rows": 7,
}  # fmt: skip


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("key", IGNORED)
def test_every_key_of_the_chip_table_is_refused_that_a_backend_does_not_take(key):
    with pytest.raises(ConfigError, match=rf"'likeness' is not made from \[chip\], so {key} there would do nothing"):
        open_backend(Bench(name="own", backend="likeness", chip={key: IGNORED[key]}), seed=1)


@pytest.mark.usefixtures("lab")
def test_the_copy_in_a_run_of_such_a_bench_opens_and_tells_nothing_of_chips(tmp_path):
    Bench(name="own", backend="likeness", chip={}).copy_into(tmp_path)
    copy = load_bench(str(tmp_path / "bench.toml"))
    assert facts_of_chips(open_backend(copy, seed=1), copy) == {}
    assert "virtual_chip" in facts_of_chips(open_backend(load_bench("simulated"), seed=1), load_bench("simulated"))


@pytest.mark.usefixtures("lab")
def test_effects_beside_a_real_device_are_those_of_its_dry_run():
    assert open_backend(Bench(name="own", backend="lab", chip={"step_spread": 0.3}), seed=1).kind == "hardware"


class Wired(DeviceBackend):
    """A chip behind instruments, of which only the size is asked."""

    shape = (4, 4)

    def _read_currents(self, voltages):
        raise NotImplementedError

    _send_pulses = make_safe = _read_currents


@pytest.mark.parametrize(("kind", "said", "flat"), [
    ("emulated", {"curve": "mine.csv"}, 12), ("hardware", {"curve": "mine.csv"}, 12), ("hardware", {"rows": 4}, None),
    ("hardware", None, None),
])  # fmt: skip
def test_a_bench_with_instruments_knows_how_long_the_curve_that_it_names_is_flat(
    kind, said, flat, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("Conductance (S)\n" + "4.5e-7\n" * 13 + "4.6e-7\n4.8e-7\n4.8e-7\n")
    bench = Bench(name="own", backend="bench", kind=kind, chip=said)
    chip = Wired()
    chip.likeness = likeness_of(bench)
    assert chip.flat_pulses(Pulse(2.0, 0.05)) == flat
    assert Trainer(chip).unresponsive == (10 if flat is None else 14)


def test_a_curve_behind_instruments_that_does_not_say_its_pulse_is_named_as_the_person_did(tmp_path):
    file = tmp_path / "of_ours.csv"
    file.write_text("pulse,conductance (uS)\n" + "".join(f"{each},{1 + each / 10}\n" for each in range(20)))
    bench = load_bench("emulated", overrides={"chip": {"curve": str(file)}})
    with pytest.raises(ConfigError, match=r"the curve of_ours\.csv does not say its pulse; give curve_amplitude_v"):
        check_chip_keys(bench)
    check_chip_keys(load_bench("emulated"))
