"""The compiled engine of the spiking network on a crossbar whose currents are solved for: wires, nonlinear cells.

A circuit takes a hundred times as long as the rest of a step. So it is solved only in steps in which some neuron
listens to some spike, and its conductances are renewed only after updates. While weights are fixed, ohmic cells are
replaced by the transfer matrix of the crossbar, made once.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.spiking.network.encoding import Words
from crossbar_hil.spiking.network.model import NetworkState, SpikingModel
from crossbar_hil.spiking.network.stepwise import Presentation, Showing

from ..circuit import STANDARD, CrossbarSolver, Topology, WireOhm, compile_kernels, transfer_matrix
from ..circuit.cells import CellModel, Ohmic
from .working import Layout, lay_out

Circuit: TypeAlias = Callable[[FloatArray | None, FloatArray], FloatArray]
"""(K, N) conductances in siemens if they have changed, (1, K) volts -> (1, N) currents in amperes."""


class WiredEngine:
    """Shows images to a network on a crossbar with wires, and with cells that need not be ohmic.

    Parameters
    ----------
    wire_ohm : float or pair
        Resistance of one wire segment, in ohm, as of `crossbar_hil.sim_backend.circuit.solve_crossbar`.
    cell : CellModel, optional
        Current of a cell at a voltage; ohmic if not given.
    topology : Topology
        Ends of the lines that are driven and sensed.

    Notes
    -----
    Spikes are those of a `StepwiseEngine` whose product solves the circuit each time. Currents of ohmic cells are equal
    to the last bit in training; otherwise they may differ by 1e-8 of each before they are rounded to single precision.
    """

    def __init__(
        self, wire_ohm: WireOhm = 1.0, cell: CellModel | None = None, *, topology: Topology = STANDARD
    ) -> None:
        self.wire_ohm = wire_ohm
        self.cell = cell
        self.topology = topology
        self.solved = 0
        """Steps so far for which currents were needed."""

    def show(self, model: SpikingModel, state: NetworkState, images: Words, showing: Showing) -> Presentation:
        """Return the network after it was shown images, given as (P, K) spike probabilities, and its output spikes."""
        compile_kernels()
        work = lay_out(model, state, images, showing)
        cells = work.read[:-1, : model.outputs].astype(np.float64)
        if not showing.learn and (self.cell is None or isinstance(self.cell, Ohmic)):
            matrix = np.zeros(work.read.shape)
            matrix[:-1, : model.outputs] = transfer_matrix(cells, self.wire_ohm, topology=self.topology)
            return self._run(work, matrix, None, model.outputs, model.spike_v)
        solver = CrossbarSolver(cells, self.wire_ohm, self.cell, topology=self.topology)

        def circuit(conductances: FloatArray | None, volts: FloatArray) -> FloatArray:
            if conductances is not None:
                solver.update(conductances)
            return solver.currents(volts)

        return self._run(work, None, circuit, model.outputs, model.spike_v)

    def _run(
        self, work: Layout, matrix: FloatArray | None, circuit: Circuit | None, outputs: int, spike_v: float
    ) -> Presentation:
        from . import kernel  # noqa: PLC0415 - numba takes long to import

        inputs = len(work.last_inputs)
        spiking, currents = np.zeros(inputs + 4, np.int64), np.zeros(work.read.shape[1], np.float32)
        volts, height = np.zeros((1, inputs)), np.float64(np.float32(spike_v))
        arguments = (*work.arguments(), matrix, None if circuit is None else (spiking, currents))
        while kernel.show(*arguments) and circuit is not None:
            volts[:] = 0.0
            volts[0, spiking[: work.clock[kernel.FIRED]]] = height
            changed = work.read[:-1, :outputs].astype(np.float64) if work.clock[kernel.CHANGED] else None
            work.clock[kernel.CHANGED] = 0
            currents[:outputs] = circuit(changed, volts)[0]
        self.solved += int(work.clock[kernel.LISTENED])
        return work.presentation()
