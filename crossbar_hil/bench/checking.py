"""Name every problem of a bench at once, without sourcing a voltage."""

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray
from crossbar_hil.bench.file import Bench, load_bench
from crossbar_hil.bench.instruments import (
    Seen,
    ask_identity,
    find_resources,
    find_source,
    open_instrument,
    wrong_identity,
)
from crossbar_hil.bench.opening import check_chip_keys, open_backend
from crossbar_hil.bench.virtual_chips import end_siemens, start_range
from crossbar_hil.errors import ConfigError, CrossbarError
from crossbar_hil.instrument import Identity, SwitchMatrix
from crossbar_hil.plugins import load
from crossbar_hil.plugins import names as installed
from crossbar_hil.shipped import ShippedTask, data_file
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.settings import make_update
from crossbar_hil.twins.file import read_twin

SHORTED = 1e3
"""A conductance of more than this many typical cells is a short."""
OPEN = 1e-3
"""A conductance of less than this share of a typical cell is none."""
_HOST = re.compile(r"TCPIP\d*::(\[[0-9a-f:.]+\]|[^:]+)::", re.IGNORECASE)


class Problems(list[str]):
    """Sentences, gathered while the work goes on."""

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Take the sentence of an error instead of letting it through."""
        try:
            yield
        except ConfigError as error:
            self.extend(error.problems)
        except CrossbarError as error:
            self.append(str(error))


def check_bench(
    name_or_file: str,
    seen: Seen = lambda name, identity: None,  # noqa: ARG005
    *,
    task: str | ShippedTask | None = None,
    trains: bool = True,
) -> list[str]:
    """Return what is wrong with a bench, one sentence each; an empty list if nothing is.

    A file that cannot be read as a bench is all there is to say. Else everything is looked at: the file, then each
    instrument that can be opened is asked who it is, and what it can do is compared with what is asked of it. Outputs
    and relays stay as they are.

    `seen` is told of each instrument that has said who it is. Where nothing `trains`, it does not matter whether the
    patterns fit the chip. A `task`, or the one of its name, is laid over the bench.
    """
    problems = Problems()
    try:
        bench = load_bench(name_or_file, task=task)
    except ConfigError as error:
        return list(error.problems)
    factory = None
    with problems.collect():
        factory = load("backends", bench.backend)
    _check_file(bench, problems, trains)
    if factory is not None and bench.instruments:
        _check_instruments(bench, factory, problems, seen)
    elif not problems:
        with problems.collect():
            open_backend(bench, seed=0).make_safe()
    named = f"bench {bench.name}"
    return [each if each.startswith(f"{named} ") else f"{named}: {each}" for each in dict.fromkeys(problems)]


def reachable_by_others(bench: Bench) -> list[str]:
    """Say which instruments have an address that is not one of a private network; host names are not looked up.

    Instruments know no passwords, so whoever reaches one can switch it on.
    """
    found = []
    for name, table in bench.instruments.items():
        host = _HOST.match(table.resource or "")
        try:
            if host is None or ipaddress.ip_address(host[1].strip("[]")).is_private:
                continue
        except ValueError:
            continue
        found.append(
            f"instruments.{name} is at {host[1]}, no address of a private network: whoever reaches it can use it"
        )
    return found


def _check_file(bench: Bench, problems: Problems, trains: bool) -> None:
    """Note what can be seen without opening anything."""
    with problems.collect():
        make_update(bench.training)
    with problems.collect():
        _ = bench.limits
    if trains:
        _check_patterns(bench, problems)
    _check_limits(bench, problems)
    if not bench.instruments:
        return
    if bench.brings_instruments:
        with problems.collect():
            check_chip_keys(bench)
    if bench.kind not in ("emulated", "hardware"):
        problems.append(f"kind {bench.kind} does not go with instruments; it must be emulated or hardware")
    if bench.kind == "hardware" and bench.chip_id is None:
        problems.append("chip_id is missing, the name of the chip in the socket, by which its dose is kept")
    for name, table in bench.instruments.items():
        with problems.collect():
            load("instruments", table.driver)
        if bench.kind == "hardware" and table.resource is None and table.driver != "manual":
            problems.append(f"instruments.{name} has no resource, the VISA name of the instrument")
    given = Counter(table.resource for table in bench.instruments.values() if table.resource is not None)
    problems += [
        f"resource {name} is given to {number} instruments" for name, number in sorted(given.items()) if number > 1
    ]
    tables = {"wiring": bench.wiring, "scheme": bench.scheme, "measurement": bench.measurement}
    problems += [f"[{name}] is missing" for name, table in tables.items() if table is None]
    if bench.limits is None:
        problems.append("[limits] is missing; a chip behind instruments needs every limit written down")
    if bench.wiring is not None and bench.wiring.matrix not in bench.instruments:
        known = ", ".join(bench.instruments)
        problems.append(f"wiring.matrix {bench.wiring.matrix!r} is not among the instruments {known}")


def _check_patterns(bench: Bench, problems: Problems) -> None:
    shape = bench.shape
    with problems.collect():
        task = PatternSet.from_csv(bench.training.pattern_file)
        if shape is None:
            return
        rows, columns = shape
        bits, outputs = task.train.shape[1], task.train_labels.shape[1]
        if not bench.training.arrangement.is_plain or bench.training.cells is not None:  # it may leave lines out
            bench.training.arrangement.fit(shape, bits, outputs)
        elif columns % 2:
            problems.append(f"{columns} columns are odd; an output is the difference of two columns")
        elif (bits, outputs) != (rows, columns // 2):
            problems.append(
                f"patterns of {bits} bits with {outputs} label bits do not fit {rows} rows and {columns} columns"
            )


def _check_limits(bench: Bench, problems: Problems) -> None:
    limits, training = bench.limit_table, bench.training
    if limits is None:
        return
    for name, value, bound, unit in (
        ("training.v0", abs(training.v0), limits.read_v, "V"),
        ("training.v1", abs(training.v1), limits.read_v, "V"),
        ("training.amplitude_v", abs(training.amplitude_v), limits.pulse_v, "V"),
        ("training.width_s", training.width_s, limits.width_s, "s"),
    ):
        if value > bound:
            problems.append(f"{name} of {value:g} {unit} exceeds its limit of {bound:g} {unit}")


def _check_instruments(bench: Bench, factory: Any, problems: Problems, seen: Seen) -> None:
    """Note what the instruments say; no voltage is sourced and no relay moves."""
    if not hasattr(factory, "problems"):
        problems.append(f"backend {bench.backend!r} is not made of instruments, but the file names some")
        return
    largest = _largest_siemens(bench, problems)
    with ExitStack() as owned:
        instruments = _open_whole(bench, problems, owned, seen) if _can_be_opened(bench, factory) else {}
        sources = {}
        for port, source in bench.wiring.sources.items() if bench.wiring else ():
            if source.partition(".")[0] not in bench.instruments or source.partition(".")[0] in instruments:
                with problems.collect():
                    sources[port] = find_source(instruments, source)
        matrix = instruments.get(bench.wiring.matrix) if bench.wiring else None
        if matrix is not None and not isinstance(matrix, SwitchMatrix):
            problems.append(f"wiring.matrix {matrix.name!r} is no switch matrix")
            matrix = None
        problems += factory.problems(
            bench, sources=sources, matrix=matrix, largest_siemens=largest, cell_current=_cell_current(bench, problems)
        )


def _can_be_opened(bench: Bench, factory: Any) -> bool:
    """Say whether there is a bench to open: emulated instruments come with their wiring, so that has to be sound."""
    return bench.kind == "hardware" or (
        bench.kind == "emulated"
        and bench.wiring is not None
        and bench.wiring.matrix in bench.instruments
        and {table.driver for table in bench.instruments.values()}.issubset(installed("instruments"))
        and not factory.problems(bench.model_copy(update={"scheme": None}), sources={}, matrix=None)
    )


def _open_whole(bench: Bench, problems: Problems, owned: ExitStack, seen: Seen) -> dict[str, Any]:
    """Open and identify every instrument that can be."""
    found: dict[str, Any] = {}
    resources: Mapping[str, str | None] = {}
    with problems.collect():
        resources = find_resources(bench, np.random.default_rng(0), owned)
    for name, table in bench.instruments.items():
        if resources.get(name) is None and table.driver != "manual":
            continue
        with problems.collect():
            opened = open_instrument(name, table, resources.get(name) or "")
            owned.callback(opened.close)
            identity = ask_identity(name, table, opened)
            wrong = wrong_identity(name, table, identity)
            if wrong:
                problems.append(wrong + _find_swaps(name, identity, bench))
            else:
                seen(name, identity)
                found[name] = opened
    return found


def _largest_siemens(bench: Bench, problems: Problems) -> float | None:
    """Return what a cell of the virtual chip can conduct at most, if the file describes one."""
    if bench.chip is None:
        return None
    with problems.collect():
        virtual = load("backends", "simulated").from_bench(bench, np.random.default_rng(0))
        if bench.chip.twin is not None:
            return read_twin(data_file(bench.chip.twin)).largest_siemens()
        high = start_range(bench.chip, virtual.curve.levels_siemens[0])[1]
        return end_siemens(bench.chip, high, bench.chip.k * float(virtual.curve.span))
    return None


def _cell_current(bench: Bench, problems: Problems) -> Callable[[FloatArray, FloatArray], FloatArray] | None:
    """Return the currents of cells of some conductances at some voltages, if the file describes others than ohmic."""
    if bench.chip is None or bench.chip.cell == "ohmic":
        return None
    with problems.collect():
        virtual = load("backends", "simulated").from_bench(bench, np.random.default_rng(0))
        return virtual.cell.current
    return None


def _find_swaps(name: str, identity: Identity, bench: Bench) -> str:
    """Say which other instrument of the bench would fit who answers here."""
    for other, table in bench.instruments.items():
        if other != name and not wrong_identity(other, table, identity):
            return f"; it fits instruments.{other}, so the two addresses are probably swapped"
    return ""


def check_wiring(backend: Any, voltage_v: float) -> list[str]:
    """Return what a read of every pair of lines, at so many volts, says of the wiring: open, shorted and swapped lines.

    A row and a column show the conductance of their cell, two lines of one kind show nothing. That tells which lines
    are rows and which are columns, but not in which order they are; `crossbar_hil.bench.line_order` tells that.
    """
    rows, columns = backend.shape
    names = [*(f"row {row + 1}" for row in range(rows)), *(f"column {column + 1}" for column in range(columns))]
    between = backend.line_conductances(voltage_v)
    cells = between[np.isfinite(between) & (between > 0)]
    if not cells.size:
        return ["no two lines conduct: the chip is not connected, or every cell of it is open"]
    typical = float(np.median(cells))
    beyond = between > SHORTED * typical
    conducting = (between > OPEN * typical) & ~beyond
    driven, measured = conducting.any(axis=1), conducting.any(axis=0)
    conducting |= conducting.T
    # Which lines drive a short depends on where the read scheme holds the others; all lines of it are among them.
    shorted = [names[line] for line in range(rows + columns) if beyond[line].any()]
    found = [f"{' and '.join(shorted)} {_is_or_are(shorted)} shorted"] if shorted else []
    bare = [line for line in range(rows + columns) if not (conducting | beyond | beyond.T)[line].any()]
    found += [f"{names[line]} is open: nothing conducts to it" for line in bare]
    found += [
        f"{names[line]} conducts only when {'measured' if measured[line] else 'driven'}: one of its relays stays open"
        for line in np.flatnonzero(driven ^ measured)
        if not shorted
    ]
    swapped = _swapped_lines(conducting, rows)
    if any(swapped):
        told = ", or ".join(" and ".join(names[line] for line in each) for each in swapped)
        found.append(f"{told} {_is_or_are(swapped[0])} swapped: rows and columns are mixed up")
    return found


def _swapped_lines(conducting: BoolArray, rows: int) -> list[list[int]]:
    """Return which lines stand in places of the other kind; several answers where lines cannot tell.

    Rows conduct to columns alone, so the lines fall into two kinds. Two rows and two columns look the same whichever
    row was exchanged with whichever column. A line that nothing conducts to is where it should be, as far as one can
    say. Where lines are shorted their kinds cannot be told: no answer.
    """
    there = np.flatnonzero(conducting.any(axis=1))
    kind, as_wired = _two_kinds(conducting[np.ix_(there, there)]), there < rows
    kinds = [] if kind is None else [each for each in (kind, ~kind) if each.sum() == as_wired.sum()]
    answers = [there[each != as_wired].tolist() for each in kinds]
    return [each for each in answers if len(each) == min(map(len, answers))]


def _two_kinds(conducting: BoolArray) -> BoolArray | None:
    """Return whether each line is of the kind of the first, if lines conduct only to those of the other kind.

    None where two of one kind conduct to each other, or not all lines are connected.
    """
    kind = dict.fromkeys(range(len(conducting))[:1], True)
    for line in (reached := [*kind]):
        for other in np.flatnonzero(conducting[line]).tolist():
            if other not in kind:
                kind[other] = not kind[line]
                reached.append(other)
            elif kind[other] == kind[line]:
                return None
    return np.array([kind[line] for line in range(len(conducting))]) if len(kind) == len(conducting) else None


def _is_or_are(lines: Sequence[object]) -> str:
    return "is" if len(lines) == 1 else "are"
