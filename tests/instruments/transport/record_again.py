"""Record the sessions in `recorded` anew; to be run where drivers are meant to send something else."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent / "recorded"
COMMANDS = {
    "read_two_sources.jsonl": ["read", "emulated", "--seed", "1"],
    "train_one_source.jsonl": ["train", "--bench", "emulated-single", "--seed", "1", "--epochs", "2", "--no-report"],
}


def main() -> None:
    for name, words in COMMANDS.items():
        (HERE / name).unlink(missing_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "crossbar_hil", *words, "--record-visa", str(HERE / name)]
            subprocess.run(command, cwd=folder, env={**os.environ, "XDG_STATE_HOME": folder}, check=False)


if __name__ == "__main__":
    main()
