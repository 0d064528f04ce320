"""A fast stand-in for `WiredEngine` in long trainings: what each cell's wires take is renewed every few images only.

An update changes one column by about a percent, and what the wires leave of a cell's current by less. So the share that
arrives of each cell is found from the transfer matrix, and then stands for some images. Cells that are not ohmic have
no such matrix; they are taken for their secants at the voltages that typical spikes leave them, renewed as often.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray
from crossbar_hil.errors import ConfigError
from crossbar_hil.spiking.network.effects import conductances
from crossbar_hil.spiking.network.encoding import Words, input_spikes, key, step_key
from crossbar_hil.spiking.network.model import NetworkState, SpikingModel
from crossbar_hil.spiking.network.stepwise import Presentation, Showing, check_images

from ..circuit import WireOhm, compile_kernels
from ..circuit.cells import CellModel
from .fused import FusedEngine
from .wired import WiredEngine

STEPS_SOLVED = 2
"""Steps of an image that are solved exactly where cells are not ohmic."""
SOLVED = 4
"""Purpose of random numbers, beside those of `crossbar_hil.spiking.network.encoding`: which spikes these steps have."""


class AttenuatedEngine(WiredEngine):
    """Shows images to a network with wires, nearly as `WiredEngine` does, whose arguments it takes.

    While weights are fixed and cells are ohmic it is `WiredEngine`. In a training conductances change between renewals,
    shares do not.

    Parameters
    ----------
    images : int
        Training images between two renewals; what is left of the last ones counts as a renewal too.
    patterns
        As of `WiredEngine`; cells that are not ohmic need them.

    Raises
    ------
    ConfigError
        If `images` is less than 1, or patterns are missing.
    """

    def __init__(
        self,
        wire_ohm: WireOhm = 1.0,
        images: int = 20,
        *,
        cell: CellModel | None = None,
        patterns: BoolArray | None = None,
        **more: Any,
    ) -> None:
        if images < 1:
            raise ConfigError(f"images {images} between two renewals must be at least 1")
        super().__init__(wire_ohm, cell, patterns=patterns, **more)
        if patterns is None and not self.arrangement.is_ohmic:
            raise ConfigError(
                "shares of cells that are not ohmic are renewed from patterns of spikes, and there are none"
            )
        self.images = images

    def show(self, model: SpikingModel, state: NetworkState, images: Words, showing: Showing) -> Presentation:
        """Return the network after it was shown images, given as (P, K) spike probabilities, and its output spikes."""
        if not len(images) or (self.arrangement.is_ohmic and not showing.learn):
            return super().show(model, state, images, showing)
        check_images(model, images)
        compile_kernels()
        parts = []
        for start in range(0, len(images), self.images):
            some, now = images[start : start + self.images], replace(showing, first=showing.first + start)
            if self.arrangement.is_ohmic:
                parts.append(FusedEngine().show(self.attenuate(model, state), state, some, now))
            else:
                parts += self._one_by_one(model, state, some, now)
            state = parts[-1].state
        return Presentation(
            state, np.concatenate([part.counts for part in parts]), np.concatenate([part.raster for part in parts])
        )

    def _one_by_one(
        self, model: SpikingModel, state: NetworkState, images: Words, showing: Showing
    ) -> list[Presentation]:
        """Show images to cells that are not ohmic, with the share of each column as the spikes of an image have it.

        A brighter image leaves less of each cell's current. So a few steps of every image are solved exactly, and say
        by what the currents of the columns differ from those by the secants.
        """
        cells = self._cells(model, state)
        known = self.fixed_matrix(cells, model.spike_v) if not showing.learn else self._matrix(cells, model.spike_v)
        if known is None:
            raise TypeError("renewed shares are those of some matrix")
        shares = np.divide(known, cells, out=np.ones_like(cells), where=cells > 0)
        solver = self.arrangement.solver(cells)
        parts: list[Presentation] = []
        for place, image in enumerate(images):
            number = showing.first + place
            cells = self._cells(model, state)
            seed = key(showing.seed, showing.stream, number, SOLVED)
            spikes = np.array([input_spikes(image, step_key(seed, step)) for step in range(STEPS_SOLVED)])
            volts = model.spike_v * spikes.astype(np.float64)
            solver.update(cells)
            exact, about = solver.currents(volts).sum(axis=0), (volts @ (cells * shares)).sum(axis=0)
            here = shares * np.divide(exact, about, out=np.ones_like(exact), where=about > 0)
            if model.cells.factors is not None:
                here = here * model.cells.factors
            shown = replace(model, cells=replace(model.cells, factors=here.astype(np.float32)))
            parts.append(FusedEngine().show(shown, state, images[place : place + 1], replace(showing, first=number)))
            state = parts[-1].state
        return parts

    def attenuate(self, model: SpikingModel, state: NetworkState) -> SpikingModel:
        """Return the model with what wires leave of each cell's current as factors, for the conductances of a state."""
        without = replace(model, cells=replace(model.cells, factors=None))
        given = self._cells(without, state)
        arriving = self._matrix(self._cells(model, state), model.spike_v)
        shares = np.divide(arriving, given, out=np.ones_like(given), where=given > 0)
        return replace(model, cells=replace(model.cells, factors=shares.astype(np.float32)))

    def _cells(self, model: SpikingModel, state: NetworkState) -> FloatArray:
        """Return the conductances (K, N) that cells have, in siemens."""
        exact = replace(model, cells=replace(model.cells, factors=None))
        found = conductances(exact, state.weights, state.presented).astype(np.float64)
        return found if model.cells.factors is None else found * model.cells.factors

    def _matrix(self, cells: FloatArray, spike_v: float) -> FloatArray:
        if self.patterns is None or self.arrangement.is_ohmic:
            return self.arrangement.transfer(cells)
        return self.arrangement.secants(cells, self.patterns, spike_v)
