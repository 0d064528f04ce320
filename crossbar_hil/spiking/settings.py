"""What a person asks of a spiking network, checked, and the model, the data and the engine that it means."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.backend import Pulse
from crossbar_hil.bench.file import Chip
from crossbar_hil.bench.virtual_chips import in_siemens
from crossbar_hil.curves.reading import read_curves
from crossbar_hil.defaults import PULSE_S
from crossbar_hil.errors import ConfigError, LimitError
from crossbar_hil.plugins import load
from crossbar_hil.shipped import data_file
from crossbar_hil.spiking.design import USUAL, check_design, is_designed, order_rows, typical_spikes
from crossbar_hil.spiking.device_effects import DeviceEffects, changed_effects, check_effects, with_effects
from crossbar_hil.spiking.network.encoding import spike_probabilities
from crossbar_hil.spiking.network.model import SpikingModel
from crossbar_hil.spiking.network.network import PUBLISHED, Protocol
from crossbar_hil.spiking.network.pacing import HOMEOSTASES, pace, paced_model, paced_protocol
from crossbar_hil.spiking.network.seam_engine import SeamEngine
from crossbar_hil.spiking.network.states import UPDATE_SCHEMES, Synapses, as_falling, linear_states, measured_states
from crossbar_hil.spiking.network.stepwise import Engine
from crossbar_hil.spiking.network.trains import Encode
from crossbar_hil.spiking.network.virtual_chip import check_synapses
from crossbar_hil.spiking.tasks import models
from crossbar_hil.spiking.tasks.images import Images, Split, digits, mnist
from crossbar_hil.spiking.tasks.small import SmallTask, is_task_file
from crossbar_hil.tables import Ohm, Second, Siemens
from crossbar_hil.training.lines.tiles import read_tiles

DATASETS = ("digits", "mnist")
"""What a computed network learns; a device learns one of the tasks of `SmallTask`."""
PRESETS = ("published", "siemens", "tuned")
MOST_NEURONS = 10_000


@dataclass(frozen=True, slots=True)
class SpikingSettings(DeviceEffects):
    """Everything that a spiking run follows from, beside the device and the data.

    Raises
    ------
    ConfigError
        If a value is out of range, or two do not go together.
    """

    dataset: str = "digits"
    """What is learnt: images for a computed network, for a device a task, by its name or its file."""
    data: str | None = None
    """Folder of the MNIST files."""
    classes: tuple[int, ...] | None = None
    neurons: int | None = None
    preset: str = "tuned"
    states: int | None = None
    rule: str | None = None
    curve: str | None = None
    """Measured curves of a pulse, by which the rule "pulse" moves cells: a shipped name or a file."""
    width_s: Second = PULSE_S
    """Width of the pulses of these curves."""
    high_siemens: Siemens | None = None
    """Highest conductance that cells are given, that of the preset if None; the neurons are scaled likewise."""
    wire_ohm: Ohm = 0.0
    cell: str | None = None
    """Name of a cell model, with options after a colon: ``sinh:b_per_v=3``."""
    drive: str = "left"
    """Ends at which the rows are driven: "left", or "both"."""
    sense: str = "bottom"
    """Ends at which the columns are sensed: "bottom", or "both"."""
    tiles: str = "1x1"
    """Arrays below each other and beside each other, each driven and sensed by itself: ``4x1``."""
    order: str = "input"
    """Which row an input gets: in order, or by "variance", pixels that vary most next to where columns are sensed."""
    gains: str = "each"
    """What makes up for the current that wires take: a gain for "each" column, "one" for all, or "none"."""
    renew: int | None = None
    """Training images between two renewals of what wires take of each cell's current; None to solve every circuit."""
    soft: bool = False
    """Whether changes shrink with what is left to the end of the range, which those for ten digits always do."""
    train: int | None = None
    """How many training images are used at most."""
    passes: int | None = None
    steps: int | None = None
    """Time steps of a training image."""
    test_steps: int | None = None
    """Time steps of a test image."""
    homeostasis: str = "paced"
    """Whether what an own spike adds to a threshold of the tuned network shrinks where a neuron gets more images than
    that was tuned for ("paced"), or stays ("constant")."""
    seam: bool = False
    """Whether a computed network is trained through the seam: a simulated chip is read and pulsed step by step."""
    bench: str | None = None
    """The network of a device; None for one that is computed."""
    part: int = 10
    """Training images between two lines of the record; a whole number of renewals where there are any."""

    def __post_init__(self) -> None:
        if not is_task_file(self.dataset):
            _one_of("dataset", self.dataset, (*DATASETS, *SmallTask.names()))
        _one_of("preset", self.preset, PRESETS)
        _one_of("homeostasis", self.homeostasis, HOMEOSTASES)
        if self.rule is not None:
            _one_of("rule", self.rule, UPDATE_SCHEMES)
        for name, least, most in (
            ("neurons", 1, MOST_NEURONS),
            ("states", 2, 2**20),
            ("train", 1, 10**9),
            ("passes", 1, 10**6),
            ("steps", 1, 10**6),
            ("test_steps", 1, 10**6),
            ("part", 1, 10**6),
        ):
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise ConfigError(f"{name} {value} must lie between {least} and {most}")
        if not 0 <= self.wire_ohm < math.inf:
            raise ConfigError(f"wire {self.wire_ohm} ohm must be finite and not negative")
        check_effects(self)
        self._check_data()
        if self.bench is None:
            check_design(self)
            self._check_cells()

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Self:
        """Make settings of plain data, as a run or a sweep holds them.

        Raises
        ------
        TypeError
            If these are no such settings.
        """
        classes = values.get("classes")
        return cls(**{**values, "classes": None if classes is None else tuple(classes)})

    @property
    def task(self) -> SmallTask | None:
        """What a device learns; None for a computed network."""
        return None if self.bench is None else SmallTask.read(self.dataset)

    @property
    def encode(self) -> Encode:
        """What makes the numbers of images spike trains."""
        return spike_probabilities if self.task is None else self.task.encode

    def _check_data(self) -> None:
        if self.dataset == "mnist" and self.data is None:
            raise ConfigError("dataset mnist needs --data, the folder with its four IDX files")
        if self.dataset != "mnist" and self.data is not None:
            raise ConfigError(f"dataset {self.dataset} ships with this package, --data goes with mnist only")
        if self.classes is not None and not (self.classes and set(self.classes) <= set(range(10))):
            raise ConfigError(f"classes {', '.join(map(str, self.classes))} must be digits from 0 to 9")
        if self.bench is None and self.dataset not in DATASETS:
            raise ConfigError(f"task {self.dataset} needs a device, --bench")
        if self.bench is None:
            return
        if self.dataset in DATASETS:
            raise ConfigError(
                f"a device learns a task, not dataset {self.dataset}: --task with one of {', '.join(SmallTask.names())}"
            )
        own = {
            "classes": self.classes, "neurons": self.neurons, "states": self.states, "rule": self.rule,
            "curve": self.curve, "high": self.high_siemens,
            "wire": self.wire_ohm or None, "cell": self.cell, "train": self.train,
            "renew": self.renew, "soft": self.soft or None, "seam": self.seam or None,
            **{name: getattr(self, name) for name in changed_effects(self)},
            **{name: getattr(self, name) if getattr(self, name) != usual else None for name, usual in USUAL.items()},
        }  # fmt: skip
        if given := [name for name, value in own.items() if value is not None]:
            key = {"wire": "wire_ohm"}.get(given[0], given[0])
            where = f", {key} in [chip] of its bench file" if key in Chip.model_fields else ""
            raise ConfigError(f"{given[0]} is a setting of a computed network, a device on a bench has its own{where}")

    def _check_cells(self) -> None:
        if self.preset == "published" and (self.wire_ohm or self.cell):
            raise ConfigError("preset published has weights without a unit; wires and cells go with siemens or tuned")
        if self.rule == "continuous" and self.states is not None:
            raise ConfigError(f"rule continuous goes without states, but there are {self.states}")
        if self.curve is not None and (self.rule != "pulse" or self.states is not None):
            raise ConfigError(
                "curve goes with rule pulse, and without states, as its levels are these: --rule pulse --curve FILE"
            )
        if self.rule not in {None, "continuous"} and self.states is None and self.curve is None:
            more = ", or --curve" if self.rule == "pulse" else ""
            raise ConfigError(f"rule {self.rule} needs --states, the number of states of a cell{more}")
        if self.seam and (self.wire_ohm or self.cell):
            raise ConfigError("seam goes with perfect wires and ohmic cells, without --wire and --cell")
        if self.preset == "published" and self.high_siemens is not None:
            raise ConfigError("preset published has weights without a unit; high goes with siemens or tuned")
        if self.high_siemens is not None and not models.LOW_SIEMENS < self.high_siemens <= models.HIGH_SIEMENS:
            raise ConfigError(
                f"high {self.high_siemens:g} S must lie above {models.LOW_SIEMENS:g} S, the lowest conductance, and "
                f"not above {models.HIGH_SIEMENS:g} S"
            )
        if self.preset == "published" and (self.states is not None or self.curve is not None):
            raise ConfigError("preset published has weights without states; states go with siemens or tuned")


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ConfigError(f"{name} {value!r} is none of {', '.join(known)}")


