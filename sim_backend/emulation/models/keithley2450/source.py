"""Commands of an emulated Keithley 2450 that source: ``:SOURce`` and ``:OUTPut``.

Names are those of the Model 2450 reference manual, chapter 6, SCPI command reference. Sweeps are in
`keithley2450_sweep`, configuration lists in `keithley2450_lists`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...scpi import settings as setting
from ...scpi import source, values
from ...scpi.messages import Call, Command
from ...scpi.source import NAMES
from ...scpi.status import ScpiError
from . import lists as keithley2450_lists
from . import sweep as keithley2450_sweep
from .settings import (
    LEAST_LIMIT_A,
    LEAST_LIMIT_V,
    LEAST_SHARE,
    MOST_A,
    MOST_V,
    USER_DELAYS,
    SourceFunction,
    plain,
    sources,
)

if TYPE_CHECKING:
    from .model import EmulatedKeithley2450

LONGEST_DELAY_S = 1e4
PROTECTIONS = ("PROT2", "PROT5", *(f"PROT{volt}" for volt in (10, 20, 40, 60, 80, 100, 120, 140, 160, 180)), "NONE")
OFF_STATES = ("HIMPedance", "NORMal", "ZERO", "GUARd")


def _set_function(smu: "EmulatedKeithley2450", call: Call) -> None:
    """Choose what is sourced; that turns the output off."""
    chosen = values.choice(call.expect(1)[0], ("VOLTage", "CURRent"))
    if chosen != smu.now.sourcing.function:
        smu.switch(False)
    smu.now.sourcing.function = chosen
    smu.apply()


def _set_output(smu: "EmulatedKeithley2450", call: Call) -> None:
    smu.switch(values.boolean(call.expect(1)[0]))


def _off_state(smu: "EmulatedKeithley2450", function: str, call: Call) -> None:
    chosen = values.choice(call.expect(1)[0], OFF_STATES)
    for each in (function,) if function else tuple(smu.now.off_state):
        smu.now.off_state[each] = chosen
    smu.apply()


def _off_states(function: str) -> Command:
    """Declare the output-off state of one function, or of both where none is named."""
    node = f":{NAMES[function]}" if function else ""
    return Command(
        f":OUTPut#{node}:SMODe",
        lambda smu, call: _off_state(smu, function, call),
        lambda smu, _: smu.now.off_state[function or smu.now.sourcing.function],
    )


def user_delay(pattern: str, of: Callable[[Any, Call], Any]) -> Command:
    """Declare the user delays of a function, which the trigger model can wait for."""

    def write(smu: Any, call: Call) -> None:
        of(smu, call).user_delays_s[call.suffixes[-1] - 1] = values.bounded(call.expect(1)[0], 0.0, LONGEST_DELAY_S)

    def query(smu: Any, call: Call) -> str:
        return plain(of(smu, call).user_delays_s[call.suffixes[-1] - 1])

    return Command(f"{pattern}:DELay:USER{{1-{USER_DELAYS}}}", write, query)


def _of_function(function: str, initial: SourceFunction) -> tuple[Command, ...]:
    """Declare all that one function has of its own."""
    pattern, of = f":SOURce#:{NAMES[function]}", source.of_function(function)
    limit = f"{pattern}:{'ILIMit' if function == 'VOLT' else 'VLIMit'}[:LEVel]"
    least, most = (LEAST_LIMIT_A, MOST_A) if function == "VOLT" else (LEAST_LIMIT_V, MOST_V)

    def set_limit(smu: "EmulatedKeithley2450", call: Call) -> None:
        wanted = values.bounded(call.expect(1)[0], least, most, initial.limit)
        measured = smu.now.measuring.sense["CURR" if function == "VOLT" else "VOLT"]
        if not measured.auto and wanted < LEAST_SHARE * measured.range * (1 - 1e-9):
            raise ScpiError(-222)
        of(smu, call).limit = wanted
        smu.apply()

    def asked_limit(smu: "EmulatedKeithley2450", call: Call) -> str:
        if call.expect(0, 1):
            return plain(setting.named_bound(call.arguments[0], least, most, initial.limit))
        return plain(of(smu, call).limit)

    def tripped(smu: "EmulatedKeithley2450", call: Call) -> str:
        call.expect(0)
        return str(int(smu.sourced()[0] == function and smu.limited()))

    def set_delay(smu: "EmulatedKeithley2450", call: Call) -> None:
        of(smu, call).delay_s = values.bounded(call.expect(1)[0], 0.0, LONGEST_DELAY_S, 0.0)
        of(smu, call).delay_auto = False

    return (
        *source.commands(":SOURce#", function, initial, reply=plain, range_reply=plain),
        setting.number(f"{pattern}:RANGe:AUTO:LLIMit", "lowest", 0.0, initial.ranges[-1], reply=plain, of=of),
        Command(limit, set_limit, asked_limit),
        Command(f"{limit}:TRIPped", query=tripped),
        Command(f"{pattern}:DELay", set_delay, lambda smu, call: plain(of(smu, call).delay_s)),
        setting.flag(f"{pattern}:DELay:AUTO", "delay_auto", of=of),
        user_delay(pattern, of),
        setting.flag(f"{pattern}:READ:BACK", "read_back", of=of),
        setting.flag(f"{pattern}:HIGH:CAPacitance", "high_capacitance", of=of),
        setting.choice(f"{pattern}:PROTection[:LEVel]", "protection", *PROTECTIONS, of=of),
        setting.constant(f"{pattern}:PROTection[:LEVel]:TRIPped", "0"),
        *keithley2450_sweep.commands(function),
        _off_states(function),
    )


COMMANDS: tuple[Command, ...] = (
    Command(":SOURce#:FUNCtion[:MODE]", _set_function, lambda smu, _: smu.now.sourcing.function),
    *(command for function, initial in sources().items() for command in _of_function(function, initial)),
    *keithley2450_lists.commands(":SOURce#", "source_lists", "sourcing"),
    Command(":OUTPut#[:STATe]", _set_output, lambda smu, _: str(int(smu.on))),
    _off_states(""),
    setting.flag(":OUTPut#:INTerlock:STATe", "interlock"),
    setting.constant(":OUTPut#:INTerlock:TRIPped", "0"),
)
