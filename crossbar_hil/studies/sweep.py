"""A sweep: every combination of the values of some settings is a point; its table, its files and what is told of it."""

import csv
import io
import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from crossbar_hil.bench.virtual_chips import lines_of_chips
from crossbar_hil.errors import ConfigError
from crossbar_hil.figures import REPORT
from crossbar_hil.results.arrays import Variable, cf_name
from crossbar_hil.results.result import Result, Series
from crossbar_hil.studies.axes import Axis
from crossbar_hil.studies.folder import write_json, write_text
from crossbar_hil.studies.settings import Key, Value
from crossbar_hil.studies.study import Told
from crossbar_hil.text import table_lines

SWEEP, POINTS, MAP = "sweep.json", "points.csv", "map.png"
MOST_POINTS = 100_000
"""More points in one sweep are a slip of the pen."""
AXES_OF_MAP = 2
"""So many settings may vary if there is to be a map."""
MOST_LINES = 40
"""Points up to which each has a line on the terminal."""


@dataclass(frozen=True, slots=True)
class Sweep(ABC):
    """The points of a sweep."""

    axes: tuple[Axis, ...]
    seed: int
    values: tuple[tuple[Value, ...], ...]
    """Of the axes, for each point."""

    @abstractmethod
    def plan(self) -> dict[str, Any]:
        """Return what was asked for, as the folder keeps it."""

    def describe(self, point: int) -> str:
        """Write the settings of a point for a message."""
        return describe_settings([axis.key for axis in self.axes], self.values[point])