def data_of(settings: SpikingSettings) -> Split:
    """Load the images; those of MNIST at half their size, for the tuned presets by the mean of 2 x 2 pixels.

    Raises
    ------
    DataError
        If a file is missing or wrong, or a class has no image.
    """
    if settings.task is not None:
        return settings.task.samples()
    if settings.dataset == "digits":
        split = digits(settings.classes)
        keep = slice(settings.train)
        return Split(Images(split.train.intensities[keep], split.train.labels[keep]), split.test)
    resize = "area" if settings.preset == "tuned" else "nearest"
    return mnist(Path(settings.data or ""), settings.classes, train=settings.train, resize=resize)


def data_hash(split: Split) -> str:
    """Return a hash of all images and labels."""
    digest = hashlib.sha256()
    for images in (split.train, split.test):
        for array in (images.intensities, images.labels):
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def model_of(settings: SpikingSettings, split: Split, *, outputs: int | None = None, seed: int = 0) -> SpikingModel:
    """Return the network that the settings mean.

    Parameters
    ----------
    split : Split
        The images, which say how many inputs and classes there are.
    outputs : int, optional
        Columns of a device.
    seed : int
        Stuck cells are drawn from it, and how cells differ.
    """
    inputs = split.train.intensities.shape[1]
    if settings.task is not None:
        return settings.task.model(outputs or settings.task.shape[1])
    neurons = _neurons(settings, split)
    if settings.preset == "tuned":
        make = models.tuned_ten_model if _many(split) else models.tuned_model
        model = paced_model(make("siemens", inputs=inputs, outputs=neurons), _pace(settings, split))
    else:
        units = "weights" if settings.preset == "published" else "siemens"
        model = models.published_model(units, inputs=inputs, outputs=neurons)
    if settings.soft:
        model = replace(model, plasticity=replace(model.plasticity, soft=True))
    if settings.high_siemens is not None:
        own = model.synapses
        model = model.scaled(settings.high_siemens / own.high_siemens)
        model = replace(model, synapses=replace(model.synapses, low_siemens=own.low_siemens))
    if settings.curve is not None:
        model = replace(model, synapses=_on_curves(model.synapses, settings.curve, settings.width_s))
    if settings.states is not None:
        model = replace(model, synapses=_with_states(model.synapses, settings))
    if settings.seam:
        check_synapses(model)
    return with_effects(model, settings, seed)


