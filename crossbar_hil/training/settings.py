"""``[training]`` of a bench file, and the trainer that it describes."""

from importlib.resources.abc import Traversable
from typing import Self

from pydantic import model_validator

from crossbar_hil import defaults
from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.errors import ConfigError
from crossbar_hil.plugins import load
from crossbar_hil.shipped import data_file
from crossbar_hil.tables import PerAmpere, Second, Siemens, Table, Volt
from crossbar_hil.training.trainer import Trainer
from crossbar_hil.training.updates import Update


class Training(Table):
    """``[training]``: the settings of `crossbar_hil.Trainer`, and the pattern set."""

    patterns: str = "perceptron"
    """Name of a shipped pattern set, or a file, relative to the bench file."""
    epochs: int = defaults.EPOCHS
    beta: PerAmpere = defaults.BETA
    target: float = defaults.TARGET
    target0: float | None = None
    v0: Volt = defaults.V0
    v1: Volt = defaults.V1
    amplitude_v: Volt = defaults.PULSE_V
    width_s: Second = defaults.PULSE_S
    rule: str = "manhattan"
    pull_back: bool = True
    dead_zone: float = 0.0
    depress_v: Volt | None = None
    depress_s: Second | None = None
    both_ways: bool = False
    ceiling_siemens: Siemens | None = None
    verify_siemens: Siemens | None = None
    tries: int = 5

    @model_validator(mode="after")
    def _depressing_whole(self) -> Self:
        if (self.depress_v is None) != (self.depress_s is None):
            raise ConfigError("depress_v goes with depress_s")
        return self

    @property
    def pulse(self) -> Pulse:
        """The pulse that training sends."""
        return Pulse(self.amplitude_v, self.width_s)

    @property
    def depress(self) -> Pulse | None:
        """The pulse that depresses, if there is one."""
        if self.depress_v is None or self.depress_s is None:
            return None
        return Pulse(self.depress_v, self.depress_s)

    @property
    def pattern_file(self) -> Traversable:
        """The file of the pattern set."""
        return data_file(self.patterns)


def make_trainer(settings: Training, backend: DeviceBackend) -> Trainer:
    """Make the trainer that a bench file describes."""
    how = settings.model_dump(include={"both_ways", "ceiling_siemens", "verify_siemens", "tries"})
    what = settings.model_dump(include={"pull_back", "dead_zone", "beta", "target", "target0", "epochs", "v0", "v1"})
    update = Update(settings.pulse, settings.depress, **how)
    return Trainer(backend, update=update, rule=load("rules", settings.rule), **what)
