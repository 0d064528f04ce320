"""Every setting of every emulated model in a foreign hand: the training ends the same, or stops and names it.

The short profile takes some lines of each model, and two evaluations in place of three.
``pytest -m campaign -s tests/campaigns/test_foreign_hand.py`` takes all, some fifteen thousand trainings (half an
hour); ``-k "[keithley2400]"`` those of one model. ``CROSSBAR_HIL_HAND`` names a folder that keeps what is done, a file
a model, and from which a later call goes on; ``CROSSBAR_HIL_STRIDE=25`` takes every 25th line only.
"""

import json
import os
import shutil
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from crossbar_hil.drivers.rig import Rig

from .foreign_hand import KINDS, lines_for, train, verdict

pytestmark = pytest.mark.fault("V14", "I13")
STRIDE = int(os.environ.get("CROSSBAR_HIL_STRIDE", "1"))
SHORT = 2
"""Evaluations of the short profile."""
FOLDER = os.environ.get("CROSSBAR_HIL_HAND")
SAMPLE = (
    ("keithley2400", "left", ":TRIG:DEL 0.5", "same"),
    ("keithley2400", "last", ":TRIG:DEL 0.5", "same"),
    ("keithley2400", "last", ":SYST:GUAR CABL", "same"),
    ("keithley2450", "between", ":INIT", "told"),
    ("keithley2450-meter", "between", ":SENS:CURR:AVER ON", "named"),
    ("keithley2602b", "between", "smua.source.func = 0", "named"),
    ("keithley2602b", "pulses", "smub.measure.filter.enable = 1", "named"),
    ("keithley2602b", "last", "smua.source.rangev = 40", "named"),
    ("keysightb2902a", "left", ":SENS2:REM ON", "same"),
    ("keysightb2902a", "last", ":ARM1:ALL:COUN 3", "same"),
    ("keysightb2902a", "pulses", ":FORM REAL,64", "named"),
    ("keithley7001", "between", ":OPEN:ALL", "named"),
    ("keithley7002", "left", ":CLOS (@1!1!1)", "same"),
    ("keithley707b", "between", "channel.close('1A07')", "named"),
    ("keithley708b", "pulses", "channel.open('allslots')", "named"),
    ("keithley3706a", "pulses", "channel.setforbidden('1107')", "same"),
    ("keysight34980a", "pulses", ":ROUT:OPEN:ALL", "named"),
    ("keysightb2200a", "between", ":CONN:SEQ 0,MBBR", "told"),
    ("keysightb2201a", "left", ":BIAS 0,ON", "same"),
)
"""Model, moment, line, and how the training ends."""


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """What a training without a hand comes to: usual(kind, epochs); one of each bench."""
    folder = tmp_path_factory.mktemp("usual")

    @cache
    def of(smu, matrix, epochs):
        kind = next(each for each in KINDS.values() if (each.smu, each.matrix) == (smu, matrix))
        seen = train(folder / f"{smu}_{matrix}_{epochs}", kind, epochs=epochs)
        assert seen.error is None
        assert seen.findings == []
        assert len(seen.pulses) == 2 * (epochs - 1)
        return seen

    return lambda kind, epochs: of(kind.smu, kind.matrix, epochs)


@pytest.mark.parametrize(("name", "moment", "line", "ending"), SAMPLE)
def test_a_foreign_hand_changes_nothing_or_is_named(tmp_path, usual, name, moment, line, ending):
    kind = KINDS[name]
    found, said = ending_of(tmp_path / "run", kind, line, moment, usual, epochs=SHORT)
    assert found == ending, said


def test_a_hand_that_nobody_looks_for_is_found_by_the_judge(tmp_path, usual, monkeypatch):
    kind = KINDS["keithley7001"]
    usual(kind, SHORT)
    monkeypatch.setattr(Rig, "_check_unchanged", lambda *_, **__: None)
    monkeypatch.setattr(Rig, "_go", lambda *_, **__: None)
    found, _ = ending_of(tmp_path / "run", kind, ":CLOS (@1!1!1)", "pulses", usual, epochs=SHORT)
    assert found.startswith("violation")


def ending_of(folder, kind, line, moment, usual, epochs=3):
    """Train beside a hand; return how that ended and in which words."""
    try:
        seen = train(folder, kind, line, moment, epochs)
    except Exception as error:  # whatever is not ours is a finding, and not the end of the campaign
        return f"violation: {type(error).__name__}", str(error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    said = "" if seen.error is None else f"{type(seen.error).__name__}: {seen.error}"
    return verdict(line, moment, seen, usual(kind, epochs)), said


@pytest.mark.campaign
@pytest.mark.parametrize("name", KINDS)
def test_every_setting_in_a_foreign_hand_leaves_the_training_as_it_was_or_stops_it_by_name(tmp_path, usual, name):
    kind = KINDS[name]
    file = Path(FOLDER or tmp_path) / f"{name}.jsonl"
    done = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
    known = {(moment, line) for moment, line, *_ in done}
    cases = [(moment, line) for line in lines_for(kind)[::STRIDE] for moment in kind.moments]
    with file.open("a", encoding="utf-8") as account:
        for moment, line in cases:
            if (moment, line) not in known:
                done.append([moment, line, *ending_of(tmp_path / "run", kind, line, moment, usual)])
                account.write(json.dumps(done[-1]) + "\n")
                account.flush()
    tally = Counter(ended.partition(":")[0] for _, _, ended, _ in done)
    print(f"{name}: {len(done)} cases, {dict(tally)}", flush=True)  # noqa: T201 - the campaign's account
    assert [each for each in done if each[2].startswith("violation")] == []
