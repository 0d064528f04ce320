"""Every setting of every emulated model in a foreign hand, before a run and in it: the same end, or a stop that names it.

The short profile takes some lines of each model. ``pytest -m campaign -s tests/campaigns/test_foreign_hand.py`` takes
all, some fifteen thousand trainings (half an hour); ``-k keithley2400`` those of one model. ``CROSSBAR_HIL_HAND`` names a
folder that keeps what is done, a file a model, and from which a later call goes on; ``CROSSBAR_HIL_STRIDE=25`` takes
every 25th line only.
"""

import json
import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from .foreign_hand import KINDS, lines_for, train, verdict

pytestmark = pytest.mark.fault("V14", "I13")
STRIDE = int(os.environ.get("CROSSBAR_HIL_STRIDE", "1"))
FOLDER = os.environ.get("CROSSBAR_HIL_HAND")
SAMPLED = 2
"""Lines of each model in the short profile, each at a moment of its own."""


def ending_of(folder, kind, line, moment, usual):
    """Train beside a hand; return how that ended and in which words."""
    try:
        seen = train(folder, kind, line, moment)
    except Exception as error:  # whatever is not ours is a finding, and not the end of the campaign
        return f"violation: {type(error).__name__}", str(error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return verdict(
        line, moment, seen, usual
    ), "" if seen.error is None else f"{type(seen.error).__name__}: {seen.error}"


@pytest.mark.campaign
@pytest.mark.parametrize("name", KINDS)
def test_every_setting_in_a_foreign_hand_leaves_the_training_as_it_was_or_stops_it_by_name(tmp_path, name):
    kind, usual = KINDS[name], train(tmp_path / "usual", KINDS[name])
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
