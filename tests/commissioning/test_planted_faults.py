"""Every planted fault on 4 x 4 cells, in the words of docs/commissioning.md; minutes."""

import pytest

from .planted import FAULTS, commissioned, text_of

pytestmark = pytest.mark.campaign


@pytest.mark.parametrize("planted", FAULTS, ids=lambda planted: planted.name)
def test_every_planted_fault_is_found_and_explained(planted, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    found = commissioned(planted)
    failed = [step.name for step in found.steps if step.verdict == "failed"]
    assert any(name.startswith(planted.found_by) for name in failed)
    assert planted.says in text_of(found)
