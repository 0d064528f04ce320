"""Scans, stored relay patterns and trigger layers of an emulated Keithley 7001: what goes beyond closing and opening.

The vendor's manual was not at hand; names are those of the family's SCPI subset in public scripts. Assumed: each
trigger opens the last channel of a scan and closes the next; a scan runs through as often as the counts of its layers
say, and leaves its last channel closed; *TRG takes one step where a layer waits for the bus.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...scpi import settings as setting
from ...scpi import values
from ...scpi.matrix import Crosspoint
from ...scpi.messages import Call, Command, clear_errors
from ...scpi.status import ScpiError

if TYPE_CHECKING:
    from .model import EmulatedKeithley7001

PATTERNS = range(1, 101)
"""Locations of relay patterns, written ``M1`` to ``M100``."""
MOST_STEPS = 9999
LONGEST_S = 99999.999
SOURCES = ("HOLD", "IMMediate", "MANual", "BUS", "TLINk", "EXTernal", "TIMer")
LONGEST_TEXT = 20


@dataclass
class Layer:
    """One layer of the trigger model."""

    count: int = 1
    source: str = "IMM"
    delay_s: float = 0.0
    timer_s: float = 0.1
    direction: str = "ACC"
    in_line: int = 1
    out_line: int = 2


@dataclass
class Scan:
    """The scan list, the layers, and where a scan stands that is under way."""

    channels: list[Crosspoint] = field(default_factory=list)
    arm1: Layer = field(default_factory=Layer)
    arm2: Layer = field(default_factory=Layer)
    trigger: Layer = field(default_factory=lambda: Layer(count=0))
    """Count 0 stands for the length of the scan list."""
    steps_left: int = 0
    at: int = 0

    def layers(self) -> Iterable[Layer]:
        """Return the layers from the outermost in."""
        return self.arm1, self.arm2, self.trigger

    def steps(self) -> int:
        """Return how many triggers a start takes."""
        triggers = self.trigger.count or len(self.channels)
        return min(self.arm1.count * self.arm2.count * triggers, MOST_STEPS)


def initiate(matrix: "EmulatedKeithley7001") -> None:
    """Start a scan: run it through, or wait for the first trigger."""
    scan = matrix.scan
    if scan.steps_left:
        raise ScpiError(-213)
    if not scan.channels:
        raise ScpiError(-221)
    scan.steps_left, scan.at = scan.steps(), 0
    while scan.steps_left and all(each.source in ("IMM", "TIM") for each in scan.layers()):
        step(matrix)


def step(matrix: "EmulatedKeithley7001") -> None:
    """Open the last channel and close the next."""
    scan = matrix.scan
    if not scan.steps_left:
        raise ScpiError(-211)
    matrix.world.wait(sum(each.delay_s + each.timer_s * (each.source == "TIM") for each in scan.layers()))
    before = scan.channels[scan.at - 1]
    channel = scan.channels[scan.at % len(scan.channels)]
    kept = matrix.closed - {before}
    if matrix.break_before_make:
        matrix.moved(kept)
    matrix.moved({*kept, channel})
    scan.at = scan.at % len(scan.channels) + 1
    scan.steps_left -= 1


def _set_scan(matrix: "EmulatedKeithley7001", call: Call) -> None:
    """Take another scan list, which gives up a scan that is under way."""
    matrix.scan.channels = matrix.listed(values.channel_items(call.expect(1)[0]))
    matrix.scan.steps_left = matrix.scan.at = 0


def _scanned(matrix: "EmulatedKeithley7001", call: Call) -> str:
    call.expect(0)
    return f"(@{','.join(map(matrix.written, matrix.scan.channels))})"


def _abort(matrix: "EmulatedKeithley7001") -> None:
    matrix.scan.steps_left = 0


def _pattern(text: str) -> int:
    if text[:1].upper() != "M":
        raise ScpiError(-104)
    return values.integer(text[1:], PATTERNS[0], PATTERNS[-1])


def _save(matrix: "EmulatedKeithley7001", call: Call) -> None:
    matrix.patterns[_pattern(call.expect(1)[0])] = matrix.closed


def _recall(matrix: "EmulatedKeithley7001", call: Call) -> None:
    matrix.moved(matrix.patterns.get(_pattern(call.expect(1)[0]), frozenset()))


def _layer(pattern: str, key: str) -> tuple[Command, ...]:
    """Declare the commands of one layer."""

    def of(matrix: Any, _: Call) -> Layer:
        found: Layer = getattr(matrix.scan, key)
        return found

    def set_count(matrix: "EmulatedKeithley7001", call: Call) -> None:
        text, layer = call.expect(1)[0], of(matrix, call)
        layer.count = MOST_STEPS if values.matches(text, "INFinite") else values.integer(text, 1, MOST_STEPS, 1)

    line = f"{pattern}:TCONfigure:ASYNchronous"
    return (
        Command(
            f"{pattern}:COUNt",
            set_count,
            lambda matrix, call: str(of(matrix, call).count or len(matrix.scan.channels)),
        ),
        setting.choice(f"{pattern}:SOURce", "source", *SOURCES, of=of),
        setting.number(f"{pattern}:DELay", "delay_s", 0.0, LONGEST_S, 0.0, of=of),
        setting.number(f"{pattern}:TIMer", "timer_s", 1e-3, LONGEST_S, 0.1, of=of),
        setting.choice(f"{pattern}:TCONfigure:DIRection", "direction", "SOURce", "ACCeptor", of=of),
        setting.integer(f"{line}:ILINe", "in_line", 1, 6, 1, of=of),
        setting.integer(f"{line}:OLINe", "out_line", 1, 6, 2, of=of),
        setting.action(f"{pattern}:IMMediate", step),
        setting.action(f"{pattern}:SIGNal", step),
    )


def _panel(matrix: "EmulatedKeithley7001", _: Call) -> object:
    return matrix.panel


@dataclass
class Panel:
    """Front panel and digital lines, which do nothing here."""

    text: str = ""
    shown: bool = False
    lit: bool = True
    power_on: str = "RST"
    key: int = 0
    single: bool = False
    paired: bool = False
    poles: dict[int, str] = field(default_factory=dict)
    lines: dict[int, bool] = field(default_factory=dict)


def _set_line(matrix: "EmulatedKeithley7001", call: Call) -> None:
    matrix.panel.lines[call.suffixes[0]] = values.boolean(call.expect(1)[0])


COMMANDS: tuple[Command, ...] = (
    Command("[:ROUTe]:SCAN[:INTernal]", _set_scan, _scanned),
    Command("[:ROUTe]:SCAN:POINts", query=lambda matrix, _: str(len(matrix.scan.channels))),
    Command("[:ROUTe]:MEMory:SAVE", _save),
    Command("[:ROUTe]:MEMory:RECall", _recall),
    setting.flag("[:ROUTe]:CONFigure:SCHannel", "single", of=_panel),
    setting.flag("[:ROUTe]:CONFigure:CPAir", "paired", of=_panel),
    *_layer(":ARM[:SEQuence][:LAYer1]", "arm1"),
    *_layer(":ARM[:SEQuence]:LAYer2", "arm2"),
    *_layer(":TRIGger[:SEQuence]", "trigger"),
    setting.action(":INITiate[:IMMediate]", initiate),
    setting.action(":ABORt", _abort),
    setting.text(":DISPlay[:WINDow1]:TEXT[:DATA]", "text", LONGEST_TEXT, of=_panel),
    setting.flag(":DISPlay[:WINDow1]:TEXT:STATe", "shown", of=_panel),
    setting.flag(":DISPlay:ENABle", "lit", of=_panel),
    Command(
        ":OUTPut:TTL{1-4}[:STATe]",
        _set_line,
        lambda matrix, call: str(int(matrix.panel.lines.get(call.suffixes[0], False))),
    ),
    setting.constant(":SENSe:TTL:DATA", "0"),
    *(
        command
        for name in ("operation", "questionable")
        for command in setting.register(f":STATus:{name[:4].upper()}{name[4:]}", name)
    ),
    Command(":STATus:QUEue[:NEXT]", query=lambda matrix, _: matrix.error_text(matrix.status.next_error())),
    Command(":STATus:QUEue:CLEar", clear_errors),
    Command(":SYSTem:CLEar", clear_errors),
    setting.action(":SYSTem:PRESet", lambda matrix: matrix.reset()),
    setting.choice(":SYSTem:POSetup", "power_on", "RST", "PRESet", *(f"SAV{n}" for n in range(10)), of=_panel),
    setting.integer(":SYSTem:KEY", "key", 1, 31, of=_panel),
    setting.constant("*OPT", "0"),
)
