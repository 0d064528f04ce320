"""Write docs/fmea.md: every fault of docs/faults.toml with the tests that provoke it, found by their marks.

``python docs/fault_table.py`` writes the page, ``tests/house/test_fault_table.py`` sees that it is up to date. Tests
are read, not run: a mark is ``fault("T1")`` on a function, on its class, on one of its parameters, or in
``pytestmark``.
"""

import ast
import functools
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "fmea.md"
FAULTS = "TIRCOHDF"
"""The groups that are faults; V are invariants, X security rules."""
HEAD = """\
<!-- written by docs/fault_table.py; do not edit -->
# Faults and tests

What can go wrong on a bench, what is done about it, and which tests make it happen. The list is `docs/faults.toml`; the
tests are found by their marks, so a fault whose test is gone shows here. Everything was tried on emulated instruments.

Severity: **S** can damage a chip or a person's trust in safety, **D** can spoil data, **A** costs time.

{summary}
"""


def faults() -> dict[str, dict[str, Any]]:
    """Return every fault, invariant and rule by its identifier, in the order of the file."""
    with (ROOT / "docs" / "faults.toml").open("rb") as file:
        found = tomllib.load(file)
    found.pop("title")
    return found


def titles() -> dict[str, str]:
    """Return the heading of each group, by its letter."""
    with (ROOT / "docs" / "faults.toml").open("rb") as file:
        titles: dict[str, str] = tomllib.load(file)["title"]
    return titles


@functools.cache
def marks(tests: Path = ROOT / "tests") -> dict[str, list[str]]:
    """Return the tests of every identifier that is named in a mark, each as path and name."""
    found: dict[str, list[str]] = {}
    for path in sorted(tests.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if "fault(" not in text:
            continue
        tree = ast.parse(text)
        place = path.relative_to(tests.parent).as_posix()
        for name, identifiers in _marked(tree, _of_module(tree)):
            for each in identifiers:
                tests_of = found.setdefault(each, [])
                if f"{place}::{name}" not in tests_of:
                    tests_of.append(f"{place}::{name}")
    return found


def _of_module(tree: ast.Module) -> set[str]:
    """Return what ``pytestmark`` of a file names."""
    names = {"pytestmark"}
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and {getattr(target, "id", "") for target in node.targets} & names
    ]
    return set().union(*(_named(value) for value in values))


def _marked(scope: ast.Module | ast.ClassDef, inherited: set[str]) -> Iterator[tuple[str, set[str]]]:
    """Yield the tests of a module or class with what their marks name."""
    for node in scope.body:
        own = set().union(*(_named(each) for each in getattr(node, "decorator_list", ())))
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            if own | inherited:
                yield node.name, own | inherited
            yield from ((f"{node.name}::{name}", found) for name, found in _marked(node, set()))
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name, own | inherited


def _named(node: ast.AST) -> set[str]:
    """Return the arguments of every ``fault(...)`` in an expression."""
    return {
        str(argument.value)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] == "fault"
        for argument in call.args
        if isinstance(argument, ast.Constant)
    }


def page() -> str:
    """Return docs/fmea.md."""
    known, found = faults(), marks()
    lines = [HEAD.format(summary=_summary(known, found))]
    for letter, title in titles().items():
        rows = {key: each for key, each in known.items() if key[0] == letter}
        lines += [f"## {title}", ""]
        if letter in FAULTS:
            lines += ["| | fault | | must | does | tests |", "|---|---|---|---|---|---|"]
            lines += [
                f"| {key} | {each['what']} | {each['severity']} | {each['must']} | {each['does']} | "
                f"{_told(found.get(key, []), each)} |"
                for key, each in rows.items()
            ]
        else:
            lines += ["| | | tests |", "|---|---|---|"]
            lines += [f"| {key} | {each['what']} | {_told(found.get(key, []), each)} |" for key, each in rows.items()]
        lines.append("")
    return "\n".join(lines)


def _summary(known: dict[str, dict[str, Any]], found: dict[str, list[str]]) -> str:
    listed = [key for key in known if key[0] in FAULTS]
    tested = [key for key in listed if key in found]
    open_ = [key for key in known if "open" in known[key]]
    text = f"{len(tested)} of {len(listed)} faults have a test."
    return f"{text} Not done, or not all of it: {', '.join(open_)}." if open_ else text


def _told(tests: list[str], fault: dict[str, Any]) -> str:
    """Name tests by the words of their names, with the file in small, and what is open."""
    files: dict[str, list[str]] = {}
    for each in tests:
        path, _, name = each.partition("::")
        files.setdefault(path.removeprefix("tests/"), []).append(_words(name))
    parts = [f"`{path}`: {'; '.join(names)}" for path, names in files.items()]
    if "open" in fault:
        parts.append(f"**open**: {fault['open']}")
    return "<br>".join(parts) or "**no test**"


def _words(name: str) -> str:
    return name.rpartition("::")[2].removeprefix("test_").replace("_", " ")


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
