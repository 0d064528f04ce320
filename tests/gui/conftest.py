"""What tests of procedures and of the window share."""

import pytest
import tomli_w

from crossbar_hil.bench.file import load_bench

ADDRESSES = {"smu": "GPIB0::24::INSTR", "matrix": "GPIB0::16::INSTR"}


@pytest.fixture
def real(tmp_path, monkeypatch):
    """The file of a bench with a real chip, whose instruments are not there."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    tables = load_bench("emulated").model_dump(mode="json", by_alias=True, exclude_none=True)
    tables |= {"kind": "hardware", "chip_id": "A1"}
    for name, resource in ADDRESSES.items():
        tables["instruments"][name]["resource"] = resource
    (tmp_path / "real.toml").write_text(tomli_w.dumps(tables))
    return str(tmp_path / "real.toml")
