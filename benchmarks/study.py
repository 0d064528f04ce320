"""What a script can measure: tables by name, each made row by row, written as a result and into the pages.

Times are the median of `ROUNDS` runs. A run measures every row once, one after the other, so that whatever else the
machine does meanwhile is shared by all; on one core, with one thread of the libraries of linear algebra.
"""

import argparse
import importlib
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from crossbar_hil.benchmarks import pages, results

ROUNDS = 5
CORES: set[int] = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
"""Those that this process may use; none where the system does not tell, and lets none be chosen."""
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
"""Read by the libraries as they are imported."""


class Study(NamedTuple):
    """A table that can be made again."""

    about: str
    """Seeds and sizes in words; stands below the table."""
    columns: dict[str, str]
    """Heading and contents of each column, a format of the fields of a row, of which ``name`` is one."""
    rows: Mapping[str, Callable[[], dict[str, Any]]]
    """What measures the fields of each row, by its name."""
    repeatable: bool = True
    """Whether the same code gives the same values again: not where they are times."""


def of_script(script: str) -> dict[str, Study]:
    """Return the studies of a script, by the name of their result."""
    module = results.path_of(script).removesuffix(".py").replace("/", ".")
    found: dict[str, Study] = importlib.import_module(f"crossbar_hil.{module}").studies()
    return found


def with_one_thread() -> None:
    """Start this program again with one thread of linear algebra, unless it has been."""
    if any(name not in os.environ for name in ONE_THREAD):
        os.execve(sys.executable, [sys.executable, *sys.argv], ONE_THREAD | os.environ)


@contextmanager
def on(cores: set[int]) -> Iterator[None]:
    """Keep this process, and what it starts, on some cores meanwhile."""
    before = os.sched_getaffinity(0) if cores else set()
    if cores:
        os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        if before:
            os.sched_setaffinity(0, before)


def run(wanted: Mapping[str, tuple[str, Study]], command: str, *, holding: str = "", rounds: int = ROUNDS) -> None:
    """Measure studies of scripts in turn, show what came, and write it down if it is all of it.

    Parameters
    ----------
    wanted : mapping
        Name of a script, and a study of it, by the name of the result.
    command : str
        What was typed for them: ``{script}``, its path, and ``{name}``, that of the result, are filled in.
    holding : str
        Only rows whose name holds this; nothing is written then.
    rounds : int
        Of those that are times; with fewer than `ROUNDS` they are not written.
    """
    origins = {
        name: results.provenance(command.format(script=results.path_of(script), name=name))
        for name, (script, _) in wanted.items()
    }
    found: dict[str, dict[str, list[dict[str, Any]]]] = {name: {} for name in wanted}
    timed = any(not study.repeatable for _, study in wanted.values())
    core = {min(CORES)} if timed and CORES else set()
    loads = [os.getloadavg()[0]]
    with on(core):
        for number in range(rounds):
            for name, (script, study) in wanted.items():
                for row, measure in study.rows.items():
                    if holding in row and not (study.repeatable and number):
                        found[name].setdefault(row, []).append(measure())
                        print(f"{name} / {row}: {found[name][row][-1]}", flush=True)
                loads.append(os.getloadavg()[0])
                if holding or (number if study.repeatable else number + 1 != ROUNDS):
                    continue
                fields = study._asdict() | {"script": script, **origins[name]}
                if not study.repeatable:
                    fields |= {"runs": rounds, "load": [min(loads), max(loads)], "core": min(core, default=None)}
                results.write(name, **fields | {"rows": {row: _median(each) for row, each in found[name].items()}})


def _median(values: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each field of some runs; of what is no number, the first."""
    return {
        key: statistics.median(each[key] for each in values) if isinstance(first, float) else first
        for key, first in values[0].items()
    }


def main(doc: str | None, studies: Callable[[], dict[str, Study]], needs: str = "") -> None:
    """Measure what the command line asks for, all if nothing is said, and bring the pages up to date.

    `needs` stands before the command: an environment variable that the script reads.
    """
    known, script = studies(), Path(sys.argv[0]).stem
    given = read_command_line(doc, known)
    if any(not known[name].repeatable for name in given.only):
        with_one_thread()
    wanted = {name: (script, known[name]) for name in given.only}
    run(wanted, needs + "python {script} --only {name}", holding=given.rows, rounds=given.rounds)
    if not given.rows:
        pages.fill()


def read_command_line(doc: str | None, known: Mapping[str, Any]) -> argparse.Namespace:
    """Read which of the known tables are wanted, all if nothing is said."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[*known], help="these tables alone")
    parser.add_argument("--rows", default="", help="only rows whose name holds this text; nothing is written then")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"runs of what are times ({ROUNDS}); with fewer none is written"
    )
    given = parser.parse_args()
    if not Path(sys.argv[0]).resolve().is_relative_to(results.ROOT):
        parser.error(
            f"{sys.argv[0]} is not in {results.ROOT}, the checkout that crossbar_hil is installed from: "
            "pip install -e . in its own checkout"
        )
    unknown = set(given.only) - set(known)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: not among {', '.join(known)}")
    return given
