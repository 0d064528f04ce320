"""The network on a device: currents are read and weights are pulsed through the same seam as in any training."""

from dataclasses import replace

import numpy as np

from crossbar_hil.arrays import BoolArray
from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.errors import BackendError, DataError
from crossbar_hil.spiking.network.model import NetworkState, SpikingModel
from crossbar_hil.spiking.network.neurons import Singles, neurons_at_rest
from crossbar_hil.spiking.network.plasticity import NEVER, PlasticitySteps, wanted_changes
from crossbar_hil.spiking.network.stepwise import Presentation, Showing, StepwiseEngine
from crossbar_hil.spiking.network.trains import Shown


class BackendEngine:
    """Shows images to a network whose synapses are the cells of a device.

    An input spike is a read voltage on its row. A spike of a neuron sends one potentiating pulse to each cell of its
    column whose input spiked lately, and one depressing pulse to each other cell: the published sign, with identical
    pulses. Rows are inputs, columns are neurons.
    """

    def __init__(self, backend: DeviceBackend, up: Pulse, down: Pulse) -> None:
        self.backend = backend
        self.up, self.down = up, down
        self.reads = self.pulses = 0
        """How many vectors were read, and how many pulses were sent."""
        self._steps = StepwiseEngine(self._currents, self._pulse_column)

    def begin(self, model: SpikingModel) -> NetworkState:
        """Return a network at rest on the device as it is now.

        Raises
        ------
        DataError
            If the device has not a row for each input and a column for each neuron.
        """
        if self.backend.shape != (model.inputs, model.outputs):
            rows, columns = self.backend.shape
            raise DataError(
                f"a network of {model.inputs} inputs and {model.outputs} neurons does not fit a device of "
                f"{rows} rows and {columns} columns"
            )
        state = NetworkState(
            self._map(model),
            None,
            np.ones(model.outputs, np.float32),
            neurons_at_rest(model.outputs, model.neurons),
            np.full(model.inputs, NEVER, np.int64),
        )
        return self._balance_columns(state, model)

    def show(self, model: SpikingModel, state: NetworkState, images: Shown, showing: Showing) -> Presentation:
        """Return the network after it was shown images, as spike probabilities or trains, and its output spikes.

        After training images every cell is read, so that the state holds the measured conductances.
        """
        shown = self._steps.show(model, state, images, showing)
        if not showing.learn:
            return shown
        return replace(shown, state=replace(shown.state, weights=self._map(model)))

    def _map(self, model: SpikingModel) -> Singles:
        self.reads += model.inputs
        return self.backend.read_conductances(model.spike_v).astype(np.float32)

    def _currents(self, conductances: Singles, spikes: BoolArray, spike_v: float) -> Singles:
        if not spikes.any():  # no voltage, no current
            return np.zeros(conductances.shape[1], np.float32)
        self.reads += 1
        return self.backend.read_currents(spike_v * spikes[None].astype(np.float64))[0].astype(np.float32)

    def _pulse_column(
        self,
        state: NetworkState,
        model: SpikingModel,
        numbers: PlasticitySteps,
        column: int,
        key: int,  # noqa: ARG002 - nothing is rounded by chance
    ) -> NetworkState:
        low, high = np.float32(model.synapses.low_siemens), np.float32(model.synapses.high_siemens)
        changes = wanted_changes(state.weights[:, column], state.last_inputs, state.now, numbers, low, high)
        for pulse, wanted in ((self.up, changes > 0), (self.down, changes < 0)):
            if wanted.any():
                counts = np.zeros(self.backend.shape, np.int64)
                counts[wanted, column] = 1
                self.backend.send_pulses(counts, pulse)
                self.pulses += int(counts.sum())
        return self._balance_columns(state, model)

    def _balance_columns(self, state: NetworkState, model: SpikingModel) -> NetworkState:
        """Return the network with gains that give every column the same current when all inputs spike."""
        if model.synapses.column_siemens is None:
            return state
        currents = self._currents(state.weights, np.ones(model.inputs, bool), model.spike_v)
        if currents.min() <= 0:
            raise BackendError(
                f"column {int(currents.argmin())} carries {currents.min():.3g} A when every row is driven, expected "
                "a current above zero"
            )
        wanted = np.float32(model.synapses.column_siemens * model.spike_v)
        return replace(state, gains=(wanted / currents).astype(np.float32))
