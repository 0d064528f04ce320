"""Run every comparison of speed, one after the other, and write what they measure into results and pages.

Each script compares two ways of doing the same in turn, in one run. Run it on a quiet machine; it takes some minutes.
Needs ``badcrossbar`` for the peer of the circuit solver, which is left out without it.

    python benchmarks/run_all.py
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPTS = (
    *("training_speed", "solver_speed", "ensemble_speed", "ensemble_wired_speed"),
    *("spiking_speed", "spiking_wired_speed", "exchange_rate", "messages"),
)
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}

if __name__ == "__main__":
    for script in SCRIPTS:
        subprocess.run([sys.executable, str(HERE / f"{script}.py")], env={**os.environ, **ONE_THREAD}, check=True)
