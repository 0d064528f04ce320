"""The page of settings is what the tables of the drivers say."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("settings_table", ROOT / "docs" / "settings_table.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_script_writes(script):
    assert script.PAGE.read_text(encoding="utf-8") == script.page(), "run python docs/settings_table.py"


def test_every_setting_says_what_it_does_and_where_the_manual_has_it(script):
    for title, (table, left_out) in script.tables().items():
        assert table, title
        assert left_out, title
        assert all(left_out.values()), title
        for each in table.values():
            assert each.page, (title, each.name)
            assert each.does or each.kind == script.Action(), (title, each.name)
