"""What a commissioning says of faults that are planted on emulated benches, one at a time; a sound bench passes.

python benchmarks/commissioning_faults.py
"""

import os
import sys
import tempfile
from functools import partial

import results
from study import Study, main

sys.path.insert(0, str(results.ROOT / "tests" / "commissioning"))
from planted import FAULTS, ONE, TWO, Planted, commissioned


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


def sound(bench):
    """Count the steps of a commissioning of a whole bench."""
    found = _commissioned(Planted("nothing", "", bench=bench))
    counts = {verdict: sum(step.verdict == verdict for step in found.steps) for verdict in ("passed", "failed")}
    return {**counts, "steps": len(found.steps)}


def studies():
    columns = {
        "planted": "{name}",
        "on": "`{bench}`",
        "step that fails": "{step}",
        "the report says": "{says}",
        "and to look at": "{cause}",
    }
    counts = {"bench": "`{name}`", "steps": "{steps}", "passed": "{passed}", "failed": "{failed}"}
    return {
        "commissioning_faults": Study(
            "4 x 4 resistors of 1 to 3.6 Mohm, each fault alone.",
            columns,
            {planted.name: partial(report, planted) for planted in FAULTS},
        ),
        "commissioning_sound": Study(
            "The same board, nothing planted; without a guard process, so that killing one is not measured.",
            counts,
            {bench: partial(sound, bench) for bench in (TWO, ONE)},
        ),
    }


if __name__ == "__main__":
    main(__doc__, studies)
