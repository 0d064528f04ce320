"""The tools that a change must pass are the same wherever they are called."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HOOKS = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")


def test_extra_and_dependency_groups_name_the_same_tools():
    extra, groups = SETTINGS["project"]["optional-dependencies"]["dev"], SETTINGS["dependency-groups"]
    assert {each for each in extra if "crossbar-hil" not in each} == set(groups["lint"])
    assert groups["dev"] == [{"include-group": name} for name in ("docs", "lint", "test")]


@pytest.mark.parametrize("tool", ["ruff check", "ruff format --check", "mypy", "pytest"])
def test_what_ci_and_the_page_call_is_called_before_a_commit(tool):
    command = rf"\.venv/bin/{tool}\b"
    assert re.search(f"entry: {command}", HOOKS)
    assert re.search(command, (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    program, _, words = tool.partition(" ")
    assert (
        re.search(rf"/{program}\"? ?{words}", (ROOT / ".ci" / "run").read_text(encoding="utf-8")) or program == "pytest"
    )


def test_hooks_need_no_network_and_name_what_is_there():
    assert set(re.findall(r"- repo: (\S+)", HOOKS)) == {"local"}
    assert set(re.findall(r"language: (\S+)", HOOKS)) == {"system"}
    assert (ROOT / re.search(r"tests/\S+\.py", HOOKS)[0]).is_file()


def test_linters_and_types_come_before_installation_and_tests():
    told = re.findall(r'^echo "== (.+)"$', (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    assert told[:3] == ["linters", "types", "the README's first command"]
    assert told[-1] == "tests"
