"""The source memory of an emulated Keithley 2400: setups in 100 locations, and a sweep through some of them.

What a location holds is the list of page 18-94, as far as it is emulated. One that nothing was saved in brings nothing.
"""

from collections.abc import Callable
from copy import deepcopy

from ...scpi import settings as setting
from ...scpi import values
from ...scpi.kinds import integer
from ...scpi.messages import Call, Command
from ...scpi.setups import keep
from .records import Buffer
from .state import Keithley2400State

LOCATIONS = 100
SAVED = (
    "function", "delay_s", "delay_auto", "protection_a", "protection_v", "ohm_mode", "offset_compensated", "nplc",
    "concurrent", "measured", "average", "average_control", "average_count", "autozero", "remote_sense", "guard",
)  # fmt: skip
LEVELS = ("level", "range", "auto")
"""What is saved of each source; of each measurement its range."""


def save(smu: Keithley2400State, location: int) -> None:
    """Keep the present setup."""
    now = smu.now
    smu.memory[location] = {
        "settings": {name: deepcopy(getattr(now, name)) for name in SAVED},
        "source": {name: [getattr(each, key) for key in LEVELS] for name, each in now.source.items()},
        "sense": {name: [each.range, each.auto] for name, each in now.sense.items()},
    }


def recall(smu: Keithley2400State, location: int) -> None:
    """Bring a setup back."""
    kept, now = smu.memory.get(location), smu.now
    if kept is None:
        return
    for name, value in deepcopy(kept["settings"]).items():
        setattr(now, name, value)
    for name, found in kept["source"].items():
        for key, value in zip(LEVELS, found, strict=True):
            setattr(now.source[name], key, value)
    for name, (full, auto) in kept["sense"].items():
        now.sense[name].range, now.sense[name].auto = full, auto
    smu.apply()


def recall_next(smu: Keithley2400State, number: int) -> None:
    """Bring the setup of one trigger of a sweep, counted from 0, round and round."""
    now = smu.now
    recall(smu, (now.memory_start - 1 + number % now.memory_points) % LOCATIONS + 1)


def _initialize(smu: Keithley2400State) -> None:
    """Have every place hold the present setup, and lists and buffer forget what they hold (page 18-106)."""
    for location in range(1, LOCATIONS + 1):
        save(smu, location)
    for number in range(smu.most_setup + 1):
        keep(smu, number)
    for each in smu.now.source.values():
        each.values = [0.0]
    smu.buffer = Buffer()


def _located(pattern: str, act: Callable[[Keithley2400State, int], None]) -> Command:
    def write(smu: Keithley2400State, call: Call) -> None:
        act(smu, values.integer(call.expect(1)[0], 1, LOCATIONS))

    return Command(pattern, write, samples=("1", str(LOCATIONS)))


COMMANDS: tuple[Command, ...] = (
    _located(":SOURce#:MEMory:SAVE", save),
    _located(":SOURce#:MEMory:RECall", recall),
    *setting.attributes(
        {
            ":SOURce#:MEMory:POINts": ("memory_points", integer(1, LOCATIONS)),
            ":SOURce#:MEMory:STARt": ("memory_start", integer(1, LOCATIONS, 1)),
        }
    ),
    setting.action(":SYSTem:MEMory:INITialize", _initialize),
)
