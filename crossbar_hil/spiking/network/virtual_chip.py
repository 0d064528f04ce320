"""A virtual chip behind the seam whose cells are those of a computed network, with all that these do.

It is told where a network stands (`begin`), as its random numbers are computed from that. So a network that is trained
on it, read by read and pulse by pulse, ends as the same network does that is computed.
"""

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.backend import DeviceBackend, Limits, Pulse
from crossbar_hil.errors import ConfigError
from crossbar_hil.spiking.network.effects import column_factors, conductances, disturbed, missed, relaxed
from crossbar_hil.spiking.network.encoding import ROUNDING, TRAINING, step_key
from crossbar_hil.spiking.network.model import SpikingModel
from crossbar_hil.spiking.network.neurons import Singles
from crossbar_hil.spiking.network.plasticity import eased, in_steps
from crossbar_hil.spiking.network.stepwise import Moment, Product, ideal_currents, read_currents
from crossbar_hil.spiking.network.updates import change_cells, pulse_cells

RATE = 1.0
"""Siemens a second: by how much a pulse changes a cell that is not moved along curves. A choice, with which a change in
siemens is a width in seconds to the last bit."""
AGAIN = 2**33
"""Numbers under the key of an update for pulses that a cell gets beyond the first."""


class VirtualChip(DeviceBackend):
    """K x N cells of a model, from given conductances on.

    Positive pulses potentiate and negative ones depress: along the model's curves if it has them, else by `RATE` times
    their width, less towards the ends of the range if its bounds are soft, and put on its states.

    Parameters
    ----------
    weights : ndarray of float32, shape (K, N)
        Conductances that the cells were given, in siemens.
    presented : int
        Training images that they have seen.

    Raises
    ------
    ConfigError
        If only a controller could do what the model's synapses do.
    """

    kind = "simulated"
    noisy = True

    def __init__(
        self, model: SpikingModel, weights: Singles, presented: int = 0, product: Product = ideal_currents
    ) -> None:
        check_synapses(model)
        self.shape = (model.inputs, model.outputs)
        self.limits = Limits(read_v=max(1.0, model.spike_v), pulse_v=3.0, width_s=1.0)
        self.model, self._product = model, product
        self._numbers = in_steps(model.plasticity, model.step_s)
        self._weights, self._presented = weights.copy(), presented
        self._moment = Moment(0, TRAINING, 0, 0, 1)
        self._lasting = np.ones(model.outputs, np.float32)
        self._has: Singles | None = None
        self._touched: tuple[int, Singles] | None = None
        """Column that has got pulses whose effect on other cells is still to come, and what it was before."""

    @property
    def weights(self) -> Singles:
        """(K, N) conductances that the cells were given, in siemens, a copy; a simulation knows them without a read."""
        self._settle()
        return self._weights.copy()

    @property
    def presented(self) -> int:
        """Training images so far."""
        return self._presented

    def begin(self, moment: Moment) -> None:
        """Let the time of a network go on to a step; with a training image cells relax and drift."""
        self._settle()
        before, self._moment = self._moment, moment
        cells = self.model.cells
        if moment.stream == TRAINING and moment.step == 0:
            self._presented = moment.image + 1
            if cells.relaxation_images < np.inf:
                self._weights = relaxed(self._weights, 1, self.model)
            self._has = None
        if before.stream != moment.stream:
            self._has = None
        if cells.column_noise and (moment.step == 0 or before[:3] != moment[:3]):
            self._lasting = column_factors(cells, moment.seed, moment.stream, moment.image, 1, self.shape[1])[0]

    def _read_currents(self, voltages: FloatArray) -> FloatArray:
        self._settle()
        if self._has is None:
            training = self._moment.stream == TRAINING
            self._has = conductances(self.model, self._weights, self._presented - training)
        return np.array([self._read(self._has, vector) for vector in voltages]).reshape(-1, self.shape[1])

    def _read(self, has: Singles, volts: FloatArray) -> FloatArray:
        """Return the currents (N,) for row voltages (K,), which need not be equal."""
        spikes, top = volts != 0, float(np.abs(volts).max())
        if not np.all(volts[spikes] == top):
            has = has * (volts / top).astype(np.float32)[:, None]
        found = read_currents(self.model, has, spikes, top, self._product, self._moment, self._lasting)
        return found.astype(np.float64)

    def _send_pulses(self, counts: IntArray, pulse: Pulse) -> None:
        for column in np.flatnonzero(counts.any(axis=0)):
            if self._touched is not None and self._touched[0] != column:
                self._settle()
            if self._touched is None:
                self._touched = int(column), self._weights[:, column].copy()
            a_key = step_key(self._moment.key(ROUNDING), int(column))
            for turn in range(int(counts[:, column].max())):
                turn_key = step_key(a_key, AGAIN + turn) if turn else a_key
                self._pulse(int(column), counts[:, column] > turn, pulse, turn_key)
        self._has = None

    def _pulse(self, column: int, pulsed: BoolArray, pulse: Pulse, a_key: int) -> None:
        """Send one pulse to some cells (K,) of a column."""
        model = self.model
        synapses, before = model.synapses, self._weights[:, column]
        up = pulse.amplitude_v > 0
        if synapses.update_scheme == "pulse":
            after = pulse_cells(model, before, np.full(len(before), up), a_key)
        else:
            change = np.float32(RATE * pulse.width_s)
            hard = np.full(len(before), change if up else -change, np.float32)
            low, high = np.float32(synapses.low_siemens), np.float32(synapses.high_siemens)
            after = change_cells(model, before, eased(hard, before, self._numbers, low, high), a_key)
        after = missed(after, pulsed, model.cells, synapses, a_key)
        moved = pulsed if model.cells.stuck is None else pulsed & ~model.cells.stuck[:, column]
        self._weights[moved, column] = after[moved]

    def _settle(self) -> None:
        """Let the pulses of an update move other cells, once it is complete."""
        if self._touched is None:
            return
        column, before = self._touched
        self._touched = None
        if self.model.cells.disturb:
            self._weights = disturbed(self._weights, before, column, self.model.cells, self.model.synapses)
            self._has = None

    def make_safe(self) -> None:
        """Do nothing: a simulation drives no output."""


def check_synapses(model: SpikingModel) -> None:
    """Refuse, by a ConfigError, synapses of which a chip alone cannot do what they do."""
    synapses = model.synapses
    if synapses.update_scheme == "carry":
        raise ConfigError(
            "rule carry keeps remainders in a controller, a chip behind the seam does not; try stochastic"
        )
    if synapses.update_scheme == "pulse" and model.plasticity.soft:
        raise ConfigError(
            "rule pulse with soft bounds needs a controller that knows each conductance, which the seam does not tell; "
            "leave out --soft, or take five classes or fewer"
        )
    if synapses.column_siemens is not None:
        raise ConfigError("columns that are balanced by computing need a controller that knows each conductance")
