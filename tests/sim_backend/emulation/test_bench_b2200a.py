"""A Keysight B2200A between a source-measure unit and the chip: reads, pulses and training as on the simulated chip."""

from importlib import resources

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.settings import make_trainer

pytestmark = pytest.mark.usefixtures("called_instruments")
SHORT = {"training": {"epochs": 3}}


@pytest.fixture
def b2200a(tmp_path):
    """Write bench "emulated" with other instruments: b2200a(smu, slot) wires the card of a B2200A in that slot."""

    def write(smu, slot):
        text = (resources.files("crossbar_hil.data") / "benches" / "emulated.toml").read_text(encoding="utf-8")
        for old, new in (
            ("keithley2602b", smu),
            ("keithley707b", "keysightb2200a"),
            ("slot = 1", f"slot = {slot}"),
            ('drive = "A", meter = "B", ground = "C"', 'drive = "1", meter = "2", ground = "14"'),
        ):
            assert text.count(old) == 1
            text = text.replace(old, new)
        path = tmp_path / "b2200a.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def trained(name, overrides):
    bench = load_bench(name, overrides=overrides)
    task = PatternSet.from_csv(bench.training.pattern_file)
    with open_backend(bench, seed=1) as backend:
        return make_trainer(bench.training, backend).run(task.train, task.train_labels)


@pytest.mark.parametrize(
    ("smu", "slot"),
    [("keysightb2912a", 1), pytest.param("keithley2602b", 4, marks=pytest.mark.campaign)],
)
def test_a_training_through_a_b2200a_is_the_simulated_one(b2200a, smu, slot):
    emulated, simulated = (trained(name, SHORT) for name in (b2200a(smu, slot), "simulated"))
    assert emulated.epochs == simulated.epochs > 2
    assert np.array_equal(emulated.counts, simulated.counts)
    # Seven digits of a B2900's reply are 1e-7 of a reading from which a zero reading was subtracted.
    assert np.allclose(emulated.conductances, simulated.conductances, rtol=5e-6)
