"""Run every comparison of speed, one after the other, and write what they print into docs/benchmarks.md.

Each script compares two ways of doing the same in turn, in one run, and prints a table. Run it on a quiet machine; it
takes some minutes. Needs ``badcrossbar`` for the peer of the circuit solver, which is left out without it.

    python benchmarks/run_all.py [--only solver ensemble] [--print]
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from pages import put_between

HERE = Path(__file__).resolve().parent
SCRIPTS = {
    "training": ["training_speed.py"],
    "solver": ["solver_speed.py"],
    "ensemble": ["ensemble_speed.py"],
    "spiking": ["spiking_speed.py"],
    "exchange": ["exchange_rate.py"],
}
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}


def measured(words):
    """Return what a script prints."""
    done = subprocess.run(
        [sys.executable, str(HERE / words[0]), *words[1:]],
        env={**os.environ, **ONE_THREAD},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=SCRIPTS, default=list(SCRIPTS), help="these comparisons alone")
    parser.add_argument("--print", action="store_true", dest="printing", help="leave the page as it is")
    given = parser.parse_args()
    for name in given.only:
        text = measured(SCRIPTS[name])
        print(f"{name}\n\n{text}\n", flush=True)
        if not given.printing:
            put_between(f"speed:{name}", text if "|---" in text else f"```text\n{text}\n```")


if __name__ == "__main__":
    main()
