"""``scan`` of a TSP matrix: a list of channels that the box closes by itself, one after the other.

Without its triggers: a scan that waits for an event other than its own is refused.
"""

from ..lua.objects import Node, Refused, Returned, Value, choice, number
from ..time.schedule import Process, Schedule, Steps
from .cards import Relay
from .channel import SETTINGS_CONFLICT, Channels

OPEN_ALL, OPEN_SELECTIVE = 0, 1
EMPTY, BUILDING, RUNNING, ABORTED, SUCCESS = 0, 1, 2, 3, 6
READY_EVENT = 41
"""Number of the event that is the stimulus of a step after a reset; made up."""
STATES = {"EMPTY": 0, "BUILDING": 1, "RUNNING": 2, "ABORTED": 3, "FAILED": 4, "FAILED_INIT": 5, "SUCCESS": 6}
STEP_S = 1e-3
"""Time between two steps (an assumption)."""


class Scan:
    """The object, and the scan that runs."""

    def __init__(self, channels: Channels, schedule: Schedule) -> None:
        self._channels, self._schedule = channels, schedule
        self._steps: list[list[Relay]] = []
        self._state, self._scans, self._step = EMPTY, 0, 0
        self._running: Process | None = None
        self.node = node = Node()
        node.constants |= {
            **STATES,
            "OFF": 0,
            "ON": 1,
            "MODE_OPEN_ALL": OPEN_ALL,
            "MODE_OPEN_SELECTIVE": OPEN_SELECTIVE,
        }
        node.setting("mode", float(OPEN_ALL), choice(OPEN_ALL, OPEN_SELECTIVE))
        node.setting("bypass", 1.0, choice(0, 1))
        node.setting("scancount", 1.0, number(1, 2e9))
        node.attribute("stepcount", lambda: float(len(self._steps)))
        trigger = node.child("trigger")
        trigger.constants["EVENT_CHANNEL_READY"] = READY_EVENT
        trigger.child("arm").setting("stimulus", 0.0, number(0, 1000))
        trigger.child("channel").setting("stimulus", float(READY_EVENT), number(0, 1000))
        node.methods |= {
            "create": self.create,
            "add": self.add,
            "execute": self.execute,
            "background": self.background,
            "abort": self.abort,
            "state": self.state,
            "reset": self.reset,
        }

    def create(self, channels: Value = None) -> None:
        """``scan.create``: begin a new list, with these channels if any."""
        self._steps = []
        self._state, self._scans, self._step = EMPTY, 0, 0
        if channels:
            self.add(channels)

    def add(self, channels: Value = None) -> None:
        """``scan.add``: a step for each of these channels."""
        self._steps += self._channels.read(channels)
        self._state = BUILDING

    def execute(self) -> Returned:
        """``scan.execute``: run it to its end."""
        self.background()
        self._schedule.finish()
        return self.state()

    def background(self) -> Returned:
        """``scan.background``: run it while the box does other things."""
        stimuli = self.node.child("trigger").children
        if stimuli["arm"].values["stimulus"] or stimuli["channel"].values["stimulus"] not in {0, READY_EVENT}:
            raise Refused(SETTINGS_CONFLICT, "Settings conflict: only scans without triggers run here")
        if self._steps:
            self._state = RUNNING
            self._running = self._schedule.start(self._run())
        return self.state()

    def abort(self) -> None:
        """``scan.abort``: channels stay as they are."""
        if self._running and not self._running.ended:
            self._schedule.stop(self._running)
            self._state = ABORTED

    def state(self) -> Returned:
        """``scan.state``: state, scans and steps that have been completed."""
        return float(self._state), float(self._scans), float(self._step)

    def reset(self) -> None:
        """``scan.reset``: no list, and the defaults."""
        self.abort()
        self.create()
        self.node.reset()

    def _run(self) -> Steps:
        closed = self._channels.closed()
        scanned = {relay for step in self._steps for relay in step}
        before = closed if self.node.values["mode"] == OPEN_ALL else closed & scanned
        self._channels.step([], before)
        for _ in range(int(self.node.values["scancount"])):
            for step in self._steps:
                yield STEP_S
                self._channels.step(step, self._channels.closed() & scanned)
                self._step += 1
            self._scans += 1
        self._state = SUCCESS
