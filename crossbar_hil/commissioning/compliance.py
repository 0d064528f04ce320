"""Whether a current limit trips: the same bench with a limit just below the board's own current."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np

from crossbar_hil.bench.file import Bench
from crossbar_hil.commissioning.board import Board
from crossbar_hil.commissioning.readings import Trial
from crossbar_hil.commissioning.steps import Step
from crossbar_hil.commissioning.trial import Sight, TrialPlan
from crossbar_hil.errors import ConfigError
from crossbar_hil.text import quantity

NAME = "compliance: a current limit trips at the current of the board, and only there"
BELOW = 0.9
"""The limit, as a share of the current at the read voltage."""
UNDER = 0.75
"""Of the read voltage, at which it must not trip: 0.75 / 0.9 of the limit."""
EXACT = 0.1
"""Share by which the current at the limit may differ from it: limits are good to 0.1 % of their range and more."""
Opener = Callable[[Bench], AbstractContextManager[Trial]]


def compliance(board: Board, plan: TrialPlan, opener: Opener) -> Step:
    """Set each source a limit below the current of the line that it drives, and see it trip, and not before."""
    step = Step(NAME)
    for place, port in enumerate(board.readings.sources):
        sight = _driving(port, plan, board)
        volts = {each: board.readings.read_v * volt for each, volt in sight.volts.items()}
        current = float(abs(board.model.currents([(sight.assignment, volts)])[0, place]))
        current += abs(float(board.readings.base_a[place]))
        limit = BELOW * current
        lower = _with_limit(board.bench, limit)
        try:
            with opener(lower) as trial:
                asked = [{each: way * volt for each, volt in volts.items()} for way in (0.0, UNDER, 1.0)]
                _, under, over = trial.look([(sight.assignment, asked)])[0]
        except ConfigError as error:
            step.check(f"{port} limited to {quantity(limit, 'A')}", "trips", f"not measured: {error}", "", "", True)
            continue
        told = "trips" if under[port].limited else "does not trip"
        what = f"{port} at {quantity(UNDER * current, 'A')}, limited to {quantity(limit, 'A')}"
        step.check(what, "does not trip", told, "", "", not under[port].limited)
        told = "trips" if over[port].limited else f"delivers {quantity(over[port].current_a, 'A')}"
        what = f"{port} at {quantity(current, 'A')}, limited to {quantity(limit, 'A')}"
        step.check(what, "trips", told, "", "", over[port].limited)
        if over[port].limited and np.isfinite(over[port].current_a):
            share = abs(over[port].current_a) / limit - 1
            step.check(
                f"{port} at its limit",
                quantity(limit, "A"),
                quantity(over[port].current_a, "A"),
                "10 %",
                "0.1 % of its range, ten times",
                abs(share) <= EXACT,
            )
    if all("not measured" in check.measured for check in step.checks):
        step.verdict, step.why = "not measured", "; ".join(check.measured for check in step.checks)[14:]
    step.causes = [
        "the limit that the instrument takes is another one: a range that holds it, auto range, a second program",
        "do not put a chip in: what limits a short is missing",
    ]
    return step.judged()


def _driving(port: str, plan: TrialPlan, board: Board) -> Sight:
    """Return the state in which a source alone drives the most through the board."""
    place = board.readings.sources.index(port)
    found = board.readings
    sights = [*(plan.pairs[key] for key in found.pairs.keys), *(plan.reads[key] for key in found.reads.keys)]
    alone = [Sight(each.assignment, {**dict.fromkeys(each.volts, 0.0), port: 1.0}) for each in sights]
    currents = np.abs(board.model.currents([(each.assignment, each.volts) for each in alone]))[:, place]
    return alone[int(currents.argmax())]


def _with_limit(bench: Bench, limit_a: float) -> Bench:
    """Return a bench with a lower current limit, and the ranges that go with it."""
    table = bench.measurement
    if table is None:
        return bench
    found = table.model_copy(update={"compliance_a": limit_a, "range_a": limit_a, "read_range_a": None})
    return bench.model_copy(update={"measurement": found})
