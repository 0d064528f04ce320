"""The bench file in the folder of a run or a study: what one says that was written before a setting was one."""

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from crossbar_hil.bench.file import BENCH_FILE, Bench, load_bench
from crossbar_hil.parsing import parse_toml

TRAINED_BEFORE = {"pull_back": True, "give_up": False, "unresponsive": 0}
"""What trainings did before [training] had a setting for it; a copy holds every setting that there was."""
CONFIRMED_BEFORE = {"confirm": 1}
"""The same of a setting that a copy leaves out where nothing is given, which came together with `give_up`."""


def _before(said: Collection[str]) -> dict[str, Any]:
    """Return what older trainings did, of all that is not said."""
    before = TRAINED_BEFORE if "give_up" in said else {**TRAINED_BEFORE, **CONFIRMED_BEFORE}
    return {key: value for key, value in before.items() if key not in said}


def bench_hash(folder: Path) -> str:
    """Return a hash of the bench file in a folder."""
    return hashlib.sha256((folder / BENCH_FILE).read_bytes()).hexdigest()


def load_recorded_bench(folder: Path) -> Bench:
    """Read and check the bench file that `crossbar_hil.bench.file.Bench.copy_into` left in a folder.

    Raises
    ------
    ConfigError
        With every problem found, each naming its key.
    """
    bench = load_bench(str(folder / BENCH_FILE))
    training = bench.training.model_copy(update=_before(bench.training.model_fields_set))
    return bench.model_copy(update={"training": training})


def read_recorded_tables(folder: Path) -> dict[str, Any]:
    """Return the tables of that file as they stand in it, with what it does not say because it is older.

    Raises
    ------
    OSError, ValueError, TypeError
        If it cannot be read, or is no bench file.
    """
    tables = parse_toml((folder / BENCH_FILE).read_text(encoding="utf-8"))
    training = tables.get("training", {})
    return {**tables, "training": {**_before(training), **training}}
