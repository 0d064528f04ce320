"""A computed network through the seam: its currents are read from a virtual chip, its changes are pulses."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from crossbar_hil.arrays import BoolArray
from crossbar_hil.backend import Pulse
from crossbar_hil.spiking.network.model import Cells, NetworkState, SpikingModel
from crossbar_hil.spiking.network.neurons import Singles
from crossbar_hil.spiking.network.plasticity import PlasticitySteps, changes_by_age
from crossbar_hil.spiking.network.stepwise import Presentation, Showing, StepwiseEngine
from crossbar_hil.spiking.network.trains import Shown
from crossbar_hil.spiking.network.updates import sent_pulses
from crossbar_hil.spiking.network.virtual_chip import RATE, VirtualChip

PULSE_V, DEPRESS_V, WIDTH_S = 2.0, -2.8, 0.05
"""Heights of the pulses, and their width where cells move along curves: those of the shipped curve."""
MakeChip: TypeAlias = Callable[[SpikingModel, Singles, int], VirtualChip]


class SeamEngine:
    """Shows images to a network whose synapses are the cells of a virtual chip; the end is that of the computed one.

    An input spike is a voltage on its row. A spike of a neuron sends pulses to the cells of its column: where they move
    along curves, the controller draws which cells get one; else a pulse is the longer, the larger the change. Noise,
    faults and time are the chip's alone.

    Parameters
    ----------
    make_chip : callable
        Makes the chip from model, conductances and training images so far.
    """

    def __init__(self, make_chip: MakeChip = VirtualChip) -> None:
        self._make, self._given = make_chip, np.empty((0, 0), np.float32)
        self.chip: VirtualChip | None = None
        """The chip of the last network."""
        self.reads = self.pulses = 0
        """How many vectors were read, and how many pulses were sent."""

    def show(self, model: SpikingModel, state: NetworkState, images: Shown, showing: Showing) -> Presentation:
        """Return the network after it was shown images, as spike probabilities or trains, and its output spikes."""
        chip = self.chip
        if chip is None or chip.model.cells is not model.cells or self._given is not state.weights:
            chip = self.chip = self._make(model, state.weights, state.presented)
        steps = StepwiseEngine(self._currents, self._send, chip.begin)
        shown = steps.show(replace(model, cells=Cells()), state, images, showing)
        self._given = chip.weights if showing.learn else state.weights
        return replace(shown, state=replace(shown.state, weights=self._given))

    @property
    def _chip(self) -> VirtualChip:
        if self.chip is None:
            raise TypeError("a network that is shown images has a chip")
        return self.chip

    def _currents(self, _: Singles, spikes: BoolArray, spike_v: float) -> Singles:
        if not spikes.any():  # no voltage, no current
            return np.zeros(self._chip.shape[1], np.float32)
        self.reads += 1
        return self._chip.read_currents(spike_v * spikes[None].astype(np.float64))[0].astype(np.float32)

    def _send(
        self, state: NetworkState, model: SpikingModel, numbers: PlasticitySteps, column: int, key: int
    ) -> NetworkState:
        changes = changes_by_age(state.last_inputs, state.now, numbers)
        if model.synapses.update_scheme == "pulse":
            sent = sent_pulses(model.synapses, changes, key)
            self._pulse(column, sent & (changes > 0), Pulse(PULSE_V, WIDTH_S))
            self._pulse(column, sent & ~(changes > 0), Pulse(DEPRESS_V, WIDTH_S))
            return state
        for change in np.unique(changes[changes != 0]):
            volts = PULSE_V if change > 0 else DEPRESS_V
            self._pulse(column, changes == change, Pulse(volts, abs(float(change)) / RATE))
        return state

    def _pulse(self, column: int, cells: BoolArray, pulse: Pulse) -> None:
        if not cells.any():
            return
        counts = np.zeros(self._chip.shape, np.int64)
        counts[cells, column] = 1
        self._chip.send_pulses(counts, pulse)
        self.pulses += int(counts.sum())