def _many(split: Split) -> bool:
    """Whether the network for all ten digits is meant."""
    return len(np.unique(split.train.labels)) > len(models.CLASSES)


def _tuned_protocol(split: Split) -> Protocol:
    return models.TUNED_TEN if _many(split) else models.TUNED


def _neurons(settings: SpikingSettings, split: Split) -> int:
    return settings.neurons or (150 if _many(split) and settings.preset == "tuned" else 50)


def _pace(settings: SpikingSettings, split: Split) -> float:
    """Return the share of the tuned increments of thresholds that is left for so many images."""
    if settings.homeostasis == "constant":
        return 1.0
    tuned_for = models.TUNED_TEN_SHOWN if _many(split) else models.TUNED_SHOWN
    protocol = _tuned_protocol(split)
    protocol = replace(protocol, passes=settings.passes or protocol.passes)
    return pace(len(split.train), protocol, _neurons(settings, split), tuned_for)


def _with_states(synapses: Synapses, settings: SpikingSettings) -> Synapses:
    states = linear_states(settings.states or 2, synapses.low_siemens, synapses.high_siemens)
    rule = settings.rule or ("stochastic" if settings.preset == "tuned" else "nearest")
    falling = as_falling(states[::-1]) if rule == "pulse" else None
    return replace(
        synapses, update_scheme=rule, states=states, falling=falling, start_on_states=settings.preset == "tuned"
    )


def describe_stretching(settings: SpikingSettings, synapses: Synapses) -> str:
    """Say that measured siemens are not those of the network: its curves are stretched to the range of its cells."""
    levels = [each for curve in _measured(settings.curve or "", settings.width_s) for each in curve]
    return (
        f"stretched from {in_siemens(min(levels))} to {in_siemens(max(levels))}, as measured, to "
        f"{in_siemens(synapses.low_siemens)} to {in_siemens(synapses.high_siemens)}: of {settings.curve} the network "
        "has the shape, not the siemens"
    )


def _on_curves(synapses: Synapses, name: str, width_s: float) -> Synapses:
    """Let pulses of one width move the cells along measured curves, stretched to their range."""
    up, down = _measured(name, width_s)
    rising, falling = measured_states(up, down, synapses.low_siemens, synapses.high_siemens)
    return replace(synapses, update_scheme="pulse", states=rising, falling=falling, start_on_states=False)


