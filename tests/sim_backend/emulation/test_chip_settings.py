"""Every setting of [chip] on an emulated bench: it does something, or it is refused."""

import functools
import json

import numpy as np
import pytest

from crossbar_hil.bench.file import Chip, load_bench
from crossbar_hil.errors import ConfigError
from crossbar_hil.sim_backend.emulation.bench import EmulatedBench
from crossbar_hil.twins.file import Cells, Twin


def wired_world(chip, seed=3):
    """Return the world of the emulated bench with row 1 on channel a, column 2 on channel b, all else on the return."""
    world = EmulatedBench(load_bench("emulated", overrides={"chip": chip}), np.random.default_rng(seed)).world
    for line in range(4):
        world.add_wire(f"row.{line}", "smu.a.hi" if line == 1 else "lo")
        world.add_wire(f"column.{line}", "smu.b.hi" if line == 2 else "lo")
    world.set_terminals({"smu.a": {"on": True, "limit_a": 1.0}, "smu.b": {"on": True, "limit_a": 1.0}})
    return world


def reading(world, volt=0.1):
    """Current out of column 2 with a voltage on row 1, in amperes."""
    world.set_terminal("smu.a", level_v=volt)
    ampere = -world.measure("smu.b")[0]
    world.set_terminal("smu.a", level_v=0.0)
    return ampere


def pulse(world, count=1):
    for _ in range(count):
        world.set_terminals({"smu.a": {"level_v": 1.0}, "smu.b": {"level_v": -1.0}})
        world.wait(0.05)
        world.set_terminals({"smu.a": {"level_v": 0.0}, "smu.b": {"level_v": 0.0}})


def story(chip):
    """Return all that a bench shows of a chip that is read, pulsed, left alone and pulsed again, and of its cells."""
    return told(json.dumps(chip))


@functools.cache  # many settings are compared with the same chip without them
def told(chip):
    world = wired_world(json.loads(chip))
    seen = [reading(world, 0.0), reading(world)]
    world.wait(0.02)
    seen.append(reading(world))
    pulse(world)
    seen.append(reading(world))
    world.wait(100.0)
    seen.append(reading(world))
    pulse(world, 12)
    return (*seen, reading(world), *world.chip.conductances.ravel().tolist())


@pytest.fixture
def own(tmp_path):
    """Return a plain curve file with its pulse."""
    (tmp_path / "own.csv").write_text(
        "conductance (S)\n" + "".join(f"{4.5e-7 + 1e-7 * (1 - 0.8**level)}\n" for level in range(30))
    )
    return {"curve": str(tmp_path / "own.csv"), "curve_amplitude_v": 2.0, "curve_width_s": 0.05}


ESTIMATE = {"value": 0.0, "low": 0.0, "high": 0.0, "source": "made up"}
# Every cell of 300 nS, one level up a curve that rises by 10 nS there; K 2, step factor 1.5.
TWIN = Twin.model_validate(
    {
        "rows": 4, "columns": 4, "scale": 2.0, "curve_siemens": [1e-7, 1.1e-7, 1.3e-7],
        "source": {
            "bench": "b", "bench_sha256": "0", "kind": "hardware", "made_utc": "now", "version": "1", "read_v": 0.1,
            "reads": 9, "amplitude_v": 2.0, "width_s": 0.05, "pulses": 2, "curve": "mine.csv", "seconds": 0.0,
        },
        "numbers": dict.fromkeys(
            ("read_noise", "step_variation", "step_spread", "mean_factor", "device_spread"), ESTIMATE
        ),
        "cells": dict.fromkeys(Cells.model_fields, np.zeros((4, 4)).tolist()),
        "draws": {
            "step_variation": [0.0], "start_siemens": [[3e-7] * 16], "step_factors": [[1.5] * 16],
            "levels": [[1.0] * 16],
        },
    }
)  # fmt: skip

SINH = {"cell": "sinh", "cell_options": {"b_per_v": 1.0}}
WIRED = {"wire_ohm": 1e4}
FLIPS = {"telegraph": 0.3, "telegraph_share": 0.5}
RELAXES = {"relaxation": 0.5, "relaxation_s": 10.0}
NEVER = {"unformed": [[1, 2]]}

