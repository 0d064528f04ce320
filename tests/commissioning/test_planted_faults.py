"""Every planted fault on 4 x 4 cells, in the words of docs/commissioning.md; minutes."""

import json
from pathlib import Path

import pytest

from .planted import FAULTS, ONE, TWO, Planted, as_real, commissioned, text_of

pytestmark = pytest.mark.campaign


@pytest.mark.parametrize("planted", FAULTS, ids=lambda planted: planted.name)
def test_every_planted_fault_is_found_and_explained(planted, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    found = commissioned(planted)
    failed = [step.name for step in found.steps if step.verdict == "failed"]
    assert any(name.startswith(planted.found_by) for name in failed)
    assert planted.says in text_of(found)


@pytest.mark.parametrize("bench", [TWO, ONE])
def test_the_verb_proves_a_whole_bench_behind_its_guard_and_leaves_a_page(bench, cli, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    done = cli("commission", bench, "--resistors", "1 MOhm", "--to", "here", "--json")
    assert done.code == 0
    told = json.loads(done.out)
    assert told["summary"] == "all 19 steps passed"
    assert Path(told["page"]).parent == Path("here")
    assert json.loads(Path(told["record"]).read_text())["passed"] is True


@pytest.mark.parametrize("bench", [TWO, ONE])
@pytest.mark.parametrize("seed", range(5))
def test_a_bench_no_better_than_its_data_sheets_passes(bench, seed, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    found = commissioned(Planted("nothing", "", as_real(seed), bench=bench))
    assert text_of(found) == ""
    assert found.passed
