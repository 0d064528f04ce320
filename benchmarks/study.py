"""What a script can measure: tables by name, each made row by row, written as a result and into the pages."""

import argparse
import importlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pages
import results


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
    found: dict[str, Study] = importlib.import_module(script).studies()
    return found


def run(script: str, name: str, study: Study, holding: str = "", command: str = "") -> None:
    """Measure a study, show what came, and write it down unless only rows `holding` a text were wanted."""
    origin = results.provenance(command)
    rows = {}
    for row, measure in study.rows.items():
        if holding in row:
            rows[row] = measure()
            print(f"{name} / {row}: {rows[row]}", flush=True)
    if not holding:
        fields = study._asdict() | {"script": script, **origin, "rows": rows}
        results.write(name, **fields)


def main(doc: str | None, studies: Callable[[], dict[str, Study]], needs: str = "") -> None:
    """Measure what the command line asks for, all if nothing is said, and bring the pages up to date.

    `needs` stands before the command: an environment variable that the script reads.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these tables alone")
    parser.add_argument("--rows", default="", help="only rows whose name holds this text; nothing is written then")
    given = parser.parse_args()
    known = studies()
    script = Path(sys.argv[0]).stem
    unknown = set(given.only or ()) - set(known)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: not among {', '.join(known)}")
    for name in given.only or known:
        run(script, name, known[name], given.rows, f"{needs}python benchmarks/{script}.py --only {name}")
    if not given.rows:
        pages.fill()
