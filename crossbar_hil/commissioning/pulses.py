"""The pulse that really comes out: height and half-select by currents inside it, width and number by a clock."""

import time
from collections.abc import Mapping

import numpy as np

from crossbar_hil.backend import Pulse
from crossbar_hil.commissioning.board import Board
from crossbar_hil.commissioning.readings import Trial
from crossbar_hil.commissioning.steps import Step, per_cent
from crossbar_hil.errors import LimitError
from crossbar_hil.instrument import Reading
from crossbar_hil.text import quantity
from crossbar_hil.witness import Train

HEIGHT = 0.02
"""Share by which a pulse may differ in height: its current is read in a coarser range, for a shorter time."""
WIDTH = 0.05
"""Share by which widths may differ: 2 % of 50 ms is the assumption of the least certain model, and overheads vary."""
MANY = 5
"""Pulses of the longer trains."""
HEIGHT_NAME = "pulses: height on the selected cell, and on half-selected lines"
WIDTH_NAME = "pulses: width, and number"
REFUSED_NAME = "pulses beyond [limits] are refused, and none is sent"


def height(board: Board, trial: Trial, pulse: Pulse) -> Step:
    """Send one pulse to each cell: the currents inside it tell the voltage of each source, by those at read voltage."""
    step, found = Step(HEIGHT_NAME), board.readings
    worst: dict[str, tuple[float, float, tuple[int, int]]] = {}
    limited = sent = 0
    for place, cell in enumerate(found.writes.keys):
        counts = np.zeros(board.ohms.shape, dtype=np.int64)
        counts[cell] = 1
        inside = trial.pulse_on_trial(counts, pulse).inside[0]
        sent += 1
        limited += sum(seen.limited for seen in inside.values())
        for port, volts in _volts_inside(board, place, inside).items():
            asked = found.writes.sights[place].volts[port] * pulse.amplitude_v
            if port not in worst or abs(volts / asked - 1) > abs(worst[port][0] / worst[port][1] - 1):
                worst[port] = volts, asked, cell
    for port, (volts, asked, cell) in worst.items():
        allowed = HEIGHT + 4 * float(found.noise_a[found.sources.index(port)]) / board.typical_a
        share = volts / asked - 1
        where = f"{board.lines[cell[0]]}, {board.lines[len(board.ohms) + cell[1]]}"
        step.check(
            f"{port}, worst of {sent} pulses ({where})",
            quantity(asked, "V"),
            f"{quantity(volts, 'V')} ({per_cent(share, sign=True)})",
            per_cent(allowed),
            "2 %: a coarser range and a shorter reading; by the current of the same state at read voltage",
            abs(share) <= allowed,
        )
    step.count("pulses in which a source was at its limit", 0, limited)
    step.causes = [
        "source range or sweep range: the level is not the one that was asked for; compare with an oscilloscope",
        "a current limit or a range that does not hold the pulse",
    ]
    return step.judged()


def _volts_inside(board: Board, place: int, inside: Mapping[str, Reading]) -> dict[str, float]:
    """Return the voltage of each source inside a pulse, from its current and that of the others.

    What one volt of each source drives into each other is worked out from the board; how much of that a source shows is
    taken from the same state at read voltage.
    """
    found, sight = board.readings, board.readings.writes.sights[place]
    ports = list(inside)
    at = [found.sources.index(port) for port in ports]
    unit = board.model.currents([(sight.assignment, {port: 1.0}) for port in ports])[:, at].T
    unit[np.diag_indices(len(ports))] += found.base_a[at] / found.read_v
    wanted = unit @ np.array([sight.volts[port] * found.read_v for port in ports])
    shown = found.writes.net[place, at] / wanted
    currents = np.array([inside[port].current_a for port in ports]) / shown
    return dict(zip(ports, np.linalg.solve(unit, currents).tolist(), strict=True))


