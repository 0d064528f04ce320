"""A commissioning from the names of the instruments to a guard that is killed: every step in its order."""

import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.backend import Pulse
from crossbar_hil.bench.checking import check_bench
from crossbar_hil.bench.file import Bench, EmulationTable
from crossbar_hil.bench.opening import words_of_opening
from crossbar_hil.commissioning import at_rest, laws, paths, pulses
from crossbar_hil.commissioning.board import Board, why_not_for
from crossbar_hil.commissioning.compliance import NAME as COMPLIANCE
from crossbar_hil.commissioning.compliance import compliance
from crossbar_hil.commissioning.electrical import electrical, electrical_hash
from crossbar_hil.commissioning.expected import BoardModel
from crossbar_hil.commissioning.readings import Trial, take_readings
from crossbar_hil.commissioning.steps import Check, Step, failed_step
from crossbar_hil.commissioning.trial import TrialPlan
from crossbar_hil.errors import ConfigError, CrossbarError, GuardError, Stopped
from crossbar_hil.guard.client import GuardedBackend
from crossbar_hil.guard.opening import open_guarded, session_folder
from crossbar_hil.instrument import Identity
from crossbar_hil.plugins import load
from crossbar_hil.screen.view import Phase, no_phase
from crossbar_hil.text import quantity

IDENTITY = "identity: every instrument is the one that the file names"
SETTINGS = "settings: every one reads back as it was set"
SIGHTS = "the board in every state of the relays"
KILLED = "a guard that is killed: a second one makes the bench safe"
WHO_ELSE = (
    "another program or a person at the front panel, a cable that came loose, an instrument that was switched off"
)
TOLERANCE = 0.01
STATICS = (
    *(at_rest.open_lines, at_rest.cold, at_rest.zero_volts, at_rest.steadiness),
    *(paths.crosspoints, paths.between_lines, paths.reciprocity),
    *(laws.sign, laws.gain, laws.linearity, laws.floating, laws.levels),
)
LATER = (COMPLIANCE, pulses.HEIGHT_NAME, pulses.WIDTH_NAME, pulses.REFUSED_NAME, KILLED)
Tell = Callable[[Step], object]


@dataclass
class Commissioning:
    """What was found."""

    bench: Bench
    ohms: FloatArray
    """Of the board, (R, C)."""
    tolerance: float
    steps: list[Step] = field(default_factory=list)
    device: dict[str, Any] = field(default_factory=dict)
    """Instruments as they said who they are, by name."""
    shares: FloatArray | None = None
    """Conductance times resistance of each cell, (R, C)."""
    when: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def passed(self) -> bool:
        """Whether nothing failed and nothing was left out because of a failure."""
        return bool(self.steps) and not any(step.verdict in ("failed", "not done") for step in self.steps)

    @property
    def summary(self) -> str:
        """The outcome in one sentence."""
        if failed := [step.name for step in self.steps if step.verdict == "failed"]:
            return f"{len(failed)} of {len(self.steps)} steps failed: {'; '.join(failed)}"
        passed = sum(step.verdict == "passed" for step in self.steps)
        open_ones = len(self.steps) - passed
        return f"{passed} steps passed, {open_ones} not measured" if open_ones else f"all {passed} steps passed"

    def as_record(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "bench": self.bench.name,
            "kind": self.bench.kind,
            "bench_sha256": electrical_hash(self.bench),
            "electrical": electrical(self.bench),
            "when": self.when.isoformat(timespec="seconds"),
            "passed": self.passed,
            "summary": self.summary,
            "resistors_ohm": self.ohms.tolist(),
            "tolerance": self.tolerance,
            "conductance_times_resistance": None
            if self.shares is None
            else np.where(np.isfinite(self.shares), self.shares, 0.0).round(6).tolist(),
            "instruments": self.device,
            "steps": [step.as_record() for step in self.steps],
        }


def with_board(bench: Bench, ohms: FloatArray) -> Bench:
    """Return an emulated bench that brings its instruments with a board in place of its chip; any other as it is.

    A board that its file names is the one that is there, whatever is said of it.
    """
    emulation = bench.emulation or EmulationTable()
    if not bench.brings_instruments or emulation.resistors is not None:
        return bench
    return bench.model_copy(update={"emulation": emulation.model_copy(update={"resistors": ohms.tolist()})})


def open_on_trial(bench: Bench) -> AbstractContextManager[GuardedBackend]:
    """Open a bench behind its guard, for a board of resistors."""
    return open_guarded(bench, seed=0, folder=session_folder(), on_trial=True)


