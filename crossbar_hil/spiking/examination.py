"""Testing a trained network again, perhaps with wires, cells or faults that training did not have."""

from dataclasses import dataclass, replace

import numpy as np

from crossbar_hil.errors import RunError
from crossbar_hil.spiking.computed import compensate_for_wires
from crossbar_hil.spiking.network.devices import stuck_masks, with_stuck
from crossbar_hil.spiking.network.labels import DETECTION, Evaluation, Labels
from crossbar_hil.spiking.network.model import NetworkState
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
    read_noise: float = 0.0
    """Standard deviation of the current of a column, as a share of it, instead of that of the training."""
    compensate: bool = False
    """Whether the gains of the columns make up for what the wires take."""
    seed: int = 0
    """Which cells get stuck."""

    def __post_init__(self) -> None:
        if not 0 <= self.stuck <= 1:
            raise RunError(f"stuck {self.stuck} is a share of the cells, it must lie between 0 and 1")


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
    if faults.stuck:
        half = faults.stuck / 2
        rng = np.random.default_rng([faults.seed, 2])
        model, state = with_stuck(model, state, *stuck_masks(state.weights.shape, rng=rng, at_low=half, at_high=half))
    if faults.read_noise:
        model = replace(model, cells=replace(model.cells, read_noise=faults.read_noise))
    engine = StepwiseEngine() if settings.bench is not None else engine_of(settings, split)
    if faults.compensate:
        state = compensate_for_wires(state, model, settings, split, engine)
    network = SpikingNetwork(model, engine, seed=seed, protocol=protocol_of(settings, split), encode=settings.encode)
    network.state = state
    return evaluate_network(network, labels, split, view.tick)


def describe_accuracy(accuracy: float, images: int, silent: int, readout: str = "") -> str:
    """Say how a network did on test images; of a detection silence is an answer."""
    told = "to which silence is an answer" if readout == DETECTION else f"{silent} of them silent and counted as wrong"
    return f"accuracy {100 * accuracy:.2f} % of {images} test images, {told}"
