"""What a journal says was done: so that a resumed training can be answered from it, and told cell by cell."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.backend import Pulse
from crossbar_hil.guard.inspection import read_journal
from crossbar_hil.guard.journal import Entry
from crossbar_hil.results.cell_tests import DOUBT, CellTest, Tester


class PulseCount(NamedTuple):
    """Pulses in a journal."""

    asked: int
    done: int
    in_doubt: int
    """Those without an outcome among them."""
    open: tuple[int, ...]
    """Sequence numbers of intents without an outcome."""


def count_pulses(entries: Iterable[Entry]) -> PulseCount:
    """Count the pulses in the entries of a journal."""
    counts: Counter[str] = Counter()
    train_of: dict[int, int] = {}
    asked = 0
    for entry in entries:
        if entry.kind == "intent":
            train_of[entry.body["seq"]] = entry.body["count"]
        elif entry.kind == "outcome":
            counts[entry.body["state"]] += train_of.pop(entry.body["seq"])
        elif entry.kind == "pulses":
            asked += sum(map(sum, entry.body["counts"]))
    return PulseCount(asked, counts["done"], counts["in_doubt"] + sum(train_of.values()), tuple(sorted(train_of)))


@dataclass
class Operation:
    """One request of the trainer, as far as it was carried out."""

    number: int
    kind: Literal["read", "pulses"]
    voltages: FloatArray | None = None
    currents: FloatArray | None = None
    counts: IntArray | None = None
    pulse: Pulse | None = None
    settled: IntArray | None = None
    """Pulses that were sent, or may have been and count as sent, (R, C)."""
    ended: bool = True
    """Whether it was acknowledged whole."""


@dataclass(frozen=True)
class Intent:
    """Pulses of which nobody has written down how they ended."""

    sequence: int
    operation: int
    cell: tuple[int, int]
    count: int


@dataclass
class Record:
    """Everything that a journal holds of a chip of R rows and C columns; a live run goes on with it."""

    shape: tuple[int, int]
    operations: list[Operation] = field(default_factory=list)
    open_intent: Intent | None = None
    """The last intent, if it has no outcome."""
    last_sequence: int = 0
    known: FloatArray | None = None
    """The last conductances that were measured of all cells, in siemens."""
    pulsed_since: BoolArray = field(default_factory=lambda: np.zeros((0, 0), dtype=bool))
    """Cells that may have been pulsed since then."""
    unseen: list[Intent] = field(default_factory=list)
    """What was sent, or may have been, since every line was last read without a short being found."""

    @classmethod
    def of(cls, entries: Iterable[Entry], shape: tuple[int, int]) -> "Record":
        """Read the entries of a verified journal."""
        record = cls(shape, pulsed_since=np.zeros(shape, dtype=bool))
        for entry in entries:
            record._take(entry.kind, entry.body)
        return record

    def _take(self, kind: str, body: dict[str, Any]) -> None:
        if kind == "read":
            voltages, currents = np.array(body["voltages"], float), np.array(body["currents"], float)
            self.operations.append(Operation(body["op"], "read", voltages=voltages, currents=currents))
            self._take_map(conductances_in(voltages, currents))
            self.note_read(voltages)
        elif kind == "check":
            self._take_map(np.array(body["conductances"], float))
            self.unseen.clear()
        elif kind == "pulses":
            pulse = Pulse(body["amplitude_v"], body["width_s"])
            counts = np.array(body["counts"], dtype=np.int64)
            settled = np.zeros(self.shape, dtype=np.int64)
            self.operations.append(
                Operation(body["op"], "pulses", counts=counts, pulse=pulse, settled=settled, ended=False)
            )
        elif kind == "intent":
            cell = int(body["row"]), int(body["column"])
            self.open_intent = Intent(body["seq"], body["op"], cell, body["count"])
            self.last_sequence = body["seq"]
            self.pulsed_since[cell] = True
        elif kind == "outcome":
            self.settle(body["state"])
        elif kind == "ended":
            self.operations[-1].ended = True
        elif kind == "exposed":
            self.unseen.clear()

    def settle(self, outcome: str) -> None:
        """Note how the open intent ended: what may have been sent counts as sent."""
        settled = self.operations[-1].settled
        if outcome != "not_sent" and self.open_intent is not None and settled is not None:
            settled[self.open_intent.cell] += self.open_intent.count
            self.unseen.append(self.open_intent)
        self.open_intent = None

    def note_read(self, voltages: FloatArray) -> bool:
        """Note that the chip was read, with these voltages (P, R) on its rows: a short on a driven row shows."""
        every: bool = bool(voltages.any(axis=0).all())
        if every:
            self.unseen.clear()
        return every

    def forget_done(self) -> None:
        """Let go of every operation but the last one and those of which something is unseen."""
        unseen = {intent.operation for intent in self.unseen}
        self.operations = [each for each in self.operations[:-1] if each.number in unseen] + self.operations[-1:]

    def sent_unseen(self) -> Iterator[tuple[Operation, IntArray]]:
        """Yield each operation with the pulses of it, (R, C), that no read of every line has followed yet."""
        for operation in self.operations:
            counts = np.zeros(self.shape, dtype=np.int64)
            for intent in self.unseen:
                if intent.operation == operation.number:
                    counts[intent.cell] += intent.count
            if counts.any():
                yield operation, counts

    def _take_map(self, conductances: FloatArray | None) -> None:
        if conductances is not None:
            self.known = conductances
            self.pulsed_since[:] = False


def conductances_in(voltages: FloatArray, currents: FloatArray) -> FloatArray | None:
    """Return the (R, C) conductances, in siemens, that a batch of reads holds: one read a row with that row alone.

    None if a row was never read alone.

    Examples
    --------
    >>> conductances_in(np.array([[0.1, 0.1], [0.1, 0.0], [0.0, 0.2]]), np.array([[3.0], [1.0], [4.0]]))
    array([[10.],
           [20.]])
    >>> conductances_in(np.array([[0.1, 0.1], [0.0, 0.2]]), np.array([[3.0], [4.0]])) is None
    True
    """
    rows = voltages.shape[1]
    found = np.full((rows, currents.shape[1]), np.nan)
    for vector, current in zip(voltages, currents, strict=True):
        driven = np.flatnonzero(vector)
        if len(driven) == 1:
            found[driven[0]] = current / vector[driven[0]]
    return None if np.isnan(found).any() else found


def tests_in_journal(path: Path, shape: tuple[int, int], evaluation: int | None) -> Iterator[CellTest]:
    """Tell what a journal says was done to each cell, at the times that its guard wrote down.

    Parameters
    ----------
    path : Path
        The journal.
    shape : tuple of int
        Rows and columns of the chip.
    evaluation : int, optional
        How many vectors are read in the evaluation with which an epoch begins; None without epochs.

    Raises
    ------
    JournalDamaged
        If it is not what was written.
    """
    tester, epoch, intent = Tester(shape), None if evaluation is None else 0, None
    for entry in read_journal(path):
        body = entry.body
        if entry.kind == "read":
            volts, currents = np.array(body["voltages"], float), np.array(body["currents"], float)
            epoch = epoch + 1 if epoch is not None and len(volts) == evaluation else epoch
            siemens = conductances_in(volts, currents)
            if siemens is not None:
                yield from tester.reads(siemens, _alone(volts), epoch, entry.utc)
        elif entry.kind == "intent":
            intent = body
        elif entry.kind == "outcome" and intent is not None:
            if body["state"] != "not_sent":
                yield from _sent(tester, shape, intent, epoch, entry.utc, "" if body["state"] == "done" else DOUBT)
            intent = None
    if intent is not None:
        yield from _sent(tester, shape, intent, epoch, "", DOUBT)


def _sent(
    tester: Tester, shape: tuple[int, int], intent: dict[str, float], epoch: int | None, utc: str, more: str
) -> Iterator[CellTest]:
    counts = np.zeros(shape, dtype=np.int64)
    counts[int(intent["row"]), int(intent["column"])] = int(intent["count"])
    return tester.pulses(counts, Pulse(intent["amplitude_v"], intent["width_s"]), epoch, utc, more)


def _alone(volts: FloatArray) -> FloatArray:
    """Return the voltage of each row in the last read in which it was driven alone."""
    found = np.zeros(volts.shape[1])
    for vector in volts:
        driven = np.flatnonzero(vector)
        if len(driven) == 1:
            found[driven[0]] = vector[driven[0]]
    return found
