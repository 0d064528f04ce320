"""A keeper in this process on an emulated bench of 2 x 2 cells, on which things are made to go wrong."""

import functools
import json
import time
from contextlib import ExitStack, nullcontext, suppress
from functools import partialmethod
from unittest.mock import patch

import numpy as np

from crossbar_hil.backend import Pulse
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import CrossbarError, DeadlineError
from crossbar_hil.guard.journal import Journal, read_journal
from crossbar_hil.guard.keeper import Keeper
from crossbar_hil.guard.watch import Least
from crossbar_hil.instruments.transport import adapter
from crossbar_hil.instruments.transport.link import SocketLink
from crossbar_hil.sim_backend.emulation.bench import EmulatedBench
from crossbar_hil.sim_backend.emulation.nemesis.faults import Fault, Nemesis

from ..called import NEED_SOCKETS, called

PULSE = Pulse(2.0, 0.05)
ONE_HOT = 0.1 * np.eye(2)
FIRST = np.array([[1, 0], [0, 0]])
ALL = np.ones((2, 2), dtype=int)
PATIENT_S, SHORT_S, MUTE_S = 60.0, 0.15, 0.01
"""Deadlines of an exchange: where nothing is meant to run out, where something is, and where no answer can come."""
LASTING = {"freeze", "blackhole"}
"""What keeps an instrument silent for more than one exchange."""


@functools.cache  # reading one takes longer than most of these tests
def small(name, deadline_s, more="{}"):
    """A shipped bench with two rows and two columns."""
    tables = {
        "instruments": {key: {"deadline_s": deadline_s} for key in ("smu", "matrix")},
        "wiring": {"rows": [1, 2], "columns": [5, 6]},
        "chip": {"rows": 2, "columns": 2},
    }
    for table, values in json.loads(more).items():
        tables[table] = {**tables.get(table, {}), **values}
    return load_bench(name, overrides=tables)


def _call(link, function, until):
    """What stands in for a method of a link, when its function is somebody else's."""
    return function(link, until)


class Hurry:
    """Have the deadline of an exchange run out after `SHORT_S` where a fault has struck, and nowhere else.

    A deadline that is short for all exchanges would also strike where the machine is busy.

    Parameters
    ----------
    bench : KeptBench
        Where faults strike.
    """

    def __init__(self, bench):
        self._bench = bench
        self._believed = 0
        self._noticed_s = None
        self._real = {"read": SocketLink.read, "finish": SocketLink.finish, "open": adapter.open_link}

    def __enter__(self):
        self._patches = ExitStack()
        for target, name, replacement in (
            (SocketLink, "read", partialmethod(_call, self._read)),
            (SocketLink, "finish", partialmethod(_call, self._finish)),
            (adapter, "open_link", self._open),
        ):
            self._patches.enter_context(patch.object(target, name, replacement))

    def __exit__(self, *error):
        self._patches.close()

    def _silenced_s(self, link):
        """Return how long to wait where what comes from an instrument may be kept from it by a fault; else None."""
        if self._bench.nemesis.faults == ():  # a test that has taken the faults away goes on in peace
            return None
        log, resources = self._bench.world.log.of("nemesis"), self._bench.emulated.resources
        lasting = [each["args"] | {"name": each["instrument"]} for each in log if each["verb"] in LASTING]
        here = [each for each in lasting if resources[each.get("of") or each["name"]] == link._resource]
        if any(each.get("seconds") is None for each in here):
            return MUTE_S
        return SHORT_S if here or len(log) > self._believed else None

    def _believe(self):
        self._believed, self._noticed_s = len(self._bench.world.log.of("nemesis")), None

    def _read(self, link, until):
        while True:
            short_s = self._silenced_s(link)
            if short_s is not None and self._noticed_s is None:
                self._noticed_s = time.monotonic()
            since_s = time.monotonic() if self._noticed_s is None else self._noticed_s
            try:
                return self._real["read"](link, min(until, since_s + (short_s or SHORT_S)))
            except DeadlineError:
                if self._silenced_s(link) is not None or time.monotonic() >= until:
                    self._believe()
                    raise

    def _finish(self, link, until):
        short_s = self._silenced_s(link)
        return self._real["finish"](link, until if short_s is None else time.monotonic() + short_s)

    def _open(self, resource, visa, seconds, *terminations):
        self._believe()
        seconds = min(seconds, SHORT_S) if self._bench.nemesis.faults else seconds
        return self._real["open"](resource, visa, seconds, *terminations)


