"""Scans and stored relay patterns of an emulated Keithley 7001, and the layers of its trigger model.

The vendor's manual was not at hand; names are those of the family's SCPI subset in public scripts. Assumed: each
trigger opens the last channel of a scan and closes the next; a scan runs through as often as the counts of its layers
say, and leaves its last channel closed; *TRG takes one step where a layer waits for the bus.
"""

from ...scpi import kinds, values
from ...scpi import settings as setting
from ...scpi.kinds import Kind
from ...scpi.messages import Call, Command
from ...scpi.status import ScpiError
from .state import MOST_STEPS, Keithley7001State, Layer

PATTERNS = range(1, 101)
"""Locations of relay patterns, written ``M1`` to ``M100``."""
LONGEST_S = 99999.999
SOURCES = ("HOLD", "IMMediate", "MANual", "BUS", "TLINk", "EXTernal", "TIMer")


def initiate(matrix: Keithley7001State) -> None:
    """Start a scan: run it through, or wait for the first trigger."""
    scan = matrix.scan
    if scan.steps_left:
        raise ScpiError(-213)
    if not scan.channels:
        raise ScpiError(-221)
    scan.steps_left, scan.at = scan.steps(), 0
    while scan.steps_left and all(each.source in ("IMM", "TIM") for each in scan.layers()):
        step(matrix)


def step(matrix: Keithley7001State) -> None:
    """Open the last channel and close the next."""
    scan = matrix.scan
    if not scan.steps_left:
        raise ScpiError(-211)
    matrix.world.wait(sum(each.delay_s + each.timer_s * (each.source == "TIM") for each in scan.layers()))
    before = scan.channels[scan.at - 1]
    channel = scan.channels[scan.at % len(scan.channels)]
    others = matrix.closed - {before}
    if matrix.break_before_make:
        matrix.switch(others)
    matrix.switch({*others, channel})
    scan.at = scan.at % len(scan.channels) + 1
    scan.steps_left -= 1


def _set_scan(matrix: Keithley7001State, call: Call) -> None:
    """Take another scan list, which gives up a scan that is under way."""
    matrix.scan.channels = matrix.crosspoints(call.expect(1)[0])
    matrix.scan.at = 0
    matrix.scan.stop()


def _pattern(call: Call) -> int:
    text = call.expect(1)[0]
    if text[:1].upper() != "M":
        raise ScpiError(-104)
    return values.integer(text[1:], PATTERNS[0], PATTERNS[-1])


_COUNT = Kind(
    lambda texts, _: MOST_STEPS if values.matches(texts[0], "INFinite") else values.integer(texts[0], 1, MOST_STEPS, 1)
)


def _layer(pattern: str, key: str) -> tuple[Command, ...]:
    """Declare the commands of one layer."""

    def of(matrix: Keithley7001State, _: Call) -> Layer:
        found: Layer = getattr(matrix.scan, key)
        return found

    def set_count(matrix: Keithley7001State, call: Call, count: int) -> None:
        of(matrix, call).count = count

    def count(matrix: Keithley7001State, call: Call) -> int:
        return of(matrix, call).count or len(matrix.scan.channels)

    return (
        _COUNT.command(f"{pattern}:COUNt", set_count, count),
        *setting.attributes(
            {
                f"{pattern}:SOURce": ("source", kinds.choice(*SOURCES)),
                f"{pattern}:DELay": ("delay_s", kinds.number(0.0, LONGEST_S, 0.0)),
                f"{pattern}:TIMer": ("timer_s", kinds.number(1e-3, LONGEST_S, 0.1)),
            },
            of,
        ),
        setting.action(f"{pattern}:IMMediate", step),
        setting.action(f"{pattern}:SIGNal", step),
    )


COMMANDS: tuple[Command, ...] = (
    kinds.number(0.0, LONGEST_S, 0.0).command(
        "[:ROUTe]:CONFigure:SLOT#:STIMe",
        lambda matrix, call, seconds: matrix.extra_s.update({call.suffixes[0]: seconds}),
        lambda matrix, call: matrix.extra_s.get(call.suffixes[0], 0.0),
    ),
    setting.attribute("[:ROUTe]:CONFigure:BBMake", "break_before_make", kinds.FLAG),
    Command("[:ROUTe]:SCAN[:INTernal]", _set_scan),
    setting.query(
        "[:ROUTe]:SCAN[:INTernal]", lambda matrix, _: f"(@{','.join(map(matrix.channel_name, matrix.scan.channels))})"
    ),
    Command("[:ROUTe]:SCAN:POINts", query=lambda matrix, _: str(len(matrix.scan.channels))),
    Command("[:ROUTe]:MEMory:SAVE", lambda matrix, call: matrix.patterns.update({_pattern(call): matrix.closed})),
    Command(
        "[:ROUTe]:MEMory:RECall", lambda matrix, call: matrix.switch(matrix.patterns.get(_pattern(call), frozenset()))
    ),
    *_layer(":ARM[:SEQuence][:LAYer1]", "arm1"),
    *_layer(":ARM[:SEQuence]:LAYer2", "arm2"),
    *_layer(":TRIGger[:SEQuence]", "trigger"),
    setting.action(":INITiate[:IMMediate]", initiate),
    setting.action(":ABORt", lambda matrix: matrix.scan.stop()),
)