def commission(
    bench: Bench,
    ohms: FloatArray,
    *,
    tolerance: float = TOLERANCE,
    agreed: Callable[[], object] = lambda: None,
    tell: Tell = lambda _: None,
    phase: Phase = no_phase,
    opener: Callable[[Bench], AbstractContextManager[Any]] = open_on_trial,
    file: str | None = None,
) -> Commissioning:
    """Prove a checked bench on a board of resistors.

    Parameters
    ----------
    ohms : ndarray of float, shape (R, C)
        Resistances of the board, in ohm.
    tolerance : float
        Of a single resistor.
    agreed : callable
        Called before the first voltage; what it raises ends the commissioning.
    tell : callable
        Told of each step as it is done.
    phase : Phase
        Told of what is waited for.
    opener : callable
        Opens the bench on trial.
    file : str, optional
        The bench as `crossbar_hil.bench.checking.check_bench` takes it; its name if not given.

    Raises
    ------
    ConfigError
        If the bench has no instruments or no limits, or cannot measure such a board; nothing was sent.
    Stopped
        If a person, or whoever else may, ended it; that is no finding.
    """
    if unfit := why_not_for(bench, ohms):
        raise ConfigError(unfit)
    found = Commissioning(bench, ohms, tolerance)
    told = partial(_note, found, tell)
    phase("asking the instruments who they are", brief=True)
    told(_identity(file or bench.name, found))
    if found.steps[-1].verdict == "failed":
        return _left_out(told, found, SETTINGS, SIGHTS, *LATER)
    agreed()
    plan: TrialPlan = load("backends", bench.backend).trial_plan(bench)
    board_bench = with_board(bench, ohms)
    under_way = SETTINGS
    session: Any = None
    try:
        phase(words_of_opening(board_bench))
        with opener(board_bench) as session:
            told(_settings(session))
            under_way = SIGHTS
            phase("reading the board in every state of the relays")
            board = _see(board_bench, ohms, tolerance, session, plan)
            found.shares = board.measured * ohms
            for number, each in enumerate(STATICS, start=1):
                told(each(board))
                if _stop(found):
                    _left_out(told, found, *_more_at_read_voltage(len(STATICS) - number))
                    break
            phase("making the bench safe", brief=True)
        if _stop(found):
            return _left_out(told, found, *LATER)
        under_way = COMPLIANCE
        phase("opening the bench with a smaller current limit")
        told(compliance(board, plan, opener))
        if _stop(found):
            return _left_out(told, found, *LATER[1:])
        phase("opening the bench for pulses, and sending them to the board")
        with opener(board_bench) as session:
            under_way = _pulse_steps(found, told, board, session)
            killed = hasattr(session, "guard_pid") and not _stop(found)
            if killed:
                os.kill(session.guard_pid, signal.SIGKILL)
        if killed:
            told(_killed(session))
        elif _stop(found):
            _left_out(told, found, KILLED)
        else:
            told(Step(KILLED).unmeasured("there is no guard process"))
    except Stopped as stopped:
        stopped.add_note("the commissioning did not come to its end, so it leaves no page and no record")
        raise
    except CrossbarError as error:
        _broken_off(found, told, under_way, session, error)
    return found


def _broken_off(
    found: Commissioning, told: Callable[[Step], None], under_way: str, session: Any, error: CrossbarError
) -> None:
    """Say of a step that it failed by an error, and what is left out because of it."""
    if under_way == KILLED and isinstance(error, GuardError):
        told(_killed(session))
        return
    told(failed_step(under_way, error, [*getattr(error, "__notes__", ()), WHO_ELSE]))
    names = [step.name for step in found.steps]
    _left_out(told, found, *(name for name in (SIGHTS, *LATER) if name not in names and name != under_way))


def _note(found: Commissioning, tell: Tell, step: Step) -> None:
    found.steps.append(step)
    tell(step)


def _stop(found: Commissioning) -> bool:
    return any(step.verdict == "failed" and step.dangerous for step in found.steps)


def _more_at_read_voltage(steps: int) -> list[str]:
    return [f"{steps} more step{'s' * (steps > 1)} at read voltage"] * (steps > 0)


def _left_out(told: Callable[[Step], None], found: Commissioning, *names: str) -> Commissioning:
    failed = next((step.name for step in found.steps if step.verdict == "failed" and step.dangerous), "a step")
    for name in names:
        told(Step(name, why=f"because this failed: {failed.partition(':')[0]}", verdict="not done"))
    return found


