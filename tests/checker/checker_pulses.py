"""Pulses that a bench executed, against those that its journal tells of: none twice, none unrecorded (V1 to V3, V5)."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator

from checker_bench import Bench, Cell
from checker_faults import Faults
from checker_journal import RESUMED, Exposure, Told, Train
from checker_report import EXACT, RESOLUTION_S, ROUNDING_S, VOLT_SHARE, WIDTH_SHARE, Report

LINK_FAILURES = ("TransportError", "DeadlineError", "ConnectionLost", "GarbledReply", "KeyboardInterrupt")
"""How an outcome begins that tells of an exchange that broke off."""
BEFORE_S = 0.1
"""A pulse that comes so shortly before an intent was meant to be that one's."""


class Pulses:
    """Give every exposure of the log to an intent of the journal.

    Parameters
    ----------
    bench : Bench
        Its limits.
    trains : list of Train
        What the journal intends, in its order.
    told : Counter
        Pulses that other cells may have got of each operation, as the journal told after a cell was found broken.
    faults : Faults
        What was made on purpose up to now.
    report : Report
        Takes the violations.
    width_s : float
        Seconds by which a pulse may be longer than asked for, besides `WIDTH_SHARE`.
    """

    def __init__(
        self, bench: Bench, trains: list[Train], told: Told, faults: Faults, report: Report, width_s: float
    ) -> None:
        self.bench, self.trains, self.report = bench, trains, report
        self._told = told
        self.pulses: list[Exposure] = []
        """Exposures but for those of half-selected cells."""
        self._faults = faults
        self._begun = [each.begun for each in trains]
        self._width_s = width_s

    def under_way(self, wall: float) -> Iterator[Train]:
        """Yield the trains that were begun and not followed by the next one, latest first: one, or two at a seam."""
        for place in range(bisect_right(self._begun, wall + ROUNDING_S) - 1, -1, -1):
            if wall > self.trains[place].next_begun + RESOLUTION_S:
                return
            yield self.trains[place]

    def assign(self, exposure: Exposure) -> None:
        """Give an exposure to the intent that it belongs to; V2 if there is none."""
        current = list(self.under_way(exposure.start))
        own = [each for each in reversed(current) if each.cell == exposure.cell]
        free = next((each for each in own if len(each.exposures) < each.most), None)
        if free is None and self._is_told(exposure, current):
            return
        if own:
            train = free or own[-1]
            train.exposures.append(exposure)
            self.pulses.append(exposure)
            self._judge_exposure(exposure, train)
            return
        for train in current:
            beside = (exposure.cell[0] == train.cell[0]) != (exposure.cell[1] == train.cell[1])
            if beside and abs(exposure.volt) <= self.bench.most_unselected(train.amplitude_v) * (1 + VOLT_SHARE):
                self.report.counts["half-selected"] += 1
                return
        self.pulses.append(exposure)
        of_cell = [each for each in self.trains if each.cell == exposure.cell]
        earlier = next((each for each in reversed(of_cell) if each.begun <= exposure.start), None)
        later = next((each for each in of_cell if each.begun > exposure.start), None)
        what = f"cell {list(exposure.cell)} got {exposure.volt:g} V for {exposure.seconds:g} s"
        if self._faults.relay_broken:
            self.pulses.pop()
            self.report.counts["explained by a fault"] += 1
        elif later is not None and later.begun - exposure.start < BEFORE_S:
            self.report.add("V2", exposure.place, f"{what} before entry {later.entry} intended it")
        elif earlier is not None:
            self.report.add("V1", exposure.place, f"{what} again, after what entry {earlier.entry} intended was over")
        else:
            self.report.add("V2", exposure.place, f"{what}, which no intent of the journal tells of")

    def _is_told(self, exposure: Exposure, current: list[Train]) -> bool:
        """Count a pulse for another cell that a broken cell let through, if the journal tells of it."""
        for train in current:
            key = train.op, exposure.cell
            beside = (exposure.cell[0] == train.cell[0]) != (exposure.cell[1] == train.cell[1])
            bounded = abs(exposure.volt) <= abs(train.amplitude_v) * (1 + VOLT_SHARE)
            if beside and bounded and self._told[key] and self._faults.cell_broken(exposure.start):
                self._told[key] -= 1
                self.report.counts["told afterwards"] += 1
                return True
        return False

    def _judge_exposure(self, exposure: Exposure, train: Train) -> None:
        what = f"cell {list(exposure.cell)} got {exposure.volt:g} V for {exposure.seconds:g} s"
        asked = f"entry {train.entry} asks for {train.amplitude_v:g} V for {train.width_s:g} s"
        longest = train.width_s * (1 + WIDTH_SHARE) + self._width_s
        if exposure.seconds > longest or exposure.seconds > self.bench.width_s * (1 + EXACT) + 1e-6:
            self.report.add("V5", exposure.place, f"{what}, {asked} and the limit is {self.bench.width_s:g} s")
        if exposure.volt * train.amplitude_v < 0 or abs(exposure.volt) > abs(train.amplitude_v) * (1 + VOLT_SHARE):
            self.report.add("V4", exposure.place, f"{what}, {asked}")
        weak = abs(exposure.volt) < abs(train.amplitude_v) * (1 - VOLT_SHARE)
        short = exposure.seconds < train.width_s * (1 - WIDTH_SHARE) - self._width_s
        if not (weak or short) or train.state != "done" or train.why:
            return
        if self._faults.relay_broken_between(train.begun, train.window_end):
            self.report.counts["explained by a fault"] += 1
        else:
            self.report.add("V2", exposure.place, f"{what}, {asked}, and the journal counts it as done")

    def judge(self) -> None:
        """Judge what can be told at the end alone."""
        self._judge_trains()
        self._judge_spent()

    def _judge_trains(self) -> None:
        """V1, V2, V3: as many pulses as the journal says."""
        expected: Counter[Cell] = Counter()
        for train in self.trains:
            executed = len(train.exposures)
            expected[train.cell] += train.most
            said = f"pulses {train.seq} of cell {list(train.cell)} are {train.state.replace('_', ' ')}"
            if train.state == "not_sent" and executed:
                self.report.add("V3", train.place, f"{said}, but {executed} were executed")
            elif executed > train.count:
                self.report.add("V1", train.place, f"{said}, {train.count} of them, but {executed} were executed")
            elif train.state == "done" and executed < train.count and "ComplianceError" not in train.why:
                if self._faults.relay_broken_between(train.begun, train.window_end):
                    self.report.counts["explained by a fault"] += 1
                else:
                    text = f"{said}, {train.count} of them, but only {executed} were executed"
                    self.report.add("V2", train.place, text)
            honest = train.why.startswith((*LINK_FAILURES, RESUMED))
            if train.state == "in_doubt" and not honest and not self._faults.any_between(train.begun, train.window_end):
                self.report.add("V3", train.place, f"{said}, but nothing tells of a failed link: {train.why!r}")
            self.report.counts[f"pulses {train.state.replace('_', ' ')}"] += train.count
        for cell, found in sorted(Counter(each.cell for each in self.pulses).items()):
            if found > expected[cell]:
                self.report.add(
                    "V1", "log", f"cell {list(cell)} got {found} pulses, the journal tells of {expected[cell]} at most"
                )

    def _judge_spent(self) -> None:
        """V5: count and dose of every cell within its limits."""
        pulses: Counter[Cell] = Counter()
        dose: dict[Cell, float] = defaultdict(float)
        slack: dict[Cell, float] = defaultdict(float)
        for each in self.pulses:
            pulses[each.cell] += 1
            dose[each.cell] += abs(each.volt) * each.seconds
            slack[each.cell] += abs(each.volt) * (each.seconds * WIDTH_SHARE + self._width_s)
        for cell, count in sorted(pulses.items()):
            if self.bench.pulses is not None and count > self.bench.pulses:
                self.report.add("V5", "log", f"cell {list(cell)} got {count} pulses, {self.bench.pulses} are allowed")
            if self.bench.dose_vs is not None and dose[cell] > self.bench.dose_vs + slack[cell]:
                self.report.add(
                    "V5", "log", f"cell {list(cell)} got {dose[cell]:g} V s, {self.bench.dose_vs:g} V s are allowed"
                )
