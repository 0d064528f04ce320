"""Checker: judge a run by what its bench physically did, against what its journal says; nothing of the product in it.

``python tests/checker/checker.py RUN_FOLDER`` reads ``journal.sqlite``, ``bench.toml`` and ``physical.jsonl``, changes
nothing, prints one sentence for each violation and the counts, and exits 0 (clean), 1 (violations) or 2 (cannot judge).

Judged are the invariants V1 to V9 of the reliability study, V12 (the journal is whole) and V13 (every reading was
taken):

V1  no pulse twice                     V6  safe in time, and from then on
V2  no pulse unrecorded                V7  0 V and outputs off before relays open
V3  in doubt is honest                 V8  no relay moves hot
V4  voltage of every cell in limits    V9  closed relays belong to the allowed table
V5  width, count and dose in limits

Times of the journal are cut to whole milliseconds, those of the log are not. So an entry that says 0.001 s was written
between 0.001 s and 0.002 s, and where two intents are so close, a pulse counts for the one that lacks it.
"""

import argparse
import json
import math
import sys
from bisect import bisect_right
from dataclasses import asdict
from pathlib import Path

from checker_bench import Bench
from checker_journal import Entry, read_journal, read_told, read_trains
from checker_log import Judge, read_log
from checker_report import RESOLUTION_S, ROUNDING_S, WIDTH_S, CannotJudge, Report

Timed = tuple[float, int, tuple[str, ...]]
"""Wall clock, line of the log, and what is not safe from then on."""
PROMISED_S = {"normal": 2.0, "signal": 2.0, "killed": 2.0, "stopped": 5.0, "guard": 5.0}
"""Seconds to safe by how the trainer ended (reliability study, table 3C); ``guard``: the guard was killed instead."""


def judge_safety(
    entries: list[Entry],
    timeline: list[Timed],
    report: Report,
    *,
    ended_wall: float | None,
    within_s: float,
    promised: bool,
) -> None:
    """V6: safe where the journal says so, in the end, and in time.

    Parameters
    ----------
    entries, timeline
        The journal, and what was not safe from when on.
    ended_wall : float or None
        Wall clock when the trainer ended.
    within_s : float
        Seconds from then in which the bench must be safe.
    promised : bool
        Whether the bench must be safe in the end: not if guard and trainer were killed together.
    """
    walls = [wall for wall, _, _ in timeline]
    safes = [each for each in entries if each.kind == "safe"]
    for safe in safes:
        report.counts["made safe"] += 1
        at = bisect_right(walls, safe.at + RESOLUTION_S) - 1
        if safe.body["confirmed"] and at >= 0 and timeline[at][2]:
            report.add(
                "V6", f"entry {safe.number}", f"it says that the bench is safe, but {', '.join(timeline[at][2])}"
            )
    _, line, unsafe = timeline[-1]
    told = " ".join(safes[-1].body["failures"]) if safes and not safes[-1].body["confirmed"] else ""
    left = [each for each in unsafe if each.split(" ")[0].partition(".")[0] not in told]
    if left and promised:
        report.add("V6", f"line {line}", f"in the end {', '.join(left)}")
    live = {"session", "read", "intent", "outcome", "check", "pulses", "ended"}
    after = [each for each in entries if safes and each.number > safes[-1].number and each.kind in live]
    if safes and not after:
        for began, number, what in timeline:
            if began > safes[-1].at + RESOLUTION_S and what:
                report.add("V6", f"line {number}", f"after the bench was made safe for good {', '.join(what)}")
                break
    if ended_wall is not None and promised:
        judge_promise(entries, timeline, report, ended_wall, within_s)


def judge_promise(
    entries: list[Entry], timeline: list[Timed], report: Report, ended_wall: float, within_s: float
) -> None:
    """V6: safe within the promised time after the trainer ended, unless it was gone on with meanwhile."""
    due = ended_wall + within_s
    if any(each.kind == "session" and ended_wall < each.at < due and each.body.get("resumed") for each in entries):
        return
    at = bisect_right([wall for wall, _, _ in timeline], due) - 1
    if at < 0 or not timeline[at][2]:
        return
    safe = next((wall - ended_wall for wall, _, what in timeline[at:] if not what), None)
    when = "is not safe at all" if safe is None else f"was safe {safe:.3f} s"
    text = f"the bench {when} after the trainer ended, {within_s:g} s are promised ({', '.join(timeline[at][2])})"
    report.add("V6", f"line {timeline[at][1]}", text)


