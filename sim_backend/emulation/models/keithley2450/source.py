"""Commands of an emulated Keithley 2450 that source: ``:SOURce`` and ``:OUTPut``.

Names are those of the Model 2450 reference manual, chapter 6, SCPI command reference.
"""

from ...scpi import settings as setting
from ...scpi import source
from ...scpi.kinds import FLAG, choice, number
from ...scpi.messages import Call, Command
from ...scpi.source import NAMES
from ...scpi.status import ScpiError
from .limits import Limits
from .settings import LEAST_SHARE, plain, sources
from .state import Keithley2450State

LONGEST_S = 1e4
_LIMITS = {"VOLT": ("CURR", "ILIMit"), "CURR": ("VOLT", "VLIMit")}
"""What the limit of each function limits, and its header."""
OFF_STATES = ("HIMPedance", "NORMal", "ZERO", "GUARd")


def _off_states(function: str) -> Command:
    """Declare the output-off state of one function, or of both where none is named."""

    def store(smu: Keithley2450State, _: Call, chosen: str) -> None:
        for each in (function,) if function else NAMES:
            smu.now.off_state[each] = chosen
        smu.apply()

    return choice(*OFF_STATES).command(
        f":OUTPut#:{NAMES[function]}:SMODe" if function else ":OUTPut#:SMODe",
        store,
        lambda smu, _: smu.now.off_state[function or smu.now.sourcing.function],
    )


def _of_function(function: str, limits: Limits) -> tuple[Command, ...]:
    """Declare all that one function has of its own."""
    pattern, of, initial = f":SOURce#:{NAMES[function]}", source.of_function(function), sources(limits)[function]
    limited, node = _LIMITS[function]
    least, most = (limits.least_a, limits.most_a) if function == "VOLT" else (limits.least_v, limits.most_v)

    def set_limit(smu: Keithley2450State, call: Call, wanted: float) -> None:
        measured = smu.now.measuring.sense[limited]
        if not measured.auto and wanted < LEAST_SHARE * measured.range * (1 - 1e-9):
            raise ScpiError(-222)
        of(smu, call).limit = wanted
        smu.apply()

    def set_delay(smu: Keithley2450State, call: Call, seconds: float) -> None:
        of(smu, call).delay_s, of(smu, call).delay_auto = seconds, False

    return (
        *source.commands(":SOURce#", function, initial, reply=plain, range_reply=plain),
        setting.attribute(f"{pattern}:RANGe:AUTO:LLIMit", "lowest", number(0.0, initial.ranges[-1], reply=plain), of),
        number(least, most, initial.limit, reply=plain).command(
            f"{pattern}:{node}[:LEVel]", set_limit, lambda smu, call: of(smu, call).limit
        ),
        setting.query(
            f"{pattern}:{node}[:LEVel]:TRIPped",
            lambda smu, _: str(int(smu.setpoint()[0] == function and smu.limited())),
        ),
        number(0.0, LONGEST_S, 0.0, reply=plain).command(
            f"{pattern}:DELay", set_delay, lambda smu, call: of(smu, call).delay_s
        ),
        # One over-voltage limit holds whatever is sourced.
        setting.attribute(
            f"{pattern}:PROTection[:LEVel]",
            "protection",
            choice("NONE", *(f"PROT{volt}" for volt in limits.protections_v)),
            lambda smu, _: smu.now.sourcing,
        ),
        setting.query(
            f"{pattern}:PROTection[:LEVel]:TRIPped",
            lambda smu, _: str(int(abs(smu.now.source["VOLT"].level) > smu.now.sourcing.most_v)),
        ),
        setting.attribute(f"{pattern}:DELay:AUTO", "delay_auto", FLAG, of),
        setting.attribute(f"{pattern}:READ:BACK", "read_back", FLAG, of),
        _off_states(function),
    )


def commands(limits: Limits) -> tuple[Command, ...]:
    """Return the commands of a model."""
    return (
        choice("VOLTage", "CURRent").command(
            ":SOURce#:FUNCtion[:MODE]",
            lambda smu, _, chosen: smu.change(smu.now.sourcing, "function", chosen),
            lambda smu, _: smu.now.sourcing.function,
        ),
        *(command for function in NAMES for command in _of_function(function, limits)),
        FLAG.command(":OUTPut#[:STATe]", lambda smu, _, on: smu.switch(on), lambda smu, _: smu.on),
        _off_states(""),
    )
