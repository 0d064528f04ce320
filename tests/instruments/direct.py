"""Drivers that speak to emulated instruments in the same process, without a socket."""

import numpy as np
from pymeasure.adapters import Adapter

from crossbar_hil.backend import Pulse
from crossbar_hil.errors import DeadlineError
from crossbar_hil.plugins import load
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend
from crossbar_hil.sim_backend.emulation.world.world import World

PROMPTS = {"TSP>", "TSP?", ">>>>"}


class Direct(Adapter):
    """Takes every message to an emulated instrument; drops prompts as a session does.

    Another hand may act before one of the messages: `foreign` has what it sends, by the number of the message.
    """

    def __init__(self, emulated):
        super().__init__()
        self.emulated, self.said, self.sent, self.foreign = emulated, [], 0, {}

    def _write(self, command, **kwargs):
        self.sent += 1
        if self.sent in self.foreign:
            self.emulated.receive(self.foreign.pop(self.sent))
            self.emulated.receive("*CLS")
        said = self.emulated.receive(command).decode("latin-1").split("\n")[:-1]
        self.said += [line for line in said if line not in PROMPTS]

    def _read(self, **kwargs):
        if not self.said:
            raise DeadlineError(f"{self.emulated.name} has not answered")
        return self.said.pop(0)

    def close(self):
        pass


def small_world(cells=4):
    """A world with a chip of so many rows and columns, of which nothing is wired."""
    curve = ConductanceCurve(np.array([1e-6, 2e-6]), Pulse(2.0, 0.05))
    return World(SimulatedBackend(curve, np.zeros((cells, cells)), scale=1.0))


def connected(model, world=None, name="it", **options):
    """An emulated instrument of a model, and its driver; both have that name."""
    emulated = load("emulators", model)(world or small_world(), name, **options)
    return emulated, load("instruments", model)(Direct(emulated), name=name)
