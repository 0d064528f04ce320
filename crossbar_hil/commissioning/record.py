"""Where commissionings are kept, and whether a bench was proven as it is now."""

from pathlib import Path
from typing import Any

from crossbar_hil.bench.file import Bench
from crossbar_hil.commissioning.electrical import electrical, electrical_hash
from crossbar_hil.guard.names import file_name
from crossbar_hil.owners.state import state_folder
from crossbar_hil.parsing import parse_json


def folder_of(bench: Bench) -> Path:
    """Return the folder that holds the commissionings of a bench, by its name."""
    return state_folder() / "commissioned" / file_name(bench.name, "")


def why_not_proven(bench: Bench) -> str:
    """Say that a bench was not proven on a board of resistors as it is now; empty if it was."""
    way_out = "crossbar-hil commission proves it on a board of resistors"
    records = _records(bench)
    if not records:
        return f"bench {bench.name} was never commissioned; {way_out}"
    wanted = electrical_hash(bench)
    same = [each for each in records if each.get("bench_sha256") == wanted]
    if not same:
        last = records[-1]
        now, then = electrical(bench), last.get("electrical", {})
        changed = [name for name, value in now.items() if value != then.get(name)]
        what = " and ".join(f"[{name}]" if isinstance(now[name], dict) else name for name in changed) or "something"
        return f"bench {bench.name} has changed since it was commissioned on {last['when'][:10]}: {what}; {way_out}"
    if not same[-1].get("passed"):
        return f"bench {bench.name} failed its commissioning on {same[-1]['when'][:10]}: {same[-1]['summary']}"
    return ""


def _records(bench: Bench) -> list[dict[str, Any]]:
    """Return the commissionings of a bench, the oldest first; what cannot be read is none."""
    found = []
    for path in sorted(folder_of(bench).glob("commissioning_*.json")):
        try:
            record = parse_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(record, dict) and {"when", "bench_sha256", "passed", "summary"} <= set(record):
            found.append(record)
    return found
