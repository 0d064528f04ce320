"""Results of the scripts in these folders: values, and how, when and with what they were got, as JSON.

The folders are no part of the wheel. In a checkout they are found as ``crossbar_hil.benchmarks``, as the other folders
on top are, so that scripts need an editable install: what they measure is then the code of the commit they note.
"""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "benchmarks" / "results"
LIBRARIES = ("crossbar-hil", "numpy", "scipy", "numba")
CODE = ("benchmarks/*.py", "crossbar_hil", "data", "drivers", "instruments", "sim_backend")
"""What a result depends on: a commit is marked as dirty where one of these was changed since."""


def provenance(command: str) -> dict[str, Any]:
    """Return the command, the commit, the day, the machine and the versions of a result."""
    return {
        "command": command,
        "commit": _commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {_processor()}",
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
    }


def path_of(script: str) -> str:
    """Return where the script of this name is today, from the root of the checkout."""
    found = [path.relative_to(ROOT).as_posix() for path in FOLDER.parent.rglob(f"{script}.py")]
    if len(found) != 1:
        raise ValueError(f"benchmarks has {len(found)} scripts of the name {script}.py, not one: {', '.join(found)}")
    return found[0]


def write(name: str, **fields: Any) -> None:
    """Write ``results/NAME.json``, one line a row."""
    rows = fields.pop("rows")
    lines = [f"  {_json(key)}: {_json(_rounded(row))}" for key, row in rows.items()]
    head = json.dumps(fields, indent=1, ensure_ascii=False).removesuffix("\n}")
    text = head + ',\n "rows": {\n' + ",\n".join(lines) + "\n }\n}\n"
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")


def read(name: str) -> dict[str, Any]:
    """Read ``results/NAME.json``."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def names() -> list[str]:
    """Return the names of all results."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def _commit() -> str:
    """Return the commit of the checkout, with ``-dirty`` if code or data were changed since."""
    head = _git("rev-parse", "HEAD")
    return f"{head}-dirty" if _git("status", "--porcelain", "--", *CODE) else head


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def _processor() -> str:
    """Return the model of the processor, where the system tells."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text(encoding="utf-8").splitlines() if known.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _rounded(value: Any) -> Any:
    """Keep nine digits of every number that is not whole."""
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
