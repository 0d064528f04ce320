"""Faults of bench files and of numbers on their way to an instrument."""

import ast
import locale
import re
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tomli_w

import crossbar_hil
from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import ConfigError
from crossbar_hil.instruments.tsp.values import number_text

ROOT = Path(crossbar_hil.__file__).resolve().parents[1]


@pytest.fixture
def loaded(tmp_path):
    """Load the emulated bench as one of hardware, after a change of its tables."""

    def load(change):
        tables = load_bench("emulated").model_dump(mode="json", by_alias=True, exclude_none=True)
        tables |= {"kind": "hardware", "chip_id": "A1"}
        change(tables)
        file = tmp_path / "mine.toml"
        file.write_text(tomli_w.dumps(tables), encoding="utf-8")
        return load_bench(str(file))

    return load


@pytest.mark.fault("F1")
@pytest.mark.parametrize("key", ["read_v", "pulse_v", "width_s", "pulses", "dose_vs"])
def test_a_real_bench_that_lacks_a_limit_is_refused_by_the_name_of_the_limit(loaded, key):
    loaded(lambda tables: None)
    with pytest.raises(ConfigError, match=rf"limits.*{key}"):
        loaded(lambda tables: tables["limits"].pop(key))


@pytest.mark.fault("F2")
def test_limits_that_contradict_each_other_are_both_named(loaded):
    with pytest.raises(ConfigError, match=r"read_v of 4 V exceeds pulse_v of 3 V"):
        loaded(lambda tables: tables["limits"].update(read_v=4.0))


@pytest.mark.fault("F2", "I16")
@pytest.mark.parametrize(
    ("table", "key", "value", "words"),
    [
        ("measurement", "compliance_a", 1e-6, r"measurement\.compliance_a of 1 uA does not hold .* in a pulse"),
        ("measurement", "range_a", 1e-6, r"measurement\.range_a of 1 uA does not hold .* in a pulse of 3 V"),
        ("measurement", "read_range_a", 1e-9, r"measurement\.read_range_a of 1 nA does not hold .* in a read"),
        ("limits", "pulse_v", 1.5, r"training\.amplitude_v of 2 V exceeds its limit of 1\.5 V"),
        ("limits", "width_s", 0.01, r"training\.width_s of 0\.05 s exceeds its limit of 0\.01 s"),
        ("limits", "read_v", 0.05, r"training\.v1 of 0\.1 V exceeds its limit of 0\.05 V"),
    ],
)
def test_settings_that_do_not_go_with_a_limit_are_both_named_by_check(cli, table, key, value, words):
    tables = load_bench("emulated").model_dump(mode="json", by_alias=True, exclude_none=True)
    tables[table][key] = value
    Path("mine.toml").write_text(tomli_w.dumps(tables), encoding="utf-8")
    done = cli("check", "mine.toml")
    assert done.code == 1
    assert re.search(words, done.out)


@pytest.mark.fault("F11")
def test_no_number_on_the_wire_depends_on_the_locale():
    before = locale.setlocale(locale.LC_ALL)
    try:
        for name in ("de_DE.UTF-8", "de_DE", "German", "fr_FR.UTF-8"):
            with suppress(locale.Error):
                locale.setlocale(locale.LC_ALL, name)
                break
        assert number_text(0.1) == "1.000000000e-01"
        assert f"{0.0025:.9e}" == "2.500000000e-03"
    finally:
        locale.setlocale(locale.LC_ALL, before)
    for folder in ("crossbar_hil", "drivers", "instruments", "sim_backend"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert "import locale" not in text, path
            assert not re.search(r"\{[^{}\"']*:[<>=^+ #0-9,.]*n\}", text), path  # the one format that does depend


@pytest.mark.fault("F12")
def test_a_voltage_keeps_nine_digits_on_its_way_and_has_no_form_that_an_instrument_refuses():
    rng = np.random.default_rng(1)
    drawn = rng.uniform(1, 10, 1000) * 10.0 ** rng.integers(-12, 2, 1000)
    round_up = [mantissa * 10.0**power for mantissa in (9.9999999995, 9.99999999949, 1, 5) for power in range(-12, 2)]
    for size in (*drawn, *round_up, 1e-12, 0.1, 1 / 3, 100.0, 199.99999999999997, 200.0):
        for level in (size, -size):
            for written in (number_text(level), f"{level:.9e}"):
                assert abs(float(written) - level) <= 1e-9 * size, level
                assert re.fullmatch(r"-?\d\.\d{9}e[-+]\d\d", written), level


@pytest.mark.fault("F12")
def test_every_number_that_a_driver_formats_is_written_with_an_exponent_or_is_whole():
    for path in (ROOT / "instruments").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if "%" in text else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found = re.findall(r"(?<!%)%(?!%)[-+0 #]*\d*(?:\.\d+)?([a-zA-Z])", node.value)
                assert "g" not in found, f"{path}:{node.lineno} sends {node.value!r}"
