"""An emulated Keithley 2450 SourceMeter in its own SCPI command set: state, limits, terminals and readings.

Sources are the Model 2450 reference manual and the vendor's example scripts; emulated only. The commands are in
`keithley2450_commands`, the trigger model in `keithley2450_blocks`. A source limit below 10.6 % of a fixed measure
range is refused (smu.source.xlimit.level), and a fixed range raises a limit that is too low for it, without an error.
What no page at hand says is assumed:

- ``SYST:ERR?`` answers code, text, type and time in the form of the DMM6500, ``0,"No error;0;0 0"`` when empty;
- settings are answered in the shortest form, ranges by their name;
- output-off state NORMAL limits to 10 % of the measure range, GUARD counts as open, and reading with the output off is
  allowed;
- the source delay passes before the first reading after a change of the source; automatic delay is 1 ms;
- with autozero an integration takes three times as long.
"""

import time
from dataclasses import dataclass, replace

import numpy as np

from . import keithley2450_blocks, keithley2450_commands
from . import scpi_reading as reading
from .keithley2450_buffer import FOUR_WIRE, LIMITED, OUTPUT_ON, READ_BACK, Reading, ReadingBuffer
from .keithley2450_commands import RANGES_A, RANGES_V
from .scpi import Call, ScpiInstrument
from .scpi_status import Register, ScpiError
from .scpi_values import OVERFLOW
from .world import Terminal, World

AUTO_DELAY_S = 1e-3
UNITS = {"CURR": "Amp DC", "VOLT": "Volt DC", "RES": "Ohm"}


@dataclass(frozen=True)
class Source:
    """What a configuration list stores."""

    function: str = "VOLT"
    level_v: float = 0.0
    level_a: float = 0.0
    range_v: float = 20.0
    range_v_auto: bool = True
    range_a: float = 1e-4
    range_a_auto: bool = True
    limit_a: float = 1.05e-4
    limit_v: float = 21.0
    delay_s: float = 0.0
    delay_auto: bool = True
    read_back: bool = True


@dataclass
class Settings:
    """What ``*RST`` resets, besides the source."""

    measured: str = "CURR"
    range_a: float = 1e-4
    range_a_auto: bool = True
    range_v: float = 20.0
    range_v_auto: bool = True
    range_ohm: float = 2e5
    range_ohm_auto: bool = True
    nplc_curr: float = 1.0
    nplc_volt: float = 1.0
    nplc_res: float = 1.0
    autozero_curr: bool = True
    autozero_volt: bool = True
    autozero_res: bool = True
    average_curr: bool = False
    average_volt: bool = False
    average_res: bool = False
    average_control_curr: str = "REP"
    average_control_volt: str = "REP"
    average_control_res: str = "REP"
    average_count_curr: int = 10
    average_count_volt: int = 10
    average_count_res: int = 10
    remote_sense: bool = False
    count: int = 1
    off_state: str = "NORM"
    data_format: str = "ASC"
    precision: int = 0