def judge_readings(entries: list[Entry], levels: list[tuple[float, float]], report: Report) -> None:
    """V13: a reading was taken: after the entry before it, the bench was at each of its voltages."""
    walls = [wall for wall, _ in levels]
    before = entries[0].at
    for entry in entries:
        if entry.kind == "read":
            report.counts["reads"] += 1
            first, last = (bisect_right(walls, at) for at in (before - ROUNDING_S, entry.at + RESOLUTION_S))
            seen = {round(level, 9) for _, level in levels[first:last]}
            wanted = {round(abs(volt), 9) for vector in entry.body["voltages"] for volt in vector if volt}
            missing = [
                volt for volt in sorted(wanted) if not any(math.isclose(volt, each, rel_tol=0.01) for each in seen)
            ]
            if missing:
                report.add(
                    "V13", f"entry {entry.number}", f"it holds currents at {missing[0]:g} V, which no source had"
                )
        if entry.kind not in {"note", "refused"}:
            before = entry.at


def check_run(
    folder: Path | str,
    *,
    ended_wall: float | None = None,
    within_s: float = PROMISED_S["killed"],
    promised: bool = True,
    width_s: float = WIDTH_S,
) -> Report:
    """Judge a run folder; see `judge_safety` for the parameters.

    Raises
    ------
    CannotJudge
        If a file is missing, or holds what a checker does not know.
    """
    folder, report = Path(folder), Report()
    bench = Bench.of(folder)
    try:
        entries = read_journal(folder, report)
        trains = read_trains(entries, bench, report)
        judge = Judge(bench, trains, read_told(entries), report, width_s)
        judge.follow(read_log(folder / "physical.jsonl", report))
        judge_safety(entries, judge.timeline, report, ended_wall=ended_wall, within_s=within_s, promised=promised)
        judge_readings(entries, judge.levels, report)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise CannotJudge(f"{folder} holds an entry or an event that is none of the known forms: {error!r}") from error
    report.counts["entries"] = len(entries)
    return report


def main(words: list[str] | None = None) -> int:
    """Judge the run that the command line names; return the exit status."""
    parser = argparse.ArgumentParser(description="Judge a run by the physical log of its emulated bench.")
    parser.add_argument("run", type=Path, help="run folder with journal.sqlite, bench.toml and physical.jsonl")
    parser.add_argument("--ended-wall", type=float, metavar="T", help="when the trainer ended, seconds since 1970")
    parser.add_argument("--end", choices=[*PROMISED_S, "power"], default="killed", help="how it ended (table 3C)")
    parser.add_argument("--within", type=float, metavar="S", help="seconds to safe, instead of those of --end")
    parser.add_argument("--width-tolerance", type=float, default=WIDTH_S, metavar="S", help="default: %(default)s")
    parser.add_argument("--most", type=int, default=50, metavar="N", help="sentences to print, default: %(default)s")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of sentences")
    options = parser.parse_args(words)
    try:
        report = check_run(
            options.run,
            ended_wall=options.ended_wall,
            within_s=PROMISED_S.get(options.end, math.inf) if options.within is None else options.within,
            promised=options.end != "power",
            width_s=options.width_tolerance,
        )
    except CannotJudge as error:
        print(f"checker: {error}", file=sys.stderr)  # noqa: T201
        return 2
    if options.json:
        found = {"findings": [asdict(each) for each in report.findings], "counts": dict(report.counts)}
        print(json.dumps(found))  # noqa: T201
    else:
        for each in report.findings[: options.most]:
            print(each)  # noqa: T201
        if len(report.findings) > options.most:
            print(f"and {len(report.findings) - options.most} more")  # noqa: T201
        print(", ".join(f"{count} {name}" for name, count in sorted(report.counts.items())))  # noqa: T201
        print(f"{len(report.findings)} violations" if report.findings else "no violation")  # noqa: T201
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
