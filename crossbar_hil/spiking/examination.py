"""Testing a trained network again, perhaps with wires, cells or faults that training did not have."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from crossbar_hil import defaults
from crossbar_hil.errors import ConfigError, RunError
from crossbar_hil.spiking.computed import compensate_for_wires
from crossbar_hil.spiking.device_effects import (
    SINCE,
    check_bounds,
    column_offsets,
    drift_exponents,
    fluctuations,
    stuck_rows,
    with_rows,
)
from crossbar_hil.spiking.network.devices import lognormal_factors, stuck_masks, with_stuck
from crossbar_hil.spiking.network.effects import held_within, relaxed, write_sigma
from crossbar_hil.spiking.network.labels import DETECTION, Evaluation, Labels
from crossbar_hil.spiking.network.model import NetworkState, SpikingModel
from crossbar_hil.spiking.network.network import SpikingNetwork
from crossbar_hil.spiking.network.stepwise import StepwiseEngine
from crossbar_hil.spiking.settings import SpikingSettings, engine_of, model_of, protocol_of
from crossbar_hil.spiking.tasks.images import Split
from crossbar_hil.spiking.teaching import evaluate_network
from crossbar_hil.spiking.view import SilentView


@dataclass(frozen=True, slots=True)
class Faults:
    """What a test has that training did not have."""

    wire_ohm: float | None = None
    """Instead of that of the training."""
    cell: str | None = None
    """Instead of that of the training."""
    stuck: float = 0.0
    """Share of cells that got stuck since, half of them at either end of the range."""
    stuck_rows: int = 0
    """Rows of which every cell got stuck since, half of them at either end."""
    dead: float = 0.0
    """Share of cells that are open since."""
    step_spread: float = 0.0
    """Sigma of the logarithm of a factor that each cell has beside that of the training."""
    write_noise: float = 0.0
    """What writing all conductances once more misses by, as a share of the range: one standard deviation."""
    relaxation_images: float | None = None
    """Instead of that of the training, while nothing is done."""
    drift: float = 0.0
    """Exponent of time since the training with which conductances fall."""
    drift_spread: float = 0.0
    """Standard deviation of that exponent from cell to cell."""
    wait_images: float = 0.0
    """Time since the training, in training images."""
    read_noise: float = 0.0
    """Standard deviation of the current of a column, as a share of it, instead of that of the training."""
    column_noise: float = 0.0
    """The same, for all steps of an image."""
    column_offset_a: float = 0.0
    """Standard deviation of the current added to the readings of a column, instead of that of the training."""
    telegraph: float = 0.0
    """Relative height of telegraph noise of single cells, instead of that of the training."""
    telegraph_share: float = defaults.TELEGRAPH_SHARE
    """Share of the time in which a cell is high."""
    telegraph_s: float | None = None
    """Correlation time of the telegraph noise, in seconds."""
    flicker: float = 0.0
    """Relative 1/f noise of single cells, instead of that of the training."""
    compensate: bool = False
    """Whether the gains of the columns make up for what the wires take."""
    seed: int = 0
    """Of what is drawn: which cells are stuck, and how they differ."""

    def __post_init__(self) -> None:
        check_bounds(self)
        if not 0 <= self.wait_images < math.inf:
            raise ConfigError(f"wait_images {self.wait_images} must be finite and not negative")

    @property
    def of_cells(self) -> bool:
        """Whether anything is asked for beside noise of readings."""
        cells = self.stuck, self.stuck_rows, self.dead, self.step_spread, self.write_noise
        time = self.relaxation_images, self.drift, self.drift_spread, self.wait_images
        return bool(self.wire_ohm or self.cell or any(cells) or any(time))


def examine_network(
    settings: SpikingSettings,
    split: Split,
    state: NetworkState,
    labels: Labels,
    *,
    seed: int,
    faults: Faults,
    view: SilentView,
) -> Evaluation:
    """Test a network as training left it, with settings and seed of the training, on test images.

    A network of a device is tested on the conductances that were measured last; the device is not touched.
    """
    settings = replace(
        settings,
        wire_ohm=settings.wire_ohm if faults.wire_ohm is None else faults.wire_ohm,
        cell=settings.cell if faults.cell is None else faults.cell,
    )
    model = model_of(settings, split, outputs=state.weights.shape[1], seed=seed)
    model, state = _with_faults(model, state, faults)
    engine = StepwiseEngine() if settings.bench is not None else engine_of(settings, split)
    if faults.compensate:
        state = compensate_for_wires(state, model, settings, split, engine)
    network = SpikingNetwork(model, engine, seed=seed, protocol=protocol_of(settings, split), encode=settings.encode)
    network.state = state
    return evaluate_network(network, labels, split, view.tick)


def _with_faults(model: SpikingModel, state: NetworkState, faults: Faults) -> tuple[SpikingModel, NetworkState]:
    """Return a trained network with what a test has that training did not have."""
    shape = model.inputs, model.outputs
    if faults.write_noise:
        noise = _since(faults, 4).standard_normal(shape).astype(np.float32)
        written = held_within(state.weights + write_sigma(faults, model.synapses) * noise, model.synapses)
        stuck = model.cells.stuck
        state = replace(state, weights=written if stuck is None else np.where(stuck, state.weights, written))
    model, state = _after_a_while(model, state, faults)
    if faults.stuck or faults.stuck_rows:
        half = faults.stuck / 2
        rng = np.random.default_rng([faults.seed, SINCE])
        cells = stuck_masks(shape, rng=rng, at_low=half, at_high=half)
        rows = stuck_rows(shape[0], faults.stuck_rows, _since(faults, 2))
        model, state = with_stuck(model, state, *with_rows(cells, rows))
    factors = model.cells.factors
    if faults.step_spread:
        spread = lognormal_factors(shape, faults.step_spread, _since(faults, 1))
        factors = spread if factors is None else factors * spread
    if faults.dead:
        there = (_since(faults, 3).random(shape) >= faults.dead).astype(np.float32)
        factors = there if factors is None else factors * there
    changed: dict[str, Any] = {"factors": factors}
    for name in ("read_noise", "column_noise"):
        changed |= {name: getattr(faults, name)} if getattr(faults, name) else {}
    if faults.column_offset_a:
        changed["offsets"] = column_offsets(faults, shape[1], faults.seed)
    noise_of_cells = fluctuations(faults, model.step_s)
    if faults.telegraph:
        changed |= {name: value for name, value in noise_of_cells.items() if name.startswith("telegraph")}
    if faults.flicker:
        changed["flicker"] = faults.flicker
    return replace(model, cells=replace(model.cells, **changed)), state


def _after_a_while(model: SpikingModel, state: NetworkState, faults: Faults) -> tuple[SpikingModel, NetworkState]:
    """Return the network after some time in which nothing was done."""
    cells = model.cells
    drifts = drift_exponents(faults, (model.inputs, model.outputs), faults.seed)
    if drifts is not None and cells.drifts is not None:
        raise RunError(
            f"the network was trained with a drift, which goes on; give wait_images alone, without drift {faults.drift}"
        )
    if drifts is not None:
        cells = replace(cells, drifts=drifts, drift_from=state.presented)
    if faults.relaxation_images is not None:
        cells = replace(cells, relaxation_images=faults.relaxation_images)
    if not faults.wait_images:
        if drifts is not None or faults.relaxation_images is not None:
            raise RunError("a drift or a relaxation since the training needs wait_images, the time since then")
        return model, state
    if not cells.ages:
        raise RunError(
            f"wait_images {faults.wait_images:g} makes no difference to cells that neither relax nor drift; give drift "
            "or relaxation_images too"
        )
    model = replace(model, cells=replace(cells, waited_images=faults.wait_images))
    if cells.relaxation_images < math.inf:
        state = replace(state, weights=relaxed(state.weights, faults.wait_images, model))
    return model, state


def _since(faults: Faults, what: int) -> np.random.Generator:
    return np.random.default_rng([faults.seed, SINCE, what])


def describe_accuracy(accuracy: float, images: int, silent: int, readout: str = "") -> str:
    """Say how a network did on test images; of a detection silence is an answer."""
    told = "to which silence is an answer" if readout == DETECTION else f"{silent} of them silent and counted as wrong"
    return f"accuracy {100 * accuracy:.2f} % of {images} test images, {told}"
