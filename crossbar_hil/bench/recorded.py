"""The bench file in the folder of a run or a study: what one says that was written before a setting was one."""

import tomllib
from pathlib import Path
from typing import Any

from crossbar_hil.bench.file import BENCH_FILE, Bench, load_bench

TRAINED_BEFORE = {"pull_back": True}
"""What trainings did before [training] had a setting for it; a copy holds every setting that there was."""


def load_recorded_bench(folder: Path) -> Bench:
    """Read and check the bench file that `crossbar_hil.bench.file.Bench.copy_into` left in a folder.

    Raises
    ------
    ConfigError
        With every problem found, each naming its key.
    """
    bench = load_bench(str(folder / BENCH_FILE))
    missing = {key: value for key, value in TRAINED_BEFORE.items() if key not in bench.training.model_fields_set}
    return bench.model_copy(update={"training": bench.training.model_copy(update=missing)})


def read_recorded_tables(folder: Path) -> dict[str, Any]:
    """Return the tables of that file as they stand in it, with what it does not say because it is older.

    Raises
    ------
    OSError, ValueError, TypeError
        If it cannot be read, or is no bench file.
    """
    tables = tomllib.loads((folder / BENCH_FILE).read_text(encoding="utf-8"))
    return {**tables, "training": {**TRAINED_BEFORE, **tables.get("training", {})}}
