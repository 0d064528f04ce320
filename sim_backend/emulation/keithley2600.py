"""Emulated Keithley 2602B and 2636B: two source-measure channels, spoken to in TSP.

Emulated only: after the Keithley 2600B reference manual, tried with PyMeasure and the package keithley2600. The model:

- a reading is rounded to a millionth of its range, coarser below one power-line cycle, and takes ``nplc / linefreq``,
  three times as long with autozero AUTO, after ``measure.delay``;
- a new source level settles at once, then ``source.delay`` passes;
- sweeps and overlapped measurements go on while the instrument waits (`delay`, `waitcomplete`, a measurement), and
  between two messages of a client that asks whether they have ended.
"""

import numpy as np

from .tsp import TspInstrument
from .tsp_measure import SmuMeasure
from .tsp_objects import choice, number
from .tsp_pulse import PulseFunctions
from .tsp_smu import CURRENT_LIMIT, VOLTAGE_LIMIT, Smu
from .tsp_smu_model import MODEL_2602B, MODEL_2636B, SmuModel
from .tsp_source import SmuSource, Terminals
from .world import World

LETTERS = "ab"


class Keithley2600(TspInstrument):
    """A 2600B with two channels, called ``<name>.a`` and ``<name>.b`` in the world.

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
    instructions, seconds
        Bounds of a message, see `TspInstrument`.
    """

    electrics: SmuModel
    firmware = "3.4.0"
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
        self.channels = tuple(f"{name}.{letter}" for letter in LETTERS)
        terminals = Terminals(world)
        self.schedule.settled.append(terminals.apply)
        self._smus = []
        for place, channel in enumerate(self.channels):
            source = SmuSource(self.electrics, channel, terminals, interlock=interlock)
            measure = SmuMeasure(
                self.electrics, source, terminals, self.schedule, self._line_frequency, noise=noise, rng=rng
            )
            smu = Smu(place, source, measure, self.schedule, self.triggers.bus, latency_s)
            self._smus.append(smu)
            self.roots[f"smu{LETTERS[place]}"] = smu.node
        self._add_status()
        self._add_display()
        PulseFunctions(self.schedule).add_to(self.functions)
        self.power_on()

    def restore_defaults(self) -> None:
        """Switch both channels off and bring them to their defaults."""
        for smu in self._smus:
            smu.reset()

    def _line_frequency(self) -> float:
        return float(self.roots["localnode"].values["linefreq"])

    def _add_status(self) -> None:
        def sweeping() -> float:
            self.schedule.polled()
            return float(sum(2 << place for place, smu in enumerate(self._smus) if smu.trigger.sweeping()))

        def limited(bit: int) -> float:
            return float(sum(2 << place for place, smu in enumerate(self._smus) if smu.limits_seen & bit))

        self.status.add("operation.sweeping", sweeping)
        self.status.add("measurement.current_limit", lambda: limited(CURRENT_LIMIT))
        self.status.add("measurement.voltage_limit", lambda: limited(VOLTAGE_LIMIT))
        self.status.add("measurement.instrument")
        for place, smu in enumerate(self._smus):
            self.status.add(
                f"measurement.instrument.smu{LETTERS[place]}",
                smu.limit_state,
            )

    def _add_display(self) -> None:
        display = self.roots["display"]
        functions = ("DCAMPS", "DCVOLTS", "OHMS", "WATTS")
        display.constants |= {f"MEASURE_{function}": place for place, function in enumerate(functions)}
        display.constants |= {"SMUA": 0, "SMUB": 1, "SMUA_SMUB": 2, "USER": 3}
        for place in range(len(self._smus)):
            node = display.child(f"smu{LETTERS[place]}")
            node.setting("digits", 5.0, number(4, 6))
            node.child("measure").setting("func", 1.0, choice(0, 1, 2, 3))


class Keithley2602B(Keithley2600):
    """Two channels of 40 V and 3 A, from 100 nA."""

    electrics = MODEL_2602B
    model = "2602B"


class Keithley2636B(Keithley2600):
    """Two channels of 200 V and 1.5 A, from 100 pA."""

    electrics = MODEL_2636B
    model = "2636B"
