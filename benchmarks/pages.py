"""Fill the figures of the pages from the results: tables between their markers, numbers inside sentences.

    python benchmarks/pages.py [--check]

A table stands between ``<!-- results: NAME -->`` and ``<!-- end -->``: the rows of ``results/NAME.json``, and a line
that says how they were got. A number inside a sentence is ``<!-- figure: NAME / ROW / FIELD -->97.7<!-- /figure -->``,
with a format behind a further stroke where it needs one, as in ``<!-- figure: NAME / ROW / FIELD / .1f -->``.
"""

import argparse
import re
import string
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crossbar_hil.benchmarks import results

PAGES = (results.ROOT / "README.md", *sorted((results.ROOT / "docs").rglob("*.md")))
BLOCK = re.compile(r"(<!-- results: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)
SCRIPT = re.compile(r"\bbenchmarks/(?:\w+/)*(\w+)\.py")
FIGURE = re.compile(r"(<!-- figure: (.+?) -->).*?(<!-- /figure -->)", re.DOTALL)


class Cells(string.Formatter):
    """Formats the cells of a table; what is not known stays empty."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """Format a number, nothing as nothing, and what is no number, as the median of none, as a dash."""
        if value is None or value != value:  # noqa: PLR0124 - that is what is no number
            return "" if value is None else "–"
        return super().format_field(value, format_spec)


def table(name: str) -> str:
    """Return the table of a result, and how it was got."""
    found = results.read(name)
    columns = found["columns"]
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for row, values in found["rows"].items():
        cells = [Cells().vformat(shown, (), {"name": row, **values}) for shown in columns.values()]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", f"*{origin(found)}*"])


def origin(found: dict[str, Any]) -> str:
    """Say in one line how a result was got, and with what where that matters: where it is times.

    A script may have moved since: the line has its path of today, the results file the command that was typed.
    """
    if found["script"] is None:  # every row says its own
        return str(found["about"])
    commit, _, dirty = found["commit"].partition("-")
    changed = " with changes" if dirty else ""
    command = SCRIPT.sub(lambda at: results.path_of(at[1]), found["command"])
    told = f"`{command}`; made at commit {commit[:7]}{changed}, {found['date']}. {found['about']}"
    if found["repeatable"]:
        return told
    if "runs" in found:
        low, high = found["load"]
        runs = f"Median of {found['runs']} run{'s' * (found['runs'] > 1)}"
        told += f" {runs} in turn with all else of that command, load {low:.1f} to {high:.1f}."
    return f"{told} {found['machine']}; {', '.join(map(' '.join, found['versions'].items()))}."


def figure(path: str) -> str:
    """Return one number of a result, as a sentence shows it."""
    name, row, field, *spec = (part.strip() for part in path.split(" / "))
    return Cells().vformat("{" + ":".join([field, *spec]) + "}", (), results.read(name)["rows"][row])


def filled(text: str) -> str:
    """Return a page with every block and figure as the results have it."""
    text = BLOCK.sub(lambda at: f"{at[1]}\n{table(at[2])}\n\n{at[3]}", text)
    return FIGURE.sub(lambda at: at[1] + figure(at[2]) + at[3], text)


def stale() -> Iterator[tuple[Path, str]]:
    """Yield every page that is not what the results say, with what it should hold."""
    for page in PAGES:
        old = page.read_text(encoding="utf-8")
        try:
            new = filled(old)
        except (KeyError, ValueError, FileNotFoundError) as error:
            raise SystemExit(f"{page.name}: a marker names what is not there: {error}") from error
        if new != old:
            yield page, new


def fill() -> None:
    """Bring all pages up to date."""
    for page, new in stale():
        page.write_text(new, encoding="utf-8")
        print(f"{page.relative_to(results.ROOT)} is renewed")


def main() -> int:
    """Fill the pages, or only compare them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is not up to date")
    if not parser.parse_args().check:
        fill()
        return 0
    behind = [page.name for page, _ in stale()]
    print("\n".join(f"{name} is not what the results say" for name in behind))
    return int(bool(behind))


if __name__ == "__main__":
    sys.exit(main())
