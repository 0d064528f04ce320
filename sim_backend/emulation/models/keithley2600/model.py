"""Emulated Keithley 2600A and 2600B: one or two source-measure channels, spoken to in TSP.

Emulated only: after the Keithley 2600B reference manual, tried with PyMeasure and the package keithley2600. The model:

- a reading is rounded to a millionth of its range, coarser below one power-line cycle, and takes ``nplc / linefreq``,
  three times as long with autozero AUTO, after ``measure.delay``;
- a new source level settles at once, then ``source.delay`` passes;
- sweeps and overlapped measurements go on while the instrument waits (`delay`, `waitcomplete`, a measurement), and
  between two messages of a client that asks whether they have ended;
- a fixed measure range does not limit the source: the limit has a range of its own (manual, ``source.limitY``). A
  current beyond the measure range reads 9.91e37.

Not there: calibration, a flash drive, other nodes on the TSP-Link and on the network.
"""

from importlib.resources import files

import numpy as np

from ...tsp.lua.objects import Only, Row, choice, number
from ...tsp.messages import EmulatedTspInstrument
from ...tsp.smu.channel import Smu
from ...tsp.smu.measure import SmuMeasure
from ...tsp.smu.model import ONE_CHANNEL, SMU_MODELS, SmuModel
from ...tsp.smu.pulse import PulseFunctions
from ...tsp.smu.source import SmuSource
from ...tsp.smu.status import add_smu_status
from ...tsp.smu.sweep import SmuTrigger
from ...tsp.smu.terminals import Terminals
from ...world.world import World

LETTERS = "ab"
FACTORY_SCRIPT = "KISweep"
"""The one that is made of the instrument's own commands; KIPulse is in `tsp.smu.pulse`, as its pulses are timed."""
DISPLAY: tuple[Row, ...] = (
    ("display", Only.CONSTANT, {"SMUA": 0, "SMUB": 1, "SMUA_SMUB": 2, "USER": 3, "LIMIT_IV": 0, "LIMIT_P": 1}),
    ("display", Only.CONSTANT, {"DIGITS_4_5": 4, "DIGITS_5_5": 5, "DIGITS_6_5": 6}),
    ("display", Only.CONSTANT, {"MEASURE_DCAMPS": 0, "MEASURE_DCVOLTS": 1, "MEASURE_OHMS": 2, "MEASURE_WATTS": 3}),
    ("display", choice(0, 1, 2, 3), {"screen": 2.0}),
    ("display.smua|smub", number(4, 6), {"digits": 5.0}),
    ("display.smua|smub.measure", choice(0, 1, 2, 3), {"func": 1.0}),
    ("display.smua|smub.limit", choice(0, 1), {"func": 0.0}),
)


