import numpy as np
import pytest

from crossbar_hil import Pulse, open_bench
from crossbar_hil.backend import DeviceBackend, Limits
from crossbar_hil.errors import BackendError, DataError
from crossbar_hil.spiking.network.backend_engine import BackendEngine
from crossbar_hil.spiking.network.encoding import TRAINING, spike_probabilities
from crossbar_hil.spiking.network.network import SpikingNetwork
from crossbar_hil.spiking.network.stepwise import Showing
from crossbar_hil.spiking.tasks.small import SmallTask

UP, DOWN = Pulse(2.0, 0.05), Pulse(-2.8, 0.05)
STRIPES = SmallTask.read("stripes")


class Bookkeeper(DeviceBackend):
    """Four rows and two columns of 1 uS; a pulse changes a cell by a tenth. Everything asked for is kept."""

    kind = "simulated"

    def __init__(self, siemens=1e-6):
        self.shape, self.limits = (4, 2), Limits(0.2, 3.0, 0.1)
        self.conductances = np.full(self.shape, siemens)
        self.read, self.sent = [], []

    def _read_currents(self, voltages):
        self.read += voltages.tolist()
        return voltages @ self.conductances

    def _send_pulses(self, counts, pulse):
        self.sent.append((counts.copy(), pulse))
        self.conductances *= np.where(counts, 1.1 if pulse.amplitude_v > 0 else 0.9, 1.0)

    def make_safe(self):
        pass


def shown(chip, image, steps, learn=True):
    model = STRIPES.model(2)
    engine = BackendEngine(chip, UP, DOWN)
    state = engine.begin(model)
    chip.read.clear()
    return engine.show(model, state, spike_probabilities([image]), Showing(steps, 1, TRAINING, learn=learn, reset=True))


def test_a_spike_potentiates_the_cells_of_active_inputs_and_depresses_all_others_of_its_column():
    chip = Bookkeeper()
    presentation = shown(chip, [1.0, 1.0, 0.0, 0.0], steps=2)
    # Half of a balanced column is 0.5 V a step with a leak of 0.95: the threshold of 0.8 V is crossed in the second.
    assert presentation.counts.tolist() == [[1, 0]]
    (up, first), (down, second) = chip.sent
    assert (first, second) == (UP, DOWN)
    assert up.tolist() == [[1, 0], [1, 0], [0, 0], [0, 0]]
    assert down.tolist() == [[0, 0], [0, 0], [1, 0], [1, 0]]
    np.testing.assert_allclose(presentation.state.weights[:, 0], [1.1e-6, 1.1e-6, 0.9e-6, 0.9e-6], rtol=1e-6)


def test_an_input_spike_is_the_read_voltage_on_its_row_and_a_silent_step_is_not_read():
    chip = Bookkeeper()
    shown(chip, [0.0, 1.0, 0.0, 0.0], steps=1, learn=False)
    assert chip.read == [[0.0, 0.1, 0.0, 0.0]]
    chip = Bookkeeper()
    shown(chip, [0.0, 0.0, 0.0, 0.0], steps=5, learn=False)
    assert chip.read == []


def test_a_network_that_only_answers_sends_no_pulse():
    chip = Bookkeeper()
    assert shown(chip, [1.0, 1.0, 1.0, 1.0], steps=8, learn=False).counts.sum() > 0
    assert chip.sent == []


def test_a_device_of_another_size_is_refused_with_both_sizes():
    with pytest.raises(DataError, match="4 inputs and 4 neurons does not fit a device of 4 rows and 2 columns"):
        BackendEngine(Bookkeeper(), UP, DOWN).begin(STRIPES.model(4))


def test_a_column_without_current_is_named():
    with pytest.raises(BackendError, match="column 0 carries 0 A when every row is driven"):
        BackendEngine(Bookkeeper(siemens=0.0), UP, DOWN).begin(STRIPES.model(2))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_simulated_chip_learns_four_stripes_one_neuron_each(seed):
    split = STRIPES.samples()
    with open_bench("simulated", seed=seed) as backend:
        engine = BackendEngine(backend, UP, DOWN)
        model = STRIPES.model(4)
        network = SpikingNetwork(model, engine, seed=seed, protocol=STRIPES.teaching)
        network.state = engine.begin(model)
        labels = network.train(split.train.intensities, split.train.labels)
        assert sorted(labels.of_neurons) == [0, 1, 2, 3]
        assert network.test(split.test.intensities, split.test.labels).accuracy == 1.0
        measured = backend.read_conductances(0.1)
    for neuron, label in enumerate(labels.of_neurons):
        lit = split.train.intensities[label] > 0.5
        assert measured[lit, neuron].min() > measured[~lit, neuron].max()
