"""Have the checker judge a run folder, by its command line but in this process: nothing of the product is in it."""

import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path

CHECKER = Path(__file__).resolve().parents[1] / "checker"


def checker():
    """Return the module, which finds its own as when checker.py is run."""
    if str(CHECKER) not in sys.path:
        sys.path.insert(0, str(CHECKER))
    return import_module("checker")


def findings(folder, *options):
    """Return the violations that the checker finds in a run folder, a sentence each."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        status = checker().main([str(folder), "--json", *options])
    if status not in (0, 1):
        return [f"the checker could not judge: {err.getvalue().strip()[-300:]}"]
    return [json.dumps(each) for each in json.loads(out.getvalue())["findings"]]