def width(board: Board, trial: Trial, pulse: Pulse) -> Step:
    """Send trains of different numbers and widths: differences of times tell width and number, without overhead."""
    step = Step(WIDTH_NAME)
    cell = board.readings.writes.keys[0]
    long = Pulse(pulse.amplitude_v, 2 * pulse.width_s)
    times: dict[tuple[int, int], float] = {}
    clock, widths, inside = "", (0, 0), 0
    counts = np.zeros(board.ohms.shape, dtype=np.int64)
    counts[cell] = 1
    trial.pulse_on_trial(counts, pulse)  # relays have moved, ranges are those of pulses: from here on trains are alike
    for many in (1, MANY):
        for times_longer, each in ((1, pulse), (2, long)):
            counts = np.zeros(board.ohms.shape, dtype=np.int64)
            counts[cell] = many
            train, took_s, clock = _timed(board, trial, counts, each)
            inside += len(train.inside)
            widths = train.widths
            times[many, times_longer] = took_s
    wanted = 2 * (1 + MANY)
    step.count("readings inside pulses", wanted, inside, "one a pulse")
    if not clock or not widths[0]:
        why = "it has no clock that can be asked, and time is not real here" if not clock else "its driver does not say"
        step.check("width and number", quantity(pulse.width_s, "s"), f"not measured: {why}", "", "", True)
        return step.judged()
    one, more = (times[many, 2] - times[many, 1] for many in (1, MANY))
    real_s = (more - one) / (MANY - 1) / widths[0]
    because = f"difference of trains of 1 and {MANY}, of {quantity(pulse.width_s, 's')} and twice that, by {clock}"
    share = real_s / pulse.width_s - 1
    step.check(
        "width" if widths[0] == 1 else "width, the mean of a pulse and the time at 0 V beside it",
        quantity(pulse.width_s, "s"),
        f"{quantity(real_s, 's')} ({per_cent(share, sign=True)})",
        per_cent(WIDTH),
        f"5 %: {because}",
        abs(share) <= WIDTH,
    )
    number = (one / real_s - widths[1]) / widths[0] if real_s else np.inf
    step.check(
        "pulses sent for one",
        "1",
        f"{number:.2f}",
        "±0.3",
        f"less than half a pulse: {because}",
        abs(number - 1) <= 0.3,
    )
    gap_s = (times[MANY, 1] - times[1, 1]) / (MANY - 1) - widths[0] * real_s
    step.check(
        "besides its widths, each pulse takes",
        "less than a width",
        quantity(gap_s, "s"),
        quantity(pulse.width_s, "s"),
        "a delay that somebody left would show here",
        gap_s <= pulse.width_s,
    )
    step.causes = [
        "a delay, a filter or an integration time that another program left: look at trigger and source delay",
        "a trigger or arm count of more than one",
        "the instrument's clock against an oscilloscope",
    ]
    return step.judged()


def refused(board: Board, trial: Trial, pulse: Pulse) -> Step:
    """Ask for pulses beyond the limits; each must be refused."""
    step, limits = Step(REFUSED_NAME), board.bench.limits
    counts = np.zeros(board.ohms.shape, dtype=np.int64)
    counts[board.readings.writes.keys[0]] = 1
    if limits is None:
        return step.unmeasured("the bench has no [limits]")
    for what, beyond in (
        ("higher", Pulse(1.01 * limits.pulse_v, pulse.width_s)),
        ("longer", Pulse(pulse.amplitude_v, 1.01 * limits.width_s)),
    ):
        try:
            trial.send_pulses(counts, beyond)
            told = "sent"
        except LimitError as error:
            told = f"refused: {error}"
        step.check(f"a pulse 1 % {what} than allowed", "refused", told, "", "[limits]", told != "sent")
    step.causes = ["nothing may be beyond [limits]: report this as a fault of the program"]
    return step.judged()


def _timed(board: Board, trial: Trial, counts: np.ndarray, pulse: Pulse) -> tuple[Train, float, str]:
    """Send a train; return it with the time it took and by whose clock, empty if by none."""
    began_s = time.monotonic()
    train = trial.pulse_on_trial(counts, pulse)
    took_s = time.monotonic() - began_s
    if train.clock_s is not None:
        return train, train.clock_s, "the instrument's clock"
    real = board.bench.kind == "hardware" or (board.bench.emulation and board.bench.emulation.clock == "real")
    return train, took_s, "this computer's clock" if real else ""
