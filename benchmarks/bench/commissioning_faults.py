"""What a commissioning says of faults that are planted on emulated benches, one at a time; a sound bench passes.

python benchmarks/bench/commissioning_faults.py
"""

import os
import sys
import tempfile
from functools import partial

from crossbar_hil.benchmarks import results
from crossbar_hil.benchmarks.study import Study, main

sys.path.insert(0, str(results.ROOT / "tests" / "commissioning"))
from planted import FAULTS, ONE, TWO, Planted, as_real, commissioned


def _commissioned(planted):
    with tempfile.TemporaryDirectory() as state:
        before = os.environ.get("XDG_STATE_HOME")
        os.environ["XDG_STATE_HOME"] = state
        try:
            return commissioned(planted)
        finally:
            if before is None:
                del os.environ["XDG_STATE_HOME"]
            else:
                os.environ["XDG_STATE_HOME"] = before


def report(planted):
    """Say which step failed, what it measured, and where it says to look."""
    found = _commissioned(planted)
    failed = [step for step in found.steps if step.verdict == "failed"]
    step = next(step for step in failed if step.name.startswith(planted.found_by))
    told = [cause for cause in step.causes if planted.says in cause] or step.causes
    worst = step.failed[0]
    measured = worst.measured.partition("; ")[0]
    return {
        "bench": planted.bench,
        "step": step.name.partition(":")[0],
        "says": f"{worst.what}: {measured}" if worst.what != "the step" else measured,
        "cause": told[0] if told else "",
    }


def sound(bench, draws):
    """Count commissionings of a whole bench that passed, and their steps; of benches as real ones are if drawn."""
    plants = [as_real(seed) for seed in range(draws)] or [Planted("", "").plant]
    found = [_commissioned(Planted("nothing", "", plant, bench=bench)) for plant in plants]
    failed = sum(step.verdict == "failed" for each in found for step in each.steps)
    return {"benches": len(found), "passed": sum(each.passed for each in found), "failed": failed}


def studies():
    columns = {
        "planted": "{name}",
        "on": "`{bench}`",
        "step that fails": "{step}",
        "the report says": "{says}",
        "and to look at": "{cause}",
    }
    counts = {"": "{name}", "benches": "{benches}", "that pass": "{passed}", "steps that fail": "{failed}"}
    return {
        "commissioning_faults": Study(
            "4 x 4 resistors of 1 to 3.6 Mohm, each fault alone.",
            columns,
            {planted.name: partial(report, planted) for planted in FAULTS},
        ),
        "commissioning_sound": Study(
            "The same board. Drawn: gain 0.03 %, offset 1 nA, noise 0.03 %, zero 0.4 mV, guard 0.3 mV, limit 1 %, "
            "height 0.1 %, steps of a millionth of the range, resistors within 1 %. Without a guard process to kill.",
            counts,
            {
                f"`{bench}`, {told}": partial(sound, bench, draws)
                for told, draws in (("ideal", 0), ("drawn as data sheets have it", 20))
                for bench in (TWO, ONE)
            },
        ),
    }


if __name__ == "__main__":
    main(__doc__, studies)
