"""Have the checker judge a run folder: a program of its own, started as one."""

import json
import subprocess
import sys
from pathlib import Path

CHECKER = Path(__file__).resolve().parents[1] / "checker" / "checker.py"


def findings(folder, *options):
    """Return the violations that the checker finds in a run folder, a sentence each."""
    done = subprocess.run(
        [sys.executable, str(CHECKER), str(folder), "--json", *options], capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 1):
        return [f"the checker could not judge: {done.stderr.strip()[-300:]}"]
    return [json.dumps(each) for each in json.loads(done.stdout)["findings"]]