def _identity(file: str, found: Commissioning) -> Step:
    """See who answers; no voltage is sourced and no relay moves."""
    step = Step(IDENTITY)

    def seen(name: str, identity: Identity) -> None:
        who = f"{identity.maker} {identity.model}, serial {identity.serial}, {identity.firmware}"
        found.device[name] = who
        step.check(name, "as in the file", who, "", "[instruments]", True)

    try:
        problems = check_bench(file, seen, trains=False)
    except CrossbarError as error:
        problems = [str(error)]
    step.checks += [Check("the bench file", "sound", problem, "", "", ok=False) for problem in problems]
    all_met = found.device.keys() == found.bench.instruments.keys()
    others = "" if all_met else "another instrument at that address, two cables exchanged, or "
    step.causes = [f"{others}the file: `crossbar-hil check`"]
    return step.judged()


def _settings(session: Any) -> Step:
    """Say that the bench was set up and every setting came back as it was written; opening it has seen to that."""
    step = Step(SETTINGS)
    session.look([])
    for port, each in session.identify().get("settings", {}).items():
        told = ", ".join(_setting(*one) for one in each.items() if isinstance(one[1], int | float))
        step.check(port, "as set", told, "exactly", "read back by its driver", True)
    return step


def _setting(name: str, value: float) -> str:
    """Write a setting as a person reads it.

    >>> _setting("range_a", 1e-4), _setting("guard", True)
    ('range 100 uA', 'guard yes')
    """
    if isinstance(value, bool):
        return f"{name} {'yes' if value else 'no'}"
    words, _, unit = name.rpartition("_")
    return f"{words.replace('_', ' ')} {quantity(value, unit.upper())}" if unit in ("a", "v") else f"{name} {value:g}"


def _see(bench: Bench, ohms: FloatArray, tolerance: float, session: Trial, plan: TrialPlan) -> Board:
    wiring, limits = bench.wiring, bench.limits
    if wiring is None or limits is None:
        raise ConfigError(f"bench {bench.name} has no [wiring] or no [limits]")
    read_v = min(max(abs(bench.training.v0), abs(bench.training.v1)), limits.read_v)
    by_hand = bench.instruments[wiring.matrix].driver == "manual"
    model = BoardModel.of(bench, ohms)
    divided = None if model.guard_feeds_divider else model.divided
    readings = take_readings(session, plan, read_v, tuple(wiring.sources), by_hand=by_hand, divided=divided)
    rows, columns = ohms.shape
    lines = (*(f"row {row + 1}" for row in range(rows)), *(f"column {column + 1}" for column in range(columns)))
    return Board(bench, ohms, tolerance, model, readings, lines)


def _pulse_steps(found: Commissioning, told: Callable[[Step], None], board: Board, session: Any) -> str:
    """Send pulses within the limits; return the name of the step that comes next."""
    training, limits = board.bench.training, board.bench.limits
    if limits is None:
        return KILLED
    pulse = Pulse(training.amplitude_v, min(training.width_s, limits.width_s / 2))
    many = 2 + 2 * (1 + pulses.MANY)
    dose_vs = abs(pulse.amplitude_v) * pulse.width_s * (2 + 3 * (1 + pulses.MANY))
    if (limits.pulses or many) < many or (limits.dose_vs or dose_vs) < dose_vs:
        why = f"[limits] allow a cell less than the {many} pulses and {quantity(dose_vs, 'V s')} that this takes"
        for name in (pulses.HEIGHT_NAME, pulses.WIDTH_NAME):
            told(Step(name).unmeasured(why))
    else:
        for name, each in ((pulses.HEIGHT_NAME, pulses.height), (pulses.WIDTH_NAME, pulses.width)):
            try:
                told(each(board, session, pulse))
            except Stopped:
                raise
            except CrossbarError as error:
                told(failed_step(name, error, ["a current limit, a setting or a count that is not the one asked for"]))
            if _stop(found):
                _left_out(told, found, *LATER[LATER.index(name) + 1 : -1])
                return KILLED
    told(pulses.refused(board, session, pulse))
    return KILLED


def _killed(session: Any) -> Step:
    """Say how the bench was made safe after its guard was killed."""
    report = session.safe_report or {"confirmed": False, "failures": ["nothing is known"], "cause": ""}
    step = Step(KILLED)
    told = "outputs off and relays open, read back" if report["confirmed"] else "; ".join(report["failures"])
    step.check(
        "after kill -9 of the guard", "outputs off and relays open", told, "", "a second guard", report["confirmed"]
    )
    step.causes = ["switch the sources off by hand", "a relay or an output that does not do what it is told"]
    return step.judged()
