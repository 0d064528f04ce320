"""With what a record begins, as the guard keeps it in its journal: every fact and pattern, every file by its hash."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crossbar_hil.bench.file import Bench
from crossbar_hil.bench.named_files import files_of
from crossbar_hil.runs.training_record import rows_of_patterns
from crossbar_hil.training.patterns import PatternSet


def beginning_of(facts: Mapping[str, Any], task: PatternSet, bench: Bench, folder: Path) -> dict[str, Any]:
    """Return what the journal keeps of a record that begins, facts as the record spells them."""
    return {
        "facts": {name: json.dumps(value) for name, value in facts.items()},
        "patterns": [list(line) for line in rows_of_patterns(task)],
        "files": file_hashes(bench, folder),
    }


def file_hashes(bench: Bench, folder: Path) -> dict[str, str | None]:
    """Return the hash of each file that the bench file of a folder names, None if it is gone.

    Patterns are not among them: those are kept themselves.
    """
    names = {named.copy_name(value) for named, value in files_of(bench) if named.key != "patterns"}
    return {name: hash_of(folder / name) for name in sorted(names)}


def hash_of(file: Path) -> str | None:
    """Return the hash of a file, None if there is none."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None
