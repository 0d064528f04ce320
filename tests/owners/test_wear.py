import sqlite3
import subprocess
import sys

import pytest

from crossbar_hil.errors import RunError
from crossbar_hil.owners.wear import RelayWear, read_wear, wear_text


def test_closings_are_added_up_over_sessions_by_crosspoint(tmp_path):
    path = tmp_path / "relays" / "matrix.sqlite"
    assert read_wear(path) == {}
    first = RelayWear(path)
    for told in ({"1A01": 2, "1B05": 1}, {"1A01": 5, "1B05": 1, "2A03": 4}, {"1A01": 5, "1B05": 1, "2A03": 4}):
        first.note(told)  # counts from when the matrix was opened
    assert read_wear(path) == {"1A01": 5, "1B05": 1, "2A03": 4}
    first.close()
    second = RelayWear(path)
    second.note({"1A01": 1, "1C02": 3})
    second.close()
    assert read_wear(path) == {"1A01": 6, "1B05": 1, "1C02": 3, "2A03": 4}


def test_what_was_noted_is_whole_after_a_kill_in_the_middle_of_the_next(tmp_path):
    path = tmp_path / "matrix.sqlite"
    killed = (
        "import os, sys; from pathlib import Path; from crossbar_hil.owners.wear import RelayWear;"
        "wear = RelayWear(Path(sys.argv[1])); wear.note({'1A01': 7, '1A02': 7});"
        "wear._database.execute('BEGIN IMMEDIATE');"
        "wear._database.execute('UPDATE closing SET count = 100'); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", killed, str(path)], check=False).returncode == 9
    wear = RelayWear(path)
    wear.note({"1A01": 1})
    wear.close()
    assert read_wear(path) == {"1A01": 8, "1A02": 7}


def test_a_file_that_holds_no_counts_is_refused_by_its_name(tmp_path):
    path = tmp_path / "matrix.sqlite"
    path.write_bytes(b"no database at all, but long enough to be looked at as one" * 20)
    with pytest.raises(RunError, match=r"relay counts .*matrix\.sqlite cannot be kept"):
        RelayWear(path)
    with pytest.raises(RunError, match=r"relay counts .*matrix\.sqlite cannot be read"):
        read_wear(path)


def test_counts_that_another_process_holds_are_as_they_were(tmp_path, monkeypatch):
    monkeypatch.setattr("crossbar_hil.owners.wear.WAIT_S", 0.0)
    path = tmp_path / "matrix.sqlite"
    wear = RelayWear(path)
    wear.note({"1A01": 1})
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(RunError, match="cannot be kept"):
        wear.note({"1A01": 3})
    other.execute("ROLLBACK")
    other.close()
    wear.note({"1A01": 4})  # nothing is lost
    wear.close()
    assert read_wear(path) == {"1A01": 4}


def test_the_relay_that_closed_most_is_named_beside_what_it_is_rated_for():
    assert wear_text("matrix", {}, 100) == ""
    told = wear_text("matrix", {"1101": 5, "1203": 20_000_000, "1304": 7}, 100_000_000)
    assert told == (
        "matrix has closed its relays 20000012 times, most often 1203, 20000000 times; a relay is rated for 100000000 "
        "without load (20 %)"
    )
    assert wear_text("m", {"1A01": 1}, None).endswith("for how many it is rated says the data sheet of its card")