class KeptBench:
    """A keeper, its chip, its journal, and the world behind.

    Its instruments are called, unless it is said that there are sockets, or that is implied.

    Parameters
    ----------
    folder : Path
        Where the journal is kept.
    name : str
        Shipped bench.
    faults : iterable of Fault
        What goes wrong from the start.
    hurried : bool
        Whether an exchange that a fault strikes ends after `SHORT_S`, over sockets; otherwise all have `PATIENT_S`.
    sockets : bool
        Whether instruments are spoken to over sockets, as they are with faults from the start.
    overrides : dict
        Of the bench file.
    """

    def __init__(self, folder, name="emulated", *, faults=(), hurried=False, sockets=False, **overrides):
        self.bench = small(name, PATIENT_S, json.dumps(overrides))
        self._called = not (sockets or hurried or faults)
        self._hurry = Hurry(self) if hurried else nullcontext()
        self._entered = ExitStack()
        self.emulated = EmulatedBench(self.bench, np.random.default_rng(1), nemesis=Nemesis(faults).as_json())
        self.world, self.nemesis = self.emulated.world, self.emulated.nemesis
        self.path = folder / "journal.sqlite"
        self.chip = self.keeper = self.journal = None

    def __enter__(self):
        self._entered.enter_context(called(nemesis=True) if self._called else self._hurry)
        self._entered.enter_context(self.emulated)
        return self

    def __exit__(self, *error):
        with suppress(CrossbarError):
            if self.chip is not None:
                self.chip.make_safe()
        self.leave()
        self._entered.__exit__(*error)

    def open(self):
        """Open instruments and journal, as a guard does; a second time to resume."""
        if self.path.exists():
            self.journal = Journal.open(self.path, needed_bytes=0)
        else:
            header = {"run": "r", "token": "t", "kind": "emulated"}
            self.journal = Journal.create(self.path, header, needed_bytes=0)
        self.told = []  # who did not answer, and who answers again
        silence = lambda name, waited_s: self.told.append((name, waited_s is None))  # noqa: E731
        self.chip = open_backend(self.bench, seed=0, resources=self.emulated.resources, silence=silence)
        self.keeper = Keeper(self.chip, self.journal, check_v=0.1, least=Least.of(self.bench))
        return self

    def leave(self):
        """Let go of instruments and journal, as a guard that dies; nothing is made safe."""
        if self.chip is not None:
            self.chip.owned.close()
        if self.journal is not None:
            self.journal.close()
        self.chip = self.keeper = self.journal = None

    def read(self):
        """Return the conductances as the keeper reads them."""
        return self.keeper.read_currents(ONE_HOT) / 0.1

    def pulse(self, counts=ALL, pulse=PULSE):
        self.keeper.send_pulses(counts, pulse)

    def strike(self, verb, *, instrument=None, match=None, times=1, skip=0, **args):
        """Let something go wrong from the next message on."""
        assert not (self._called and verb in NEED_SOCKETS), f"{verb} needs sockets"
        calls = self.nemesis.calls if instrument is None else self.nemesis.calls_of[instrument]
        fault = Fault(verb, calls + 1 + skip, instrument, args, match, times)
        self.nemesis.faults = (*self.nemesis.faults, fault)

    # ------------------------------------------------------------------ what really happened

    @property
    def struck(self):
        return [each["verb"] for each in self.world.log.of("nemesis")]

    @property
    def truth(self):
        return self.world.chip.conductances

    @property
    def received(self):
        """Pulses that each cell really got."""
        counts = np.zeros((2, 2), dtype=int)
        for each in self.world.log.of("exposure"):
            counts[each["row"], each["column"]] += 1
        return counts

    @property
    def left_on(self):
        """Sources that are on and relays that are closed."""
        on = [name for name in self.channels if self.world.terminal(name).on]
        return on, set(self.world.closed("matrix"))

    @property
    def channels(self):
        return [name for each in self.emulated.instruments.values() for name in each.channels]

    def entries(self, kind):
        return [entry.body for entry in read_journal(self.path) if entry.kind == kind]

    @property
    def outcomes(self):
        return [body["state"] for body in self.entries("outcome")]