class SweepResult(Result, ABC):
    """What came of a sweep."""

    __slots__ = ()

    noun: ClassVar[str]
    """What is counted at each point."""
    sweep: Sweep

    @property
    @abstractmethod
    def best(self) -> int:
        """Number of the best point."""

    @abstractmethod
    def statistics(self) -> list[dict[str, Any]]:
        """Return the statistics of every point."""

    @abstractmethod
    def share(self, point: int) -> str:
        """Write how good a point is."""

    @abstractmethod
    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return names of columns and, for every point, what a person wants to see of it beside its settings."""

    @abstractmethod
    def describe_count(self) -> tuple[int, str]:
        """Return how many were counted at each point, and a sentence on them."""

    def _as_good(self) -> str:
        """Say how many other points have the share of the best one; empty if none has."""
        shares = [self.share(point) for point in range(len(self.sweep.values))]
        others = shares.count(shares[self.best]) - 1
        return f"; the share is the same at {others} other point{'s' * (others > 1)}" if others else ""

    def describe_best(self) -> dict[str, Any]:
        """Return what there is to say of the virtual chips of the best point, as `lines_of_chips` takes it."""
        return {}

    def told(self) -> list[tuple[str, str]]:
        """Return the best point, and how many were counted at each."""
        return [
            ("best", f"{self.sweep.describe(self.best)}: {self.share(self.best)}"),
            ("points", str(len(self.sweep.values))),
            (self.noun, self.describe_count()[1]),
        ]

    def series(self) -> Series:
        """Return one line a point."""
        return Series.of(self.rows())

    def variables(self) -> dict[str, Variable]:
        """Return the statistics over a grid of the settings, not a number where there is none."""
        axes = self.sweep.axes
        names, shape = tuple(cf_name(str(axis.key)) for axis in axes), [len(axis.values) for axis in axes]
        found = {
            name: Variable((name,), np.array(axis.values), axis.key.unit or "1", str(axis.key))
            for name, axis in zip(names, axes, strict=True)
        }
        statistics = self.statistics()
        for name in dict.fromkeys(name for each in statistics for name in each):
            values = [each.get(name) for each in statistics]
            numbers = np.array([np.nan if value is None else value for value in values]).reshape(shape)
            found[cf_name(name)] = Variable(names, numbers, "1", name.replace("_", " "))
        return found

    def rows(self) -> list[dict[str, Any]]:
        """Return settings and statistics of every point."""
        names = [str(axis.key) for axis in self.sweep.axes]
        return [
            {**dict(zip(names, values, strict=True)), **found}
            for values, found in zip(self.sweep.values, self.statistics(), strict=True)
        ]

    def as_record(self) -> dict[str, Any]:
        """Return plan and statistics."""
        rows = self.rows()
        return {**self.sweep.plan(), "best": rows[self.best], "points": rows}

    def write(self, folder: Path) -> None:
        """Write the statistics into files."""
        write_text(folder / POINTS, as_csv(self.rows()))
        write_json(folder / SWEEP, self.as_record())

    def tell(self, folder: Path, draw: Callable[[Path], object]) -> Told:
        """Say what came of the sweep in a folder; `draw` draws its map there, if it has one, and writes its report."""
        mapped = sum(len(axis.values) > 1 for axis in self.sweep.axes) <= AXES_OF_MAP
        number, sentence = self.describe_count()
        points = range(len(self.sweep.values))
        few = len(points) <= MOST_LINES
        width = max(len(self.noun), len("folder")) + 2
        lines = [
            *([*lines_of_points(self.sweep.axes, self.sweep.values, *self.table()), ""] if few else []),
            f"{'best':{width}}{self.sweep.describe(self.best)}: {self.share(self.best)}{self._as_good()}",
            f"{self.noun:{width}}{sentence}",
            *lines_of_chips(self.describe_best()),
            f"{'folder':{width}}{folder}: {POINTS}, {SWEEP}",
            *([] if mapped else ["no map: more than two settings vary"]),
        ]
        record = {
            "folder": str(folder),
            "status": "done",
            "points": len(points),
            self.noun: number,
            "seed": self.sweep.seed,
            "best": self.rows()[self.best],
            "files": [POINTS, SWEEP, *([MAP] if mapped else []), REPORT],
            **({"virtual_chips": self.describe_best()} if self.describe_best() else {}),
        }

        def drawn() -> list[str]:
            draw(folder)
            return [*([f"{'map':{width}}{folder / MAP}"] if mapped else []), f"{'report':{width}}{folder / REPORT}"]

        return Told(lines, record, drawn)


def combine(axes: Sequence[Axis]) -> tuple[tuple[Value, ...], ...]:
    """Return every combination of the values of some axes, the first slowest.

    Raises
    ------
    ConfigError
        If there is no axis, or there are too many points.
    """
    total = math.prod(len(axis.values) for axis in axes)
    if not axes:
        raise ConfigError("a sweep needs at least one setting that varies, --over KEY=VALUES")
    if total > MOST_POINTS:
        raise ConfigError(f"a sweep of {total} points, at most {MOST_POINTS} are possible")
    return tuple(itertools.product(*(axis.values for axis in axes)))


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """Write rows that have the same keys as a CSV."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def lines_of_points(
    axes: Sequence[Axis], values: Sequence[Sequence[Value]], header: Sequence[str], cells: Sequence[Sequence[str]]
) -> list[str]:
    """Return the lines of a table of points: the settings that vary, and what came of each point."""
    varying = [place for place, axis in enumerate(axes) if len(axis.values) > 1] or [0]
    named = [axes[place].key.label for place in varying]
    rows = [
        [*(value_text(settings[place]) for place in varying), *row] for settings, row in zip(values, cells, strict=True)
    ]
    return table_lines([*named, *header], rows)


def describe_settings(keys: Sequence[Key], values: Sequence[Value]) -> str:
    """Write settings for a message.

    >>> from crossbar_hil.studies.settings import find_key
    >>> describe_settings([find_key("beta")], [5e7])
    'beta 5e+07'
    """
    return ", ".join(f"{key} {value_text(value)}" for key, value in zip(keys, values, strict=True))


def value_text(value: Value) -> str:
    """Write a value for a message."""
    return f"{value:g}" if isinstance(value, float) else str(value)
