"""What a report leads to: files of its run, the runs of the same chip or label about it, the search it trains by."""

import html
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from crossbar_hil.bench.file import BENCH_FILE
from crossbar_hil.errors import CrossbarError
from crossbar_hil.figures import REPORT
from crossbar_hil.guard.storage import replace_file, why_not_ours
from crossbar_hil.runs.contents import CONTENTS
from crossbar_hil.runs.run import Run
from crossbar_hil.runs.store import load_run
from crossbar_hil.spent import chip_key

MOST_LOOKED_AT = 100
"""Runs, and searches, that are looked at for those that belong together, the nearest first."""
NEXT = '<span class="next"></span>'
"""Stands in a report for the run after it, which comes later."""


class Link(NamedTuple):
    """A place that a report leads to."""

    words: str
    href: str
    """Relative to the folder of the report."""


def links_to_files(run: Run, folder: Path) -> list[Link]:
    """Return links to what the folder of a run holds."""
    there = ((each.word, run.folder / name) for name, each in CONTENTS.items() if each.word)
    return _links(folder, ((word, path) for word, path in there if path.is_file()))


def links_to_neighbours(run: Run, folder: Path) -> list[Link]:
    """Return links to the run before and the run after of the same chip or label, and to the search it trains by."""
    found = [(f"{when} run of this {what}: {other.name}", other.folder / REPORT) for when, what, other in _about(run)]
    found += [(f"tuned by {each.parent.parent.name}", each.parent.parent / REPORT) for each in _searches(run)]
    return _links(folder, found)


def tell_the_one_before(run: Run, report: Path) -> None:
    """Have the report of the run before lead to this one; it is left alone if anything is odd about it."""
    for _, what, other in _about(run, after=False):
        page = other.folder / report.name
        if not page.is_file() or why_not_ours(page):
            continue
        try:
            text = page.read_text(encoding="utf-8")
            (link,) = _links(page.parent, [(f"next run of this {what}: {run.name}", report)])
            if text.count(NEXT) == 1:
                words = html.escape(link.words, quote=False)
                replace_file(page, text.replace(NEXT, f'<a href="{link.href}">{words}</a>'))
        except (OSError, ValueError):  # a courtesy: this run and its own report are whole without it
            continue


def _about(run: Run, *, after: bool = True) -> list[tuple[str, str, Run]]:
    """Return the nearest runs with a report, before and after, of the same chip or label, and which of the two."""
    kin = _kin(run)
    if not kin:
        return []
    beside = [each for each in _folders_in(run.folder.parent) if os.path.isfile(each / REPORT)]
    before = [each for each in beside if each.name < run.name]
    sides = [("previous", before[::-1])]
    sides += [("next", [each for each in beside if each.name > run.name])] if after else []
    found = []
    for when, folders in sides:
        for folder in folders[:MOST_LOOKED_AT]:
            try:
                other = load_run(folder)
                shared = kin & _kin(other)
            except Exception:  # noqa: S112 - no run, or a record of others, which can hold anything
                continue
            if shared:
                found.append((when, max(shared)[0], other))
                break
    return found


def _kin(run: Run) -> set[tuple[str, str]]:
    """Return what makes runs belong together: the chip by its name, the label."""
    kin = {("label", str(run.facts["label"]))} if run.facts.get("label") else set()
    try:
        chip = run.tables.get("bench", {}).get("chip_id")
    except CrossbarError:
        return kin
    return kin | ({("chip", chip_key(str(chip)))} if chip else set())


def _searches(run: Run) -> list[Path]:
    """Return the bench file of the search beside the runs by whose settings, letter by letter, a run was trained."""
    own = run.folder / BENCH_FILE
    studies = run.folder.parent.parent / "dry_runs"
    if not own.is_file():
        return []
    content, newest = own.read_bytes(), _folders_in(studies)[::-1][:MOST_LOOKED_AT]
    for each in (folder / "tuned" / BENCH_FILE for folder in newest):
        with suppress(OSError):  # of another user
            fits = os.path.isfile(each.parents[1] / REPORT) and each.is_file() and each.stat().st_size == len(content)
            if fits and each.read_bytes() == content:
                return [each]
    return []


def _folders_in(folder: Path) -> list[Path]:
    """Return what is in a folder, in the order of the names; nothing if it cannot be listed."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _links(folder: Path, found: Iterable[tuple[str, Path]]) -> list[Link]:
    """Return links relative to a folder; none to another drive, which has no relative path."""
    links = []
    for words, path in found:
        try:
            relative = os.path.relpath(path.resolve(), folder.resolve())
        except ValueError:
            continue
        links.append(Link(words, quote(Path(relative).as_posix())))
    return links