class Keithley2450(ScpiInstrument):
    """Model 2450.

    Parameters
    ----------
    line_hz : float
        Power-line frequency, which times the integration.
    off_limit_share : float
        Current limit of output-off state NORMAL as a share of the measure range.
    source_block_s, measure_block_s : float
        What a source block and a measurement block of the trigger model take, in seconds.
    rng : numpy.random.Generator, optional
        Source of reading noise; without it there is none.
    """

    maker = "KEITHLEY INSTRUMENTS"
    model = "MODEL 2450"
    firmware = "1.7.7b"
    queue_depth = 100
    commands = (*keithley2450_commands.COMMANDS, *keithley2450_blocks.COMMANDS)

    def __init__(
        self,
        world: World,
        name: str,
        serial: str = "04451269",
        *,
        line_hz: float = 50.0,
        off_limit_share: float = 0.1,
        source_block_s: float = 1.2e-3,
        measure_block_s: float = 2e-4,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(world, name, serial)
        self.channels = (f"{name}.a",)
        self.line_hz = line_hz
        self.off_limit_share = off_limit_share
        self.source_block_s = source_block_s
        self.measure_block_s = measure_block_s
        self.rng = rng
        self.terminals = "FRON"
        self.operation = Register()
        self.questionable = Register()
        self.on = False
        self.source = Source()
        self.now = Settings()
        self._clear_lists()
        self._driven: dict[str, object] = {}
        world.add_source(self.channels[0], Terminal(limit_a=1.05e-4, off_limit_a=1e-5))
        self.apply()

    def _clear_lists(self) -> None:
        self.buffers = {"defbuffer1": ReadingBuffer(), "defbuffer2": ReadingBuffer()}
        self.configurations: dict[str, list[Source]] = {}
        self.blocks: dict[int, keithley2450_blocks.Block] = {}
        self.list_v: list[float] = []
        self._unsettled = True

    # ------------------------------------------------------------------ state and terminals

    def reset(self) -> None:
        """Output off, then everything as after power-on; buffers and configuration lists are emptied."""
        self.on = False
        self.source, self.now = Source(), Settings()
        self._clear_lists()
        self.apply()

    def settings(self, call: Call) -> object:  # noqa: ARG002 - one channel
        """Return the settings that ``*RST`` resets."""
        return self.now

    def change(self, **source: object) -> None:
        """Change what is sourced, and bring it to the terminals."""
        self.source = replace(self.source, **source)  # type: ignore[arg-type]
        self._unsettled = True
        self.apply()

    def stored(self, level_v: float) -> Source:
        """Return the source as it is, but for its level."""
        return replace(self.source, level_v=level_v)

    def apply(self) -> None:
        """Bring level, limit and off state to the terminals."""
        source, now = self.source, self.now
        wanted = {
            "on": self.on,
            "off_state": {"NORM": "normal", "ZERO": "zero"}.get(now.off_state, "highz"),
            "off_limit_a": self.off_limit_share * now.range_a,
            **reading.as_voltage_source(
                source.function, source.level_v, source.limit_a, source.level_a, source.limit_v
            ),
        }
        if wanted != self._driven:
            self._driven = wanted
            self.world.set_terminal(self.channels[0], **wanted)

    def switch(self, on: bool) -> None:
        """Switch the output."""
        self._unsettled = self._unsettled or on != self.on
        self.on = on
        self.apply()

    def recall(self, name: str, index: int) -> None:
        """Bring the source to an entry of a configuration list, counted from 1."""
        entries = self.configurations.get(name, [])
        if not 1 <= index <= len(entries):
            raise ScpiError(-222)
        self.source = entries[index - 1]
        self.apply()

    def limited(self) -> bool:
        """Whether the output is on and at its limit."""
        _, at_limit = self.world.measure(self.channels[0])
        return self.on and at_limit == (self.source.function == "VOLT")

    # ------------------------------------------------------------------ readings

    def buffer(self, name: str) -> ReadingBuffer:
        """Return a buffer by its name; -224 if there is none."""
        if name not in self.buffers:
            raise ScpiError(-224)
        return self.buffers[name]

    def read(self, name: str) -> None:
        """Take as many readings as ``:SENS:COUN`` says, after the source delay."""
        for _ in range(self.now.count):
            if self._unsettled:
                self.world.wait(AUTO_DELAY_S if self.source.delay_auto else self.source.delay_s)
                self._unsettled = False
            self.take(name)

    def take(self, name: str) -> None:
        """Take one reading into a buffer."""
        now, channel = self.now, self.channels[0]
        suffix = now.measured.lower()
        nplc = getattr(now, f"nplc_{suffix}")
        integration_s = nplc / self.line_hz * (3 if getattr(now, f"autozero_{suffix}") else 1)
        self.world.wait(integration_s)
        ampere, at_limit = self.world.measure(channel)
        volt = self.world.volt(f"{channel}.hi")
        if now.range_a_auto:
            fitting = min(RANGES_A, key=lambda each: (not reading.holds(each, ampere), each))
            if fitting != now.range_a:
                now.range_a = fitting
                self.world.wait(integration_s)
                self.apply()
        if now.range_v_auto:
            now.range_v = min(RANGES_V, key=lambda each: (not reading.holds(each, volt), each))
        seen_a = reading.digitised(ampere, now.range_a, nplc, self.rng, self.world.resolution)
        seen_v = reading.digitised(volt, self.range_of_volt(), nplc, self.rng, self.world.resolution)
        beyond = OVERFLOW in (abs(seen_a), abs(seen_v)) or seen_a == 0
        value = {"CURR": seen_a, "VOLT": seen_v, "RES": OVERFLOW if beyond else seen_v / seen_a}[now.measured]
        sourcing_v = self.source.function == "VOLT"
        programmed = self.source.level_v if sourcing_v else self.source.level_a
        seen = seen_v if sourcing_v else seen_a
        limited = self.on and at_limit == sourcing_v
        status = (
            READ_BACK * self.source.read_back | LIMITED * limited | FOUR_WIRE * now.remote_sense | OUTPUT_ON * self.on
        )
        self.buffer(name).readings.append(
            Reading(
                value,
                seen if self.source.read_back else programmed,
                self.world.clock.now(),
                status,
                UNITS[now.measured],
            )
        )

    def range_of_volt(self) -> float:
        """Return the range in which the voltage is read back."""
        return self.source.range_v if self.source.function == "VOLT" else self.now.range_v

    # ------------------------------------------------------------------ messages beyond settings

    def error_text(self, code: int) -> str:
        """Write an error with its type and time."""
        if code == 0:
            return '0,"No error;0;0 0"'
        at = self.world.clock.now()
        stamp = f"{time.strftime('%Y/%m/%d %H:%M:%S', time.gmtime(at))}.{int(at % 1 * 1000):03d}"
        return f'{code},"{self.text_of(code)};1;{stamp}"'

    def status_bits(self) -> int:
        """Questionable in bit 3, operation in bit 7."""
        return self.questionable.summary << 3 | self.operation.summary << 7

    def preset_status(self) -> None:
        """Clear the enable masks."""
        self.operation.enable = self.questionable.enable = 0

    def trigger(self) -> None:
        """Take ``*TRG`` as the event that no block waits for."""
