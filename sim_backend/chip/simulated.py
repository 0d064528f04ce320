"""A simulated chip: every cell follows the measured curve, shifted by its own amount.

Model
-----
The conductance of a cell is ``G = K ((G_exp(m) - G_exp(0)) + shift)``, m its level on the measured curve. How
pulses move it from level to level and from curve to curve stands in `crossbar_hil.sim_backend.chip.tracks`.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from crossbar_hil import defaults
from crossbar_hil.arrays import BoolArray, FloatArray, IntArray, at, checked_array
from crossbar_hil.backend import DeviceBackend, Limits, Pulse
from crossbar_hil.bench.file import Bench, Chip
from crossbar_hil.errors import ConfigError, DataError, LimitError
from crossbar_hil.shipped import data_file
from crossbar_hil.survey.file import read_cells
from crossbar_hil.training.lines.tiles import read_tiles, tile_lines
from crossbar_hil.twins.file import Twin, read_twin

from ..circuit import Topology, WireOhm
from ..circuit.cells import CellModel, Ohmic, make_cell
from ..circuit.network import checked_wires
from .array_circuit import ArrayCircuit, solve_arrays
from .curve import ConductanceCurve
from .effects import ChipEffects, checked_effects
from .exposure import step_of
from .starting import draw_shifts
from .tracks import CellLevels
from .twinned import check_size, twin_curve, twin_effects

WRITES = ("direct", "half-select")
DEFAULT_LIMITS = Limits(read_v=1.0, pulse_v=3.0, width_s=1.0)
"""A read stays at or below half the 2 V of a pulse, which the model takes to leave a cell as it is."""


class SimulatedBackend(DeviceBackend):
    """R x C cells made of one measured curve.

    Parameters
    ----------
    curve : ConductanceCurve
        The measured curve, with those of other pulses beside it.
    shifts : array_like of float, shape (R, C)
        Offset of each cell's curve, in siemens; the conductance at level 0 is ``scale * shift``.
    scale : float
        K, above zero.
    wire_ohm : float or pair
        Resistance of one wire segment, in ohm, as `solve_crossbar` takes it: a number, or a pair (word lines, bit
        lines), each a number or one per line.
    read_noise : float
        Relative standard deviation of each cell's current in each read, independent from read to read; no unit.
    rng : numpy.random.Generator, optional
        Needed with `read_noise` or `step_variation`.
    step_variation : float
        Relative standard deviation of the step that one pulse makes, in levels: gamma distributed with mean 1, so a
        step is never negative and n pulses together make n levels on average.
    stuck : array_like of bool, shape (R, C), optional
        Cells that keep their conductance whatever is sent.
    dead : array_like of bool, shape (R, C), optional
        Open cells: conductance zero, for ever.
    cell : CellModel, optional
        Current of a cell at a voltage; ohmic if not given.
    write : {"direct", "half-select"}
        Whether a pulse reaches its cell alone and undiminished, or goes over the lines: then every cell sees its own
        voltage (`ArrayCircuit.pulse_volts`) and moves as `expose` says. Pulses of a batch are sent row by row.
    threshold : float
        Share of a measured amplitude below which a voltage leaves a cell as it is, from 0 to below 1.
    drive, sense : {"left", "both"}, {"bottom", "both"}
        Ends of the word lines that are driven, and ends of the bit lines that are sensed, as of `Topology`; in writing
        over the lines too.
    tiles : str
        Arrays below each other and beside each other, each driven and sensed by itself: ``"4x1"``. What a pulse does to
        other cells ends at the tile of its own.
    limits : Limits, optional
        What the virtual chip may be asked to bear.
    telegraph, telegraph_share, telegraph_s : float
        Random telegraph noise: relative height, share of the reads that are higher, correlation time in seconds (drawn
        anew for each read if not given).
    flicker : float
        Relative standard deviation of 1/f noise.
    step_spread, shape_spread : float
        Sigma of the logarithm of each cell's step factor and shape exponent, drawn from `rng`.
    relaxation, relaxation_s, relaxation_law, relaxation_exponent
        Share of a rise that is lost, time constant in seconds, ``"stretched"`` with its exponent or ``"logarithmic"``.
    drift : float
        Relative change in a decade of time, one standard deviation.
    column_offset_a : float
        Standard deviation of the current added to each reading of a column, in amperes.
    disturb : float
        Levels by which each pulse moves the other cells of its row and column.
    unformed : array_like of bool, shape (R, C), optional
        Cells that were never formed; they conduct `unformed_siemens`, in siemens, and do not move.
    read_s : float
        Time of one reading in seconds, that of one column under one set of row voltages.
    step_factors, shape_exponents : array_like of float, shape (R, C), optional
        Of this very chip, instead of a draw.
    column_offsets : array_like of float, shape (C,), optional
        Of this very chip, in amperes, instead of a draw.

    Raises
    ------
    DataError
        If an argument is outside its range, or a shift makes a conductance negative.
    ConfigError
        If tiles are none, or more than there are lines.
    """

    kind = "simulated"
    simulates_chip = True

    def __init__(
        self,
        curve: ConductanceCurve,
        shifts: ArrayLike,
        scale: float = 10.0,
        wire_ohm: WireOhm = 0.0,
        read_noise: float = 0.0,
        rng: np.random.Generator | None = None,
        *,
        step_variation: float = 0.0,
        stuck: ArrayLike | None = None,
        dead: ArrayLike | None = None,
        cell: CellModel | None = None,
        write: str = "direct",
        threshold: float = defaults.THRESHOLD,
        drive: Literal["left", "both"] = "left",
        sense: Literal["bottom", "both"] = "bottom",
        tiles: str = "1x1",
        limits: Limits = DEFAULT_LIMITS,
        telegraph: float = 0.0,
        telegraph_share: float = defaults.TELEGRAPH_SHARE,
        telegraph_s: float | None = None,
        flicker: float = 0.0,
        step_spread: float = 0.0,
        shape_spread: float = 0.0,
        relaxation: float = 0.0,
        relaxation_s: float | None = None,
        relaxation_law: str = "stretched",
        relaxation_exponent: float = 1.0,
        drift: float = 0.0,
        column_offset_a: float = 0.0,
        disturb: float = 0.0,
        unformed: ArrayLike | None = None,
        unformed_siemens: float = defaults.UNFORMED_SIEMENS,
        read_s: float = defaults.READ_S,
        step_factors: ArrayLike | None = None,
        shape_exponents: ArrayLike | None = None,
        column_offsets: ArrayLike | None = None,
    ) -> None:
        self.curve = curve
        self.shifts = checked_array("shifts", shifts, (None, None))
        rows, columns = self.shifts.shape
        self.shape = (rows, columns)
        self.limits = limits
        if not (math.isfinite(scale) and scale > 0):
            raise DataError(f"scale {scale} must be finite and above zero")
        self.scale = float(scale)
        self._scale = np.array(self.scale)  # numpy is faster with an array
        self.read_noise = _not_negative("read_noise", read_noise)
        self.step_variation = _not_negative("step_variation", step_variation)
        self.wires = checked_wires(wire_ohm, rows, columns)
        """Resistance of a segment of each word line (R,) and each bit line (C,), in ohm."""
        self.topology = Topology(drive=drive, sense=sense)
        """Ends of the lines that are joined to something."""
        self.tiles = read_tiles(tiles)
        """Arrays below each other and beside each other."""
        self._lines = tile_lines(self.shape, self.tiles)
        self._amplitudes = sorted(abs(each) for each in curve.widths_by_amplitude())
        _check_writing(write, threshold, curve)
        self.write, self.threshold = write, threshold
        self.rng = rng
        self.cell = Ohmic() if cell is None else cell
        self._ohmic = isinstance(self.cell, Ohmic)
        self._stuck = self._mask("stuck", stuck)
        self._dead = self._mask("dead", dead)
        numbers = checked_effects(
            read_noise=self.read_noise, step_variation=self.step_variation, telegraph=telegraph,
            telegraph_share=telegraph_share, telegraph_s=telegraph_s, flicker=flicker, step_spread=step_spread,
            shape_spread=shape_spread, relaxation=relaxation, relaxation_s=relaxation_s, relaxation_law=relaxation_law,
            relaxation_exponent=relaxation_exponent, drift=drift, column_offset_a=column_offset_a, disturb=disturb,
            unformed_siemens=unformed_siemens, read_s=read_s,
        )  # fmt: skip
        if disturb and write != "direct":
            raise DataError(
                f"disturb {disturb:g} is what a pulse does to other cells if write is 'direct'; with write {write!r} "
                "that follows from the voltage that they see"
            )
        not_formed = self._mask("unformed", unformed)
        self._effects = ChipEffects(
            numbers, self.shape, curve.span, rng, not_formed, step_factors, shape_exponents, column_offsets
        )
        self.noisy = self.read_noise > 0 or self._effects.noise is not None
        self._mobile = ~(self._stuck | self._dead | not_formed)
        self._all_mobile = bool(self._mobile.all())
        potentiating = [each for each in curve.others if each.pulse and each.pulse.amplitude_v > 0]
        # Zero if no curve dips below its start.
        deepest = abs(min(float(each.rises.min()) for each in (curve, *potentiating)))
        missing = self._effects.least_shift(deepest) - self.shifts
        if missing.max() > 0:
            where = divmod(int(missing.argmax()), missing.shape[1])
            raise DataError(
                f"shift {self.shifts[where]:g} S of cell {at(*where)} makes its conductance negative, "
                f"it must be at least {self.shifts[where] + missing[where]:g} S"
            )
        self._held: tuple[BoolArray, FloatArray] | None = None
        self._cells = CellLevels(curve, self.shape)
        self._last_pulse: Pulse | None = None
        self._last_track = 0
        self._ideal = not any(ohm.any() for ohm in self.wires)
        self._circuit: ArrayCircuit | None = None  # made when wires or write scheme first need it
        self._plain_reads = self._ideal and self._ohmic and not self._effects.in_reads
        self._update()

    @classmethod
    def from_bench(cls, bench: Bench, rng: np.random.Generator) -> Self:
        """Draw a chip as the bench file says: first the shifts, then whatever noise the run needs.

        Cells that its [training] leaves out as bad ones conduct what was found in them, for ever.
        """
        found = cls._drawn(bench, rng)
        if bench.training.cells is not None:
            cells = read_cells(data_file(bench.training.cells))
            cells.check_shape(bench.training.cells, found.shape)
            found.hold(cells.left_out, cells.conductances)
        return found

    @classmethod
    def _drawn(cls, bench: Bench, rng: np.random.Generator) -> Self:
        chip = bench.chip
        if chip is None:
            raise ConfigError(f"bench {bench.name} has no [chip] table, from which the virtual chip is made")
        limits = bench.limits or DEFAULT_LIMITS
        cell = make_cell(chip.cell, chip.cell_options)
        if chip.twin is not None:
            twin = read_twin(data_file(chip.twin))
            number = int(rng.integers(twin.count))
            return cls.of_twin(chip, twin, twin_curve(twin), number, rng=rng, cell=cell, limits=limits)
        curve = ConductanceCurve.of_device(chip.curve_file, chip.curve_pulse, smoothed=chip.smoothed)
        shifts = draw_shifts(chip, curve, rng)
        return cls.of_chip(chip, curve, shifts, rng=rng, cell=cell, limits=limits)

    @classmethod
    def of_chip(
        cls,
        chip: Chip,
        curve: ConductanceCurve,
        shifts: FloatArray,
        *,
        rng: np.random.Generator,
        cell: CellModel,
        limits: Limits,
        step_factors: FloatArray | None = None,
        shape_exponents: FloatArray | None = None,
        column_offsets: FloatArray | None = None,
    ) -> Self:
        """Make the chip that a [chip] table describes, of curve, shifts and cell model that are there already.

        Step factors, shape exponents and column offsets are drawn as the table says, if they are not given.
        """
        shape = (chip.rows, chip.columns)
        return cls(
            curve,
            shifts,
            rng=rng,
            stuck=cell_mask("stuck", chip.stuck, shape),
            dead=cell_mask("dead", chip.dead, shape),
            unformed=cell_mask("unformed", chip.unformed, shape),
            cell=cell,
            limits=limits,
            step_factors=step_factors,
            shape_exponents=shape_exponents,
            column_offsets=column_offsets,
            scale=chip.k,
            **chip.numbers(),
            **chip.circuit_settings(),
        )

    @classmethod
    def of_twin(
        cls,
        chip: Chip,
        twin: Twin,
        curve: ConductanceCurve,
        number: int,
        *,
        rng: np.random.Generator,
        cell: CellModel,
        limits: Limits,
    ) -> Self:
        """Make the chip of one draw of a twin, as it is after its calibration; `chip` says what the twin does not.

        Raises
        ------
        DataError
            If the twin is of a chip of another size.
        """
        check_size(chip, twin)
        one, shape = twin.chip(number), (twin.rows, twin.columns)
        backend = cls(
            curve,
            one.start_siemens / twin.scale,
            rng=rng,
            stuck=cell_mask("stuck", chip.stuck, shape) | ~one.moves,
            dead=cell_mask("dead", chip.dead, shape),
            unformed=cell_mask("unformed", chip.unformed, shape),
            cell=cell,
            limits=limits,
            scale=twin.scale,
            **twin_effects(chip, twin, one),
            **chip.circuit_settings(),
        )
        # A state that does not tell what is left of the rises says that they have just been made.
        state = {name: array for name, array in backend.state().items() if name != "relaxing_siemens"}
        backend.restore({**state, "level": np.where(one.moves, one.levels, 0.0)})
        if twin.numbers.relaxation is not None and twin.source.seconds is not None:
            backend.pass_time(twin.source.seconds)
        return backend

    def hold(self, cells: BoolArray, siemens: FloatArray) -> None:
        """Have some cells, (R, C), conduct what is given, in siemens, whatever is sent."""
        self._held = cells, np.maximum(siemens[cells], 0.0)
        self._mobile = self._mobile & ~cells
        self._all_mobile = bool(self._mobile.all())
        self._update()

    # ------------------------------------------------------------------ the device

    def _read_currents(self, voltages: FloatArray) -> FloatArray:
        if self._plain_reads:
            return voltages.dot(self._conductances)  # half the time of @ for a small chip
        effects = self._effects
        currents = self._cell_currents(voltages)
        if effects.column_offsets is not None:
            currents += effects.column_offsets
        if effects.ages:
            self._age(currents.size * effects.numbers.read_s)
        return currents

    def _cell_currents(self, voltages: FloatArray) -> FloatArray:
        """Return what the cells send out of each column, (P, C), in amperes."""
        if self._effects.noise is not None or (self.read_noise and not self._ideal):
            return self._noisy_currents(voltages)
        if not self._ideal:
            return self._array().currents(voltages)
        if self._ohmic and not self.read_noise:
            return voltages.dot(self._conductances)
        cells = self.cell.current(self._conductances, voltages[:, :, None])
        currents = cells.sum(axis=1)
        if self.read_noise and self.rng is not None:
            # The relative noise of the cells is independent, so along a column it adds up in squares.
            spread = self.read_noise * np.sqrt(np.square(cells).sum(axis=1))
            currents += spread * self.rng.standard_normal(spread.shape)
        return currents

    def _noisy_currents(self, voltages: FloatArray) -> FloatArray:
        """Return column currents while every cell conducts otherwise in each reading."""
        found = np.empty((len(voltages), self.shape[1]))
        for place, vector in enumerate(voltages):
            seen = self.read_siemens()
            if self._ideal:
                found[place] = self.cell.current(seen, vector[:, None]).sum(axis=0)
            else:
                found[place] = self.currents_of(seen, vector[None])[0]
            if self._effects.noise is not None:
                self._effects.noise.pass_time(self.shape[1] * self._effects.numbers.read_s)
        return found

    def currents_of(self, conductances: FloatArray, voltages: FloatArray) -> FloatArray:
        """Return the (P, C) currents, in amperes, that cells of other conductances (R, C) would give here.

        In place of the own ones, in siemens; without noise or offsets.
        """
        if not self._ideal:
            return solve_arrays(conductances, voltages, self.wires, self.cell, self.topology, self.tiles)
        if self._ohmic:
            return voltages @ conductances
        return self.cell.current(conductances, voltages[:, :, None]).sum(axis=1)

    def _array(self) -> ArrayCircuit:
        if self._circuit is None:
            self._circuit = ArrayCircuit(self._conductances, self.wires, self.cell, self.topology, self.tiles)
        return self._circuit

    def _send_pulses(self, counts: IntArray, pulse: Pulse) -> None:
        if self.write == "direct":
            steps = self._effects.with_disturbed(counts, self._lines) if self._effects.numbers.disturb else counts
            self._advance(self._last_track, steps)  # the track of this very pulse, which _check_pulse has just seen
        else:
            for row, column in np.argwhere(counts):
                for _ in range(counts[row, column]):
                    volts = self._array().pulse_volts(int(row), int(column), pulse.amplitude_v)
                    for each in np.argwhere(np.abs(volts) > self.threshold * self._amplitudes[0]):
                        self.expose(int(each[0]), int(each[1]), float(volts[tuple(each)]), pulse.width_s)
        if self._effects.takes_time:
            self.pass_time(float(counts.sum()) * pulse.width_s)

    def expose(self, row: int, column: int, voltage_v: float, seconds: float) -> None:
        """Hold a voltage, row minus column in volts, across a cell (from 0) for some seconds, as happens on a bench.

        What it does stands in `crossbar_hil.sim_backend.chip.exposure`.

        Raises
        ------
        LimitError
            If the curve does not say with which pulses it was measured.
        """
        step = step_of(self.curve, self.threshold, voltage_v, seconds)
        if step is None:
            return
        steps = np.zeros(self.shape)
        steps[row, column] = step.levels
        self._last_pulse = None  # its track may get another number
        self._advance(self._cells.find(step.pulse, between=True), steps)

    def _advance(self, index: int, steps: FloatArray | IntArray) -> None:
        """Move cells along a track, each by its number of levels."""
        if not self._all_mobile:
            steps = steps * self._mobile
        if self.step_variation and self.rng is not None:
            square = self.step_variation**2  # the sum of n gamma steps of mean 1 is one gamma draw
            steps = self.rng.gamma(steps / square, square)
        self._cells.advance(index, steps)
        self._update()

    def _update(self) -> None:
        if self._effects.change_cells:
            self._conductances = self._effects.conductances(self._cells.rises(), self.shifts, self.scale)
        else:
            self._conductances = (self._cells.rises() + self.shifts) * self._scale
        if not self._all_mobile:
            self._conductances[self._dead] = 0.0
        if self._held is not None:
            self._conductances[self._held[0]] = self._held[1]
        if self._circuit is not None:
            self._circuit.update(self._conductances)

    def _check_pulse(self, pulse: Pulse) -> None:
        if pulse is self._last_pulse:
            return
        super()._check_pulse(pulse)
        self._last_track = self._cells.find(pulse)
        self._last_pulse = pulse

    def make_safe(self) -> None:
        """Do nothing: a simulation drives no output."""

    def pass_time(self, seconds: float) -> None:
        """Let time pass: what is relaxing relaxes, conductances drift, slow noise goes on.

        A simulated chip does so itself: a read takes `read_s` for each column and each set of voltages, a pulse its
        width. What changes conductances is applied after the whole read, or the whole batch of pulses.

        Raises
        ------
        DataError
            If the time is negative or not finite.
        """
        _not_negative("time in seconds", seconds)
        if self._effects.noise is not None:
            self._effects.noise.pass_time(seconds)
        if self._effects.ages:
            self._age(seconds)

    def read_siemens(self) -> FloatArray:
        """(R, C) conductances as one reading sees them, in siemens, its noise drawn; that of columns is not in it."""
        if self._effects.noise is not None:
            return self._conductances * self._effects.noise.factors()
        if not self.read_noise or self.rng is None:
            return self._conductances.copy()
        return np.maximum(self._conductances * (1.0 + self.read_noise * self.rng.standard_normal(self.shape)), 0.0)

    def _age(self, seconds: float) -> None:
        self._effects.pass_time(seconds)
        self._update()

    # ------------------------------------------------------------------ what a simulation knows

    @property
    def elapsed_s(self) -> float:
        """Time that has passed for the chip, in seconds; it stands still while no conductance changes with time."""
        return self._effects.elapsed_s

    @property
    def takes_time(self) -> bool:
        """Whether time changes the cells or what is read of them."""
        return self._effects.takes_time

    @property
    def step_factors(self) -> FloatArray | None:
        """(R, C) factor of each cell's rise; None if all are 1."""
        return self._effects.step_factors

    @property
    def shape_exponents(self) -> FloatArray | None:
        """(R, C) exponent that bends each cell's curve; None if all are 1."""
        return self._effects.shape_exponents

    @property
    def column_offsets(self) -> FloatArray | None:
        """(C,) current added to each reading of a column, in amperes; None if there is none."""
        return self._effects.column_offsets

    @property
    def conductances(self) -> FloatArray:
        """(R, C) true conductances, in siemens, without read noise."""
        return self._conductances.copy()

    @property
    def levels(self) -> FloatArray:
        """(R, C) level of each cell on the curve it is on."""
        return self._cells.levels

    def saturated_cells(self) -> BoolArray:
        """Cells at the end of their curve."""
        ended = self._cells.saturated()
        return ended if self._all_mobile else self._mobile & ended

    def pulses_left(self) -> int | None:
        """Pulses before a cell can be at its end; 0 if steps vary, None if other pulses or time move a cell too."""
        if self.write != "direct" or self._effects.numbers.disturb or self.takes_time:
            return None
        return 0 if self.step_variation else self._cells.levels_left()

    def flat_pulses(self, pulse: Pulse) -> int | None:
        """Most pulses in a row without a change on the curve, three standard deviations more where steps vary."""
        try:
            levels = self.curve.for_pulse(pulse).flat_pulses
        except LimitError:
            return None
        return math.ceil(levels + 3 * self.step_variation * math.sqrt(levels))

    def identify(self) -> dict[str, Any]:
        """Curve and model of the virtual chip."""
        return {
            "backend": "SimulatedBackend",
            "curve": self.curve.source,
            "pulse": str(self.curve.pulse) if self.curve.pulse else "unknown",
            "scale": self.scale,
            "cell": type(self.cell).__name__.lower(),
            "write": self.write,
        }

    def state(self) -> dict[str, FloatArray]:
        """Level of each cell, the amplitude and width of the pulse whose curve it is on (0 for the nominal one).

        With effects there is more: what is the chip's own, what time has done to it, and the generator of its noise.
        """
        amplitudes, widths = self._cells.pulses()
        return {
            "shift_siemens": self.shifts.copy(),
            "level": self.levels,
            "curve_amplitude_v": amplitudes,
            "curve_width_s": widths,
            **self._effects.state(),
        }

    def restore(self, state: dict[str, FloatArray]) -> None:
        """Bring the chip back to a saved state.

        Raises
        ------
        DataError, LimitError
            If the state is not one of a chip of this shape and curve; the chip is left as it was.
        """
        shifts, levels, amplitudes, widths = (
            checked_array(f"saved {name} values", state.get(name, []), self.shape)
            for name in ("shift_siemens", "level", "curve_amplitude_v", "curve_width_s")
        )
        before = self.levels, *self._cells.pulses()
        self._cells.place(levels, amplitudes, widths)
        try:
            self._effects.restore(state, self._cells.rises())
        except DataError:
            self._cells.place(*before)
            raise
        self.shifts = shifts
        self._update()

    def _mask(self, name: str, cells: ArrayLike | None) -> BoolArray:
        mask = np.zeros(self.shape, dtype=bool) if cells is None else np.asarray(cells)
        if mask.shape != self.shape or mask.dtype != bool:
            raise DataError(f"{name} must be bool of shape {self.shape}, got {mask.dtype} of shape {mask.shape}")
        return mask


def cell_mask(name: str, cells: Sequence[tuple[int, int]], shape: tuple[int, int]) -> BoolArray:
    """Mark cells given as [row, column] on a chip of some shape."""
    mask = np.zeros(shape, dtype=bool)
    for row, column in cells:
        if not (0 <= row < shape[0] and 0 <= column < shape[1]):
            raise DataError(f"{name} cell {at(row, column)} is not on the chip of {shape[0]} by {shape[1]} cells")
        mask[row, column] = True
    return mask


def _check_writing(write: str, threshold: float, curve: ConductanceCurve) -> None:
    if write not in WRITES:
        raise DataError(f"write {write!r} must be {' or '.join(WRITES)}")
    if not 0 <= threshold < 1:
        raise DataError(f"threshold {threshold} must be a share from 0 to below 1 of a measured amplitude")
    if write == "half-select" and not curve.widths_by_amplitude():
        raise DataError(f"write {write!r} needs a curve that says its pulse, {curve.source} does not")


def _not_negative(name: str, value: float) -> float:
    if not math.isfinite(value) or value < 0:
        raise DataError(f"{name} {value} must be finite and not negative")
    return float(value)
