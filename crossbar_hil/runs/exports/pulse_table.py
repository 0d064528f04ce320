"""The table that labs deposit: a line a read or pulse of a cell, and beside it what its columns mean, as CSVW.

CSVW: W3C Recommendation "Metadata Vocabulary for Tabular Data", 17 December 2015. The file of a table ``x.csv`` is
found by its name ``x.csv-metadata.json`` (section 5.3 of "Model for Tabular Data and Metadata on the Web").
"""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from crossbar_hil.results.cell_tests import DEPRESSION, DOUBT, POTENTIATION, READ, STATE, CellTest
from crossbar_hil.runs.run import Run

SIDECAR = "-metadata.json"
"""Ends the name of the file that describes a table."""


class Column(NamedTuple):
    """One column of the table."""

    name: str
    datatype: str
    """As XML Schema calls it."""
    about: str
    unit: str = ""


COLUMNS = (
    Column("word_line", "integer", "Word line (row of the chip, input), counted from 1"),
    Column("bit_line", "integer", "Bit line (column of the chip, output), counted from 1"),
    Column(
        "test_type",
        "string",
        f"{READ}: the conductance was read; {POTENTIATION} or {DEPRESSION}: one pulse was sent, '{DOUBT[2:]}' if "
        f"nobody knows whether it was; {STATE}: conductance of a synapse that is computed",
    ),
    Column("voltage_v", "double", "Voltage of the read or height of the pulse", "V"),
    Column("width_s", "double", "Width of the pulse; empty for a read", "s"),
    Column("resistance_ohm", "double", "Inverse of the conductance, where that is above zero", "ohm"),
    Column("conductance_siemens", "double", "Conductance that was read", "S"),
    Column("pulse_count", "integer", "Pulses that the cell had got in this run, with this one if it is one"),
    Column("epoch", "integer", "Evaluation, from 1, to which the read belongs or after which the pulse was sent"),
    Column("time_utc", "dateTime", "When it was done or, on a chip without instruments, written down"),
    Column("device", "string", "simulated, emulated or hardware: only the last is a real chip"),
)


def row_of(test: CellTest, kind: str) -> Sequence[Any]:
    """Return a line of the table, of a device of a kind."""
    return (*test[:5], test.resistance_ohm, *test[5:], kind)


def write_pulses(run: Run, path: Path) -> list[Path]:
    """Write the table of a run to a new file, and what its columns mean to another beside it.

    Raises
    ------
    RunError
        If the run has none.
    OSError
        If a file exists or cannot be written.
    """
    beside = path.with_name(path.name + SIDECAR)
    text = json.dumps(describe(run, path.name), indent=1)
    made: list[Path] = []
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            made.append(path)
            lines = csv.writer(file, lineterminator="\n")
            lines.writerow([column.name for column in COLUMNS])
            for test in run.cell_tests():
                lines.writerow(["" if value is None else value for value in row_of(test, run.kind)])
        with beside.open("x", encoding="utf-8") as meaning:
            made.append(beside)
            meaning.write(f"{text}\n")
    except BaseException:
        for each in made:  # half a table is none
            each.unlink()
        raise
    return made


def describe(run: Run, name: str) -> dict[str, Any]:
    """Return what a table of that name holds, as CSVW says it."""
    about = run.about()
    columns = [
        {
            "name": each.name,
            "titles": each.name,
            "datatype": each.datatype,
            "dc:description": each.about,
            **({"schema:unitText": each.unit} if each.unit else {}),
        }
        for each in COLUMNS
    ]
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "url": name,
        "dc:title": f"Reads and pulses of each cell. {about['title']}",
        "dc:source": about["source"],
        "dc:provenance": about["history"],
        "notes": [{"facts": run.facts, "settings": run.tables}],
        "tableSchema": {"columns": columns},
    }
