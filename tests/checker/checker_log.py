"""The physical log of a bench, judged event by event: voltages, order of making safe, relays (V4, V7 to V9)."""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from checker_bench import Bench, Cell, Circuit
from checker_faults import Faults
from checker_journal import Exposure, Told, Train
from checker_pulses import Pulses
from checker_report import HOT_V, LIVE_V, VOLT_SHARE, WIDTH_S, CannotJudge, Report

Event = dict[str, Any]


def read_log(file: Path, report: Report) -> Iterator[Event]:
    """Yield the events of a physical log, each with its line; a last one that was cut short is left out."""
    if not file.is_file():
        raise CannotJudge(f"{file} is not there")
    if file.with_name(f"{file.name}.1").is_file():
        raise CannotJudge(f"{file} holds the last events alone (emulation.log = last)")
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                event = {**json.loads(line), "line": number}
            except ValueError:
                if line.endswith("\n"):
                    report.add("bench", f"line {number}", "it is no event")
            else:
                report.counts["events"] += 1
                yield event
    if not report.counts["events"]:
        raise CannotJudge(f"{file} holds no event")


class Judge:
    """Follow the log of a bench and judge every event by the journal."""

    def __init__(self, bench: Bench, trains: list[Train], told: Told, report: Report, width_s: float = WIDTH_S) -> None:
        self.bench, self.report = bench, report
        self.circuit = Circuit(bench)
        self.timeline: list[tuple[float, int, tuple[str, ...]]] = []
        """Wall clock, line and what is not safe, whenever that changes."""
        self.levels: list[tuple[float, float]] = []
        """Wall clock and size of every level other than 0 V of a source that was on."""
        self._threshold_v = math.inf
        self._raised: dict[Cell, float] = {}
        self._above: set[Cell] = set()
        self._hot: dict[str, tuple[float, float, float, bool, int]] = {}
        """Both clocks when each source was last above 50 mV, its voltage, whether by hand, since when steady."""
        self._off: set[str] = set()
        """Sources that were off since they were last above 50 mV: the bench was made safe."""
        self._opened_on: dict[str, tuple[int, bool]] = {}
        """Line at which the relays opened while each source was on, and whether that message was hit by a fault."""
        self._touched: dict[str, int] = {}
        """Line at which each source was last set."""
        self._steady: dict[str, int] = {}
        """Line at which each source was last set while it was off or at 0 V: what follows may hide its later levels."""
        self._moved = 0
        """Line at which relays last moved."""
        self._by_hand: set[str] = set()
        """Sources that are as somebody else has set them."""
        self._bad_state = ""
        self._faults = Faults(bench.matrix)
        self._pulses = Pulses(bench, trains, told, self._faults, report, width_s)
        self._violations: list[Event] = []

    def follow(self, events: Iterable[Event]) -> None:
        """Judge all events, in their order."""
        for event in events:
            handle = getattr(self, f"_on_{event['event']}", None)
            if handle is not None:
                handle(event)
            state = tuple(part for part in self.circuit.unsafe() if not self._faults.keeps(part))
            if not self.timeline or state != self.timeline[-1][2]:
                self.timeline.append((event["wall"], event["line"], state))
        self._tell_violations()
        self._pulses.judge()

    # ------------------------------------------------------------------ events

    def _on_begin(self, event: Event) -> None:
        self.circuit.reset()
        self._threshold_v = float(event["threshold_v"])
        for each in (self._above, self._hot, self._opened_on):
            each.clear()

    def _on_nemesis(self, event: Event) -> None:
        self.report.counts["faults"] += 1
        self._faults.note(event)

    def _on_source(self, event: Event) -> None:
        name, level, line = event["name"], float(event["level_v"]), event["line"]
        was_on, was = self.circuit.on.get(name, False), self.circuit.level.get(name, 0.0)
        if not was_on or abs(was) <= LIVE_V:
            self._steady[name] = self._touched.get(name, 0)
        if was_on and not event["on"]:
            self._judge_switching_off(event, was)
        if not event["on"]:
            self._off.add(name)
        elif abs(level) > HOT_V:
            self._off.discard(name)
        if was_on and abs(was) > HOT_V:
            since = self._steady.get(name, 0)
            self._hot[name] = (event["t"], event["wall"], was, name in self._by_hand, since)  # until now
        by_hand = self._faults.by_hand(name, self._touched.get(name, 0))
        (self._by_hand.add if by_hand else self._by_hand.discard)(name)
        self.circuit.on[name], self.circuit.level[name] = bool(event["on"]), level
        if event["on"] and level:
            self.levels.append((event["wall"], abs(level)))
        self._touched[name] = line
        self._judge_volts(event)

    def _on_relays(self, event: Event) -> None:
        opened, closed = ({(str(row), str(column)) for row, column in event[which]} for which in ("opened", "closed"))
        before = set(self.circuit.closed)
        after = (before - opened) | closed
        self.report.counts["relay moves"] += len(opened) + len(closed)
        if opened - before or closed & before:
            self.report.add("bench", f"line {event['line']}", "relays open or close that were so already")
        fell = self._faults.did(event, self.bench.matrix, self._moved)
        if not after:
            fell |= self._faults.falls(self.bench.matrix)
        opening = bool(before) and not closed and all(map(self._faults.holds, after))
        self._judge_hot(event, giving_up=opening, fell=fell)
        self.circuit.closed = after
        if after or fell:
            self._opened_on.clear()
        elif before:
            hit = self._faults.hit_message(self.bench.matrix, event)
            self._opened_on.update(
                {
                    name: (event["line"], hit)
                    for name, on in self.circuit.on.items()
                    if on and not self._faults.hit(name, self._touched.get(name, 0))  # it could not be switched off
                }
            )
        self._moved = event["line"]
        self._judge_state(event)
        self._judge_volts(event)

    def _on_violation(self, event: Event) -> None:
        if event["what"] == "hot switching":
            self._violations.append(event)  # judged with the move that follows
        else:
            invariant = "V8" if event["what"] == "short" else "bench"
            text = f"the bench saw: {event['what']} at {event['where']}"
            harmless = not any(abs(level) > LIVE_V for level in self.circuit.level.values())
            broken = self._faults.relay_broken or (harmless and self._faults.hit(self.bench.matrix))
            self._add(invariant, event, text, excused=invariant == "V8" and broken)

    def _on_exposure(self, event: Event) -> None:
        cell = (int(event["row"]), int(event["column"]))
        start = min(self._raised.pop(cell, math.inf), event["wall"])
        each = Exposure(event["line"], cell, float(event["volt"]), float(event["seconds"]), start)
        self.report.counts["exposures"] += 1
        self._pulses.assign(each)

    # ------------------------------------------------------------------ V7, V8

    def _add(self, invariant: str, event: Event, text: str, *, excused: bool = False) -> None:
        """Note a violation, or count it where a fault explains it."""
        if excused:
            self.report.counts["explained by a fault"] += 1
        else:
            self.report.add(invariant, f"line {event['line']}", text)

    def _judge_switching_off(self, event: Event, was: float) -> None:
        name, level, since = event["name"], float(event["level_v"]), self._steady.get(event["name"], 0)
        if abs(level) > HOT_V and abs(was) > HOT_V:
            text = f"{name} was switched off at {was:g} V, which was not brought to 0 V before"
            self._add("V7", event, text, excused=self._faults.hit(name, since))
        opened, hit = self._opened_on.get(name, (None, False))
        if opened is not None:
            # A matrix that was told to close others after or with that, and did not, had opened them on the way.
            text = f"{name} was switched off only after the relays had opened in line {opened}"
            between = hit or self._faults.hit(self.bench.matrix, opened)
            self._add("V7", event, text, excused=between or self._faults.hit(name, since))

    def _judge_hot(self, event: Event, *, giving_up: bool, fell: bool) -> None:
        """V8; relays may open under a voltage that cannot be taken away, as a contact is worth less than a chip."""
        hot = {
            name: level for name, level in self.circuit.level.items() if self.circuit.on[name] and abs(level) > LIVE_V
        }
        stays = giving_up and any(self._faults.hit(name, self._steady.get(name, 0)) for name in hot)
        excused = fell or stays or self._faults.relay_broken or bool(self._by_hand)
        for name, level in hot.items():
            if abs(level) > HOT_V:
                self._add("V8", event, f"relays move while {name} is on at {level:g} V", excused=excused)
        for name, (t, wall, volt, by_hand, since) in self._hot.items():
            lost = fell or (giving_up and self._faults.any_since(since))
            rest = event["t"] - t
            # A matrix that has no wait of its own is waited for by the host's clock, in the end and in the beginning.
            if giving_up or by_hand or name in self._off:
                rest = max(rest, event["wall"] - wall)
            if rest < self.bench.discharge_s * (1 - 1e-6):
                due = f"{self.bench.discharge_s:g} s are due"
                text = f"relays move {rest:g} s after {name} was at {volt:g} V, {due}"
                self._add("V8", event, text, excused=lost)
        self._tell_violations(excused=excused)

    def _tell_violations(self, *, excused: bool = False) -> None:
        if self._violations:
            most = max(abs(each["volt"]) for each in self._violations)
            text = f"the bench saw {len(self._violations)} relays switched hot, at up to {most:g} V"
            self._add("V8", self._violations[0], text, excused=excused)
            self._violations.clear()

    # ------------------------------------------------------------------ V9, V4

    def _judge_state(self, event: Event) -> None:
        """V9; a matrix that was hit by a fault may be wrong for as long as there is no voltage on it."""
        self._bad_state = self._wrong_state()
        if self._bad_state and not self._faults.hit(self.bench.matrix):
            self._add("V9", event, self._bad_state)

    def _wrong_state(self) -> str:
        ports_of, strangers = self.circuit.ports_of_lines()
        if strangers:
            return f"{' to '.join(strangers[0])} is closed, which is no port and line of the bench"
        for line, ports in ports_of.items():
            if len(ports) > 1:
                return f"{self._line(line)} is on the ports {' and '.join(ports)} at once"
        if not self.bench.allows({line: ports[0] for line, ports in ports_of.items()}):
            shown = ", ".join(f"{self._line(line)} on {ports[0]}" for line, ports in sorted(ports_of.items()))
            return f"no scheme of the bench has {shown}"
        return ""

    def _judge_volts(self, event: Event) -> None:
        """V4: what every cell may see now; V9: voltage only on a state that is whole, a pulse only on a write state."""
        volts, wall = self.circuit.cell_volts(), event["wall"]
        for cell, volt in volts.items():
            if abs(volt) < 0.9 * self._threshold_v:
                self._above.discard(cell)
            elif cell not in self._above:
                self._above.add(cell)
                self._raised[cell] = wall
        if not self.circuit.live_lines():
            return
        ports_of, _ = self.circuit.ports_of_lines()
        left_open = [line for line in range(sum(self.bench.shape)) if line not in ports_of]
        wrong = f"{self._line(left_open[0])} is open" if left_open else self._bad_state
        broken = self._faults.relay_broken or bool(self._by_hand)
        if wrong:
            self._add("V9", event, f"{wrong} while the chip is under voltage", excused=broken)
        worst = max(volts, key=lambda cell: abs(volts[cell]))
        if abs(volts[worst]) <= self.bench.read_v * (1 + VOLT_SHARE):
            return
        trains = [each for each in self._pulses.under_way(wall) if wall <= each.window_end]
        problems = [self._wrong_pulse(train, volts, ports_of) for train in trains]
        if not trains:
            allowed = f"{self.bench.read_v:g} V are allowed"
            text = f"cell {list(worst)} is under {volts[worst]:g} V with no pulse to be sent, {allowed}"
            self._add("V4", event, text, excused=broken)
        elif all(problems):
            for invariant, text in problems[0]:
                self._add(invariant, event, text, excused=broken)

    def _wrong_pulse(
        self, train: Train, volts: dict[Cell, float], ports_of: dict[int, list[str]]
    ) -> list[tuple[str, str]]:
        """Say what is wrong with the voltages during pulses, if anything."""
        seen, cell, found = volts[train.cell], list(train.cell), []
        if abs(seen) > self.bench.pulse_v * (1 + VOLT_SHARE):
            found.append(("V4", f"cell {cell} is under {seen:g} V, {self.bench.pulse_v:g} V are allowed"))
        elif abs(seen) > abs(train.amplitude_v) * (1 + VOLT_SHARE) or seen * train.amplitude_v < 0:
            found.append(("V4", f"cell {cell} is under {seen:g} V, {train.amplitude_v:g} V were to be sent"))
        others = {other: volt for other, volt in volts.items() if other != train.cell}
        worst = max(others, key=lambda other: abs(others[other]), default=None)
        allowed = self.bench.most_unselected(train.amplitude_v)
        if worst is not None and abs(others[worst]) > allowed * (1 + VOLT_SHARE):
            text = f"cell {list(worst)} is under {others[worst]:g} V while cell {cell} is pulsed"
            found.append(("V4", f"{text}, {allowed:g} V are allowed"))
        if self.bench.selected({line: ports[0] for line, ports in ports_of.items()}) != train.cell:
            found.append(("V9", f"a pulse is on while the relays do not select cell {cell}"))
        return found

    def _line(self, line: int) -> str:
        rows = self.bench.shape[0]
        return f"row {line}" if line < rows else f"column {line - rows}"
