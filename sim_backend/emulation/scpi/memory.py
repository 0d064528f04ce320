"""Setups that ``*SAV`` keeps and ``*RCL`` brings back.

The instrument's attribute ``memory`` holds them by location, ``setup()`` returns what is kept of now and
``restore(setup)`` brings it back. A location that was never saved holds the state after ``*RST``: an assumption.
"""

import copy
from typing import Any

from . import values
from .messages import Call, Command


def commands(locations: range) -> tuple[Command, ...]:
    """Declare ``*SAV`` and ``*RCL`` for some locations."""

    def save(self: Any, call: Call) -> None:
        self.memory[values.integer(call.expect(1)[0], locations[0], locations[-1])] = copy.deepcopy(self.setup())

    def recall(self: Any, call: Call) -> None:
        location = values.integer(call.expect(1)[0], locations[0], locations[-1])
        if location in self.memory:
            self.restore(copy.deepcopy(self.memory[location]))
        else:
            self.reset()

    return Command("*SAV", save), Command("*RCL", recall)