DOES = {  # what the chip is without the setting, and with it
    "smoothed": ({}, {"smoothed": True}),
    "scale": ({}, {"scale": 20.0}),
    "spread": ({}, {"spread": {"low_siemens": 1e-8, "high_siemens": 1e-7}}),
    "device_spread": ({}, {"device_spread": 0.1}),
    "wire_ohm": ({}, {"wire_ohm": 1e4}),
    "drive": (WIRED, {**WIRED, "drive": "both"}),
    "sense": (WIRED, {**WIRED, "sense": "both"}),
    "threshold": ({}, {"threshold": 0.4}),
    "cell": ({}, {"cell": "cubic"}),
    "cell_options": (SINH, {**SINH, "cell_options": {"b_per_v": 2.0}}),
    "read_noise": ({}, {"read_noise": 0.1}),
    "telegraph": ({}, FLIPS),
    "telegraph_share": (FLIPS, {**FLIPS, "telegraph_share": 0.9}),
    "telegraph_s": (FLIPS, {**FLIPS, "telegraph_s": 1.0}),
    "flicker": ({}, {"flicker": 0.2}),
    "step_variation": ({}, {"step_variation": 0.5}),
    "step_spread": ({}, {"step_spread": 0.3}),
    "shape_spread": ({}, {"shape_spread": 0.3}),
    "relaxation": ({}, RELAXES),
    "relaxation_s": (RELAXES, {**RELAXES, "relaxation_s": 100.0}),
    "relaxation_law": (RELAXES, {**RELAXES, "relaxation_law": "logarithmic"}),
    "relaxation_exponent": (RELAXES, {**RELAXES, "relaxation_exponent": 0.5}),
    "drift": ({}, {"drift": 0.1}),
    "column_offset_a": ({}, {"column_offset_a": 1e-8}),
    "stuck": ({}, {"stuck": [[1, 2]]}),
    "dead": ({}, {"dead": [[1, 2]]}),
    "unformed": ({}, NEVER),
    "unformed_siemens": (NEVER, {**NEVER, "unformed_siemens": 1e-7}),
}
REFUSED = {
    "rows": ({"rows": 5}, r"\[chip\] has 5 rows and 4 columns, but \[wiring\] connects 4 and 4"),
    "columns": ({"columns": 6}, r"\[chip\] has 4 rows and 6 columns"),
    "disturb": ({"disturb": 0.1}, "disturb 0.1 is not emulated: on an emulated bench every cell sees its own voltage"),
    "tiles": ({"tiles": "2x1"}, r"tiles 2x1 are arrays .* \[wiring\] joins instruments to the rows and columns of one"),
    "read_s": ({"read_s": 1.0}, r"read_s 1 s is not emulated.*set measurement\.nplc"),
}
OF_FILES = {"curve", "curve_amplitude_v", "curve_width_s", "start", "twin"}
OF_STUDIES = {"curve_cells", "step_variation_interval"}
"""Says of the curve how far `tune` may trust it, and nothing of a chip."""
AS_THE_SCHEME_SAYS = {"write"}
"""Pulses go over the lines, as [scheme] says, and every cell sees its own voltage: what half-select means."""


def test_every_setting_is_looked_at_here():
    assert {*DOES, *REFUSED, *OF_FILES, *OF_STUDIES, *AS_THE_SCHEME_SAYS} == set(Chip.model_fields)


@pytest.mark.parametrize("name", DOES)
def test_a_setting_of_the_chip_shows_on_an_emulated_bench(name):
    without, given = DOES[name]
    assert story(without) != story(given)


def test_the_files_of_a_chip_show_on_an_emulated_bench(own, tmp_path):
    (tmp_path / "map.json").write_text(json.dumps({"conductance_siemens": np.full((4, 4), 5e-7).tolist()}))
    base = story(own)
    for change in ({"curve_amplitude_v": 3.0}, {"curve_width_s": 0.1}, {"start": str(tmp_path / "map.json")}):
        assert base != story({**own, **change}), change
    assert base != story({})
    (tmp_path / "twin.toml").write_text(TWIN.as_toml())
    assert story({"twin": str(tmp_path / "twin.toml")})[0] == 0
    assert story({"twin": str(tmp_path / "twin.toml")})[1] == pytest.approx(0.1 * (3e-7 + 2 * 1.5 * 1e-8), rel=1e-6)


@pytest.mark.parametrize("name", REFUSED)
def test_what_an_emulated_bench_cannot_do_is_refused_in_a_sentence(name):
    chip, sentence = REFUSED[name]
    with pytest.raises(ConfigError, match=sentence):
        EmulatedBench(load_bench("emulated", overrides={"chip": chip}), np.random.default_rng(1))


def test_the_write_scheme_of_a_bench_is_that_of_its_instruments():
    assert story({"threshold": 0.4}) == story({"threshold": 0.4, "write": "half-select"})
