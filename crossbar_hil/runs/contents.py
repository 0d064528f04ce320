"""What a folder of a run may hold: what reports and archives say of each file."""

from collections.abc import Mapping
from typing import NamedTuple

from crossbar_hil.bench.file import BENCH_FILE
from crossbar_hil.figures import REPORT


class Content(NamedTuple):
    """A file of a run."""

    media_type: str
    about: str
    """What it holds, for those who do not have this program."""
    word: str = ""
    """What a report calls it; empty if it does not lead there."""


CONTENTS: Mapping[str, Content] = {
    "run.sqlite": Content(
        "application/vnd.sqlite3", "Record: every number of the training, epoch by epoch, in SI units", "record"
    ),
    "spiking.json": Content(
        "application/json", "Record: settings of the spiking network, versions, how it ended", "record"
    ),
    "checkpoint.sqlite": Content(
        "application/vnd.sqlite3", "Network, record of its training and answers, as named arrays", "network"
    ),
    "programming.json": Content(
        "application/json", "Record: what was asked of the cells, versions, how it ended", "record"
    ),
    "task.sqlite": Content(
        "application/vnd.sqlite3", "Targets of the cells, and what was known of them, as named arrays", "targets"
    ),
    "rounds.sqlite": Content(
        "application/vnd.sqlite3", "Every read and every pulse, round by round, as named arrays", "rounds"
    ),
    "chip.sqlite": Content("application/vnd.sqlite3", "State of the virtual chip in the end, as named arrays"),
    "journal.sqlite": Content(
        "application/vnd.sqlite3", "Journal: every operation on the instruments, bound by hashes", "journal"
    ),
    BENCH_FILE: Content(
        "application/toml", "Bench: every setting of instruments, chip, training and conditions", "settings"
    ),
    "patterns.csv": Content("text/csv", "Patterns that were learnt, and those for the test", "patterns"),
    "curve.csv": Content("text/csv", "Measured conductance curve that a virtual chip has", "curve"),
    "journal.head": Content("text/plain", "Number and hash of the last entry of the journal"),
    "ledger.sqlite": Content("application/vnd.sqlite3", "Pulses and dose that each cell of the chip has received"),
    "physical.jsonl": Content(
        "application/x-ndjson", "What physically happened on the emulated bench", "log of the emulated bench"
    ),
    "emulated.json": Content("application/json", "State of the emulated chip"),
    REPORT: Content("text/html", "Report with figures, one page that needs nothing else"),
    "run.csv": Content("text/csv", "A line a step; facts and settings are comments above it", "CSV"),
    "run.nc": Content(
        "application/x-netcdf", "Named arrays with units, CF-1.8; facts and settings are attributes", "NetCDF"
    ),
    "pulses.csv": Content("text/csv", "A line a read or pulse of a cell", "reads and pulses"),
    "pulses.csv-metadata.json": Content("application/json", "What the columns of pulses.csv mean, with units (CSVW)"),
}
"""The files by their names, in the order in which a report names them."""
