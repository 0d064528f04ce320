"""The compiled engine of the spiking network on a crossbar whose currents are solved for: wires, nonlinear cells.

A circuit takes a hundred times as long as the rest of a step. So it is solved only in steps in which some neuron
listens to some spike, and its conductances are renewed only after updates. While weights are fixed, ohmic cells are
replaced by the transfer matrix of the crossbar, made once.
"""

from collections.abc import Callable
from typing import Any, Self, TypeAlias

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.errors import ConfigError
from crossbar_hil.spiking.network.encoding import Words
from crossbar_hil.spiking.network.model import NetworkState, SpikingModel
from crossbar_hil.spiking.network.stepwise import Presentation, Showing

from ..circuit import STANDARD, Topology, WireOhm, compile_kernels
from ..circuit.cells import CellModel
from .arrangement import Arrangement
from .working import Layout, lay_out

Circuit: TypeAlias = Callable[[FloatArray | None, FloatArray], FloatArray]
"""(K, N) conductances in siemens if they have changed, (1, K) volts -> (1, N) currents in amperes."""


class WiredEngine:
    """Shows images to a network on a crossbar with wires, and with cells that need not be ohmic.

    Parameters
    ----------
    wire_ohm, cell, topology, tiles, order
        As of `Arrangement`.
    patterns : ndarray of bool, shape (P, K), optional
        Spikes of all inputs in some typical steps: what secants of cells are taken from that are not ohmic.

    Notes
    -----
    Spikes are those of a `StepwiseEngine` whose product solves the circuit each time. Currents of ohmic cells are equal
    to the last bit in training; otherwise they may differ by 1e-8 of each before they are rounded to single precision.
    """

    def __init__(
        self,
        wire_ohm: WireOhm = 1.0,
        cell: CellModel | None = None,
        *,
        topology: Topology = STANDARD,
        tiles: tuple[int, int] = (1, 1),
        order: IntArray | None = None,
        patterns: BoolArray | None = None,
    ) -> None:
        self.arrangement = Arrangement(wire_ohm, cell, topology, tiles, order)
        self.patterns = patterns
        self.solved = 0
        """Steps so far for which currents were needed."""
        self._last: tuple[FloatArray, float, FloatArray] | None = None

    @classmethod
    def arranged(
        cls, wire_ohm: WireOhm, cell: CellModel | None, *, drive: Any = "left", sense: Any = "bottom", **more: Any
    ) -> Self:
        """Return an engine for an arrangement in plain words.

        Parameters
        ----------
        drive, sense
            As of `Topology`.
        **more
            What else this engine takes.
        """
        return cls(wire_ohm, cell=cell, topology=Topology(drive=drive, sense=sense), **more)

    def show(self, model: SpikingModel, state: NetworkState, images: Words, showing: Showing) -> Presentation:
        """Return the network after it was shown images, given as (P, K) spike probabilities, and its output spikes."""
        compile_kernels()
        if model.cells.fluctuates:
            raise ConfigError(
                "telegraph and 1/f noise of cells change every circuit in every step; they go with perfect wires and "
                "ohmic cells only"
            )
        work = lay_out(model, state, images, showing)
        cells = work.read[:-1, : model.outputs].astype(np.float64)
        fixed = None if showing.learn else self.fixed_matrix(cells, model.spike_v)
        if fixed is not None:
            matrix = np.zeros(work.read.shape)
            matrix[:-1, : model.outputs] = fixed
            return self._run(work, matrix, None, model.outputs, model.spike_v)
        solver = self.arrangement.solver(cells)

        def circuit(conductances: FloatArray | None, volts: FloatArray) -> FloatArray:
            if conductances is not None:
                solver.update(conductances)
            return solver.currents(volts)

        return self._run(work, None, circuit, model.outputs, model.spike_v)

    def arriving(self, cells: FloatArray, volts: FloatArray, spike_v: float) -> FloatArray:
        """Return the mean currents (N,) that leave (K, N) cells, for mean voltages (K,) of spikes of a height."""
        matrix = self.fixed_matrix(cells, spike_v)
        if matrix is None and self.patterns is not None:
            matrix = self.arrangement.secants(cells, self.patterns, spike_v)
        return self.arrangement.solver(cells).currents(volts[None])[0] if matrix is None else volts @ matrix

    def fixed_matrix(self, cells: FloatArray, spike_v: float) -> FloatArray | None:
        """Return the matrix (K, N) in siemens by which voltages become currents of fixed cells; None if there is none.

        The last one is kept, as images are labelled and tested with in parts.
        """
        if self._last is None or self._last[1] != spike_v or not np.array_equal(self._last[0], cells):
            matrix = self._matrix(cells, spike_v)
            if matrix is None:
                return None
            self._last = cells.copy(), spike_v, matrix
        return self._last[2]

    def _matrix(self, cells: FloatArray, spike_v: float) -> FloatArray | None:  # noqa: ARG002 - currents are linear
        return self.arrangement.transfer(cells) if self.arrangement.is_ohmic else None

    def _run(
        self, work: Layout, matrix: FloatArray | None, circuit: Circuit | None, outputs: int, spike_v: float
    ) -> Presentation:
        from . import kernel  # noqa: PLC0415 - numba takes long to import

        inputs = len(work.last_inputs)
        spiking, currents = np.zeros(inputs + 4, np.int64), np.zeros(work.read.shape[1], np.float32)
        volts, height = np.zeros((1, inputs)), np.float64(np.float32(spike_v))
        arguments = (*work.arguments(), matrix, None if circuit is None else (spiking, currents), work.effects)
        while kernel.show(*arguments) and circuit is not None:
            volts[:] = 0.0
            volts[0, spiking[: work.clock[kernel.FIRED]]] = height
            changed = work.read[:-1, :outputs].astype(np.float64) if work.clock[kernel.CHANGED] else None
            work.clock[kernel.CHANGED] = 0
            currents[:outputs] = circuit(changed, volts)[0]
        self.solved += int(work.clock[kernel.LISTENED])
        return work.presentation()