class EmulatedKeithley2600(EmulatedTspInstrument):
    """A box whose channels are called ``<name>.a`` and ``<name>.b`` in the world.

    Parameters
    ----------
    world, name, serial
        As for every emulated instrument.
    latency_s : float
        What a pulse lasts longer than programmed, in seconds.
    noise : float
        Standard deviation of a reading, in steps of its resolution; needs `rng`.
    rng : numpy.random.Generator, optional
        Source of the noise.
    interlock : bool
        Whether the interlock is closed, without which the 200 V range stays off.
    **bounds : float
        What one message may take, as for `TspMachine`.
    """

    firmware = "3.4.0"
    rows = (*DISPLAY, ("gpib", number(0, 30), {"address": 26.0}))
    identity = "Keithley Instruments Inc., Model {model}, {serial}, {firmware}"

    def __init__(
        self,
        world: World,
        name: str,
        serial: str = "1234567",
        *,
        latency_s: float = 0.0,
        noise: float = 0.0,
        rng: np.random.Generator | None = None,
        interlock: bool = True,
        **bounds: float,
    ) -> None:
        super().__init__(world, name, serial, **bounds)
        letters = LETTERS[: 1 if self.model.startswith(ONE_CHANNEL) else 2]
        self.channels = tuple(f"{name}.{letter}" for letter in letters)
        terminals = Terminals(world)
        self.schedule.before_time_passes.append(terminals.apply)
        electrics: SmuModel = SMU_MODELS[self.model]
        self._smus = []
        for place, channel in enumerate(self.channels):
            source = SmuSource(electrics, channel, terminals, interlock=interlock)
            measure = SmuMeasure(source, self.schedule, self._line_frequency, noise=noise, rng=rng)
            measure.reclaim = self._reclaim
            smu = Smu(place, measure, SmuTrigger(place, measure, self.triggers.bus, latency_s))
            self._smus.append(smu)
            self.root.child(f"smu{LETTERS[place]}", smu.node)
        add_smu_status(self.status, self._smus, lambda: self.too_hot)
        PulseFunctions(self.schedule).add_to(self.root)
        script = files(__package__).joinpath(f"{FACTORY_SCRIPT.lower()}.lua")
        self.power_on({"KIPulse": "", FACTORY_SCRIPT: script.read_text(encoding="utf-8")})

    def _reclaim(self) -> None:
        """Give back the reading buffers that no script can reach any more."""
        self.sandbox.reclaim()

    def restore_defaults(self) -> None:
        """Switch both channels off and bring them to their defaults."""
        for smu in self._smus:
            smu.reset()

    def _line_frequency(self) -> float:
        return float(self.localnode.values["linefreq"])


class EmulatedKeithley2601B(EmulatedKeithley2600):
    """One channel of 40 V and 3 A, from 100 nA."""

    model = "2601B"


class EmulatedKeithley2602B(EmulatedKeithley2600):
    """Two channels of 40 V and 3 A, from 100 nA."""

    model = "2602B"


class EmulatedKeithley2604B(EmulatedKeithley2600):
    """Two channels of 40 V and 3 A, from 100 nA."""

    model = "2604B"


class EmulatedKeithley2611B(EmulatedKeithley2600):
    """One channel of 200 V and 1.5 A, from 100 nA."""

    model = "2611B"


class EmulatedKeithley2612B(EmulatedKeithley2600):
    """Two channels of 200 V and 1.5 A, from 100 nA."""

    model = "2612B"


class EmulatedKeithley2614B(EmulatedKeithley2600):
    """Two channels of 200 V and 1.5 A, from 100 nA."""

    model = "2614B"


class EmulatedKeithley2634B(EmulatedKeithley2600):
    """Two channels of 200 V and 1.5 A, from 1 nA."""

    model = "2634B"


class EmulatedKeithley2635B(EmulatedKeithley2600):
    """One channel of 200 V and 1.5 A, from 100 pA."""

    model = "2635B"


class EmulatedKeithley2636B(EmulatedKeithley2600):
    """Two channels of 200 V and 1.5 A, from 100 pA."""

    model = "2636B"


class EmulatedKeithley2601A(EmulatedKeithley2600):
    """One channel of 40 V and 3 A, from 100 nA."""

    model = "2601A"


class EmulatedKeithley2602A(EmulatedKeithley2600):
    """Two channels of 40 V and 3 A, from 100 nA."""

    model = "2602A"


class EmulatedKeithley2611A(EmulatedKeithley2600):
    """One channel of 200 V and 1.5 A, from 100 nA."""

    model = "2611A"


class EmulatedKeithley2612A(EmulatedKeithley2600):
    """Two channels of 200 V and 1.5 A, from 100 nA."""

    model = "2612A"


class EmulatedKeithley2635A(EmulatedKeithley2600):
    """One channel of 200 V and 1.5 A, from 100 pA."""

    model = "2635A"


class EmulatedKeithley2636A(EmulatedKeithley2600):
    """Two channels of 200 V and 1.5 A, from 100 pA."""

    model = "2636A"