def _naming(name: str) -> str:
    """Return the way out of a curve file without pulses of one way: name them, or measure what it does not hold."""
    held = {curve.potentiation for curve in read_curves(data_file(name))}
    if len(held) < 2:
        way = "depression" if True in held else "potentiation"
        return (
            f" and no {way} at all: measure both, and bring them in one file; --curve figure2a is one that holds both"
        )
    return (
        f'; if it does not name its pulses, `crossbar-hil curve {name} --amplitude 2 --width "50 ms" '
        "--depress-amplitude=-2.8 --to my_chip.csv` with yours writes one that does"
    )


def _measured(name: str, width_s: float) -> tuple[FloatArray, FloatArray]:
    """Return the levels of the potentiation and of the depression curve of pulses of one width, in siemens."""
    curves = load("curves", "measured").from_csv(data_file(name))
    amplitudes = curves.widths_by_amplitude()
    levels: list[FloatArray] = []
    for what, own in (
        ("potentiating", [each for each in amplitudes if each > 0]),
        ("depressing", [each for each in amplitudes if each < 0]),
    ):
        if len(own) != 1:
            found = ", ".join(f"{each:g} V" for each in own) or "none"
            raise ConfigError(
                f"curve {name} must hold {what} pulses of one amplitude, it holds {found}{'' if own else _naming(name)}"
            )
        try:
            levels.append(curves.for_pulse(Pulse(own[0], width_s)).levels_siemens)
        except LimitError as error:
            widths = ", ".join(f"{1e3 * each:g} ms" for each in amplitudes[own[0]])
            raise ConfigError(
                f"curve {name} holds {what} pulses of {widths}, not of {1e3 * width_s:g} ms; --width takes one of "
                f'them, as by --width "{1e3 * amplitudes[own[0]][0]:g} ms"'
            ) from error
    return levels[0], levels[1]


def protocol_of(settings: SpikingSettings, split: Split) -> Protocol:
    """Return how the network is trained and tested."""
    if settings.task is not None:
        protocol = settings.task.teaching
    elif settings.preset != "tuned":
        protocol = PUBLISHED
    else:
        exponent = models.TUNED_TEN_EXPONENT if _many(split) else models.TUNED_EXPONENT
        protocol = paced_protocol(_tuned_protocol(split), _pace(settings, split), exponent)
    own: dict[str, Any] = {
        "passes": settings.passes,
        "training_steps": settings.steps,
        "test_steps": settings.test_steps,
    }
    return replace(protocol, **{name: value for name, value in own.items() if value is not None})


def order_of(settings: SpikingSettings, split: Split) -> IntArray | None:
    """Return the input of each row of the array, from the top down; None if they are in order."""
    if settings.order == USUAL["order"]:
        return None
    return order_rows(split.train, read_tiles(settings.tiles)[0], settings.sense)


def engine_of(settings: SpikingSettings, split: Split | None, order: IntArray | None = None) -> Engine:
    """Return the compiled engine, on an ideal crossbar or with wires and cells, or the one that works through the seam.

    Parameters
    ----------
    split : Split, optional
        Images that say which row an input gets, and what spikes are typical; without them every circuit is solved.
    order : ndarray of int, shape (K,), optional
        Input of each row, where there are no images.

    Raises
    ------
    ConfigError
        If the cell is not known, or no such engine is installed.
    """
    if settings.seam:
        return SeamEngine()
    if not settings.wire_ohm and settings.cell is None:
        return load("spiking_engines", "fused")()
    cell = _cell(settings.cell)
    if not is_designed(settings):
        return load("spiking_engines", "wired")(wire_ohm=settings.wire_ohm, cell=cell)
    more: dict[str, Any] = {} if split is None else {"patterns": typical_spikes(split.train)}
    renewed = split is not None and settings.renew is not None
    if renewed:
        more["images"] = settings.renew
    return load("spiking_engines", "attenuated" if renewed else "wired").arranged(
        settings.wire_ohm,
        cell,
        drive=settings.drive,
        sense=settings.sense,
        tiles=read_tiles(settings.tiles),
        order=order if split is None else order_of(settings, split),
        **more,
    )


def _cell(text: str | None) -> Any:
    """Make a cell model from a name, or from a name and options such as ``sinh:b_per_v=3``."""
    if text is None:
        return None
    name, _, rest = text.partition(":")
    try:
        options = {key: float(value) for key, _, value in (each.partition("=") for each in rest.split(",") if each)}
        return load("cells", name)(**options)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"cell {text!r} cannot be made: {error}") from error
