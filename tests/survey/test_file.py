"""``cells.toml``: what is written is read again, and a file of another chip, size or kind is refused by name."""

import re

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import ConfigError, DataError, LimitError, RunError
from crossbar_hil.guard.opening import open_bench
from crossbar_hil.survey.file import read_cells
from crossbar_hil.survey.on_bench.surveying import cells_of, check_cells, healthy_of
from crossbar_hil.survey.surveying import survey
from crossbar_hil.training.trainer import Trainer

DEAD = {"chip": {"dead": [[0, 1], [2, 3]]}}


def surveyed(path, seed=1, bench="simulated", **overrides):
    """Survey a virtual chip by readings and write the file; return what is in it."""
    loaded = load_bench(bench, overrides={**DEAD, **overrides})
    with open_backend(loaded, seed=seed) as chip:
        found = survey(chip, read_v=0.1, reads=2, healthy=healthy_of(loaded))
        cells = cells_of(found, loaded, chip, seed, 0.1, None)
    cells.write(path)
    return cells


@pytest.fixture
def file(tmp_path):
    surveyed(tmp_path / "cells.toml")
    return tmp_path / "cells.toml"


def test_what_is_written_is_read_again_whole(tmp_path):
    path = tmp_path / "cells.toml"
    written = surveyed(path)
    assert read_cells(path) == written
    assert [(each.row, each.column, each.verdict) for each in written.cell] == [(1, 2, "open"), (3, 4, "open")]
    assert np.argwhere(written.left_out).tolist() == [[0, 1], [2, 3]]
    assert "r1 c2, r3 c4" in written.lines()[0]
    with pytest.raises(RunError, match="exists already"):
        written.write(path)


def test_a_person_can_add_a_cell_to_a_file_in_which_none_was_found(tmp_path):
    path = tmp_path / "cells.toml"
    surveyed(tmp_path / "other.toml").model_copy(update={"cell": []}).write(path)
    with path.open("a", encoding="utf-8") as file:
        file.write('\n[[cell]]\nrow = 2\ncolumn = 1\nverdict = "open"\nsiemens = 0.0\n')
    assert np.argwhere(read_cells(path).left_out).tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("rise_siemens = -1.0", "survey.rise_siemens = -1.0 must be at least 0"),
        ("high_siemens = 1e-12", "must be above 0 and rise"),
        ("low_siemens = -1e-9", "must be above 0 and rise"),
        ("sigmas = 0.0", "survey.sigmas = 0.0 must be"),
        ("reads = 1", "survey.reads = 1 must be at least 2"),
        ("sent = -1", "survey.sent = -1 must be at least 0"),
        ("seed = -1", "source.seed = -1 must be at least 0"),
    ],
)
def test_a_number_that_no_survey_finds_is_refused_by_its_name(file, change, told):
    key = change.split(" =")[0]
    file.write_text(re.sub(rf"(?m)^{key} = .*$", change, file.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(DataError, match=re.escape(told)):
        read_cells(file)


def test_a_weak_cell_keeps_its_pulses_and_an_unclear_one_is_nothing(file):
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('"open"', '"weak"', 1).replace('"open"', '"unclear"', 1), encoding="utf-8")
    cells = read_cells(file)
    assert not cells.left_out.any()
    assert np.argwhere(cells.avoided).tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("verdict = 'x'", "verdict"),
        ("row = 9", "cell row 9, column 2 is not on the chip of 4 by 4 cells"),
        ("row = 0", "must be at least 1"),
        ("row = 3\ncolumn = 4", "cell row 3, column 4 is there twice; leave one out"),
        ("colour = 1", "colour"),
    ],
)
def test_a_damaged_file_is_refused_by_the_name_of_what_is_wrong(file, change, told):
    lines = file.read_text(encoding="utf-8").splitlines()
    first = lines.index("[[cell]]")
    for key in re.findall(r"^(\w+) =", change, re.M):
        lines = [each for place, each in enumerate(lines) if not (first < place < first + 3 and each.startswith(key))]
    lines.insert(first + 1, change)
    kept = [each for each in lines if not (change.startswith("verdict") and each == 'verdict = "open"')]
    file.write_text("\n".join(kept), encoding="utf-8")
    with pytest.raises(DataError, match=re.escape(told)):
        read_cells(file)


def test_no_toml_and_a_missing_file_are_refused(tmp_path):
    (tmp_path / "x.toml").write_text("rows = ", encoding="utf-8")
    with pytest.raises(DataError, match="is not valid TOML"):
        read_cells(tmp_path / "x.toml")
    with pytest.raises(DataError, match="cannot be read"):
        read_cells(tmp_path / "no.toml")


def as_of(file, **source):
    text = file.read_text(encoding="utf-8")
    for name, value in source.items():
        text = re.sub(rf"^{name} = .*$", "", text, flags=re.M)
        text = text.replace("[source]", f'[source]\n{name} = "{value}"')
    text = re.sub(r"^seed = .*$", "", text, flags=re.M) if source else text
    file.write_text(text, encoding="utf-8")


HARDWARE = {
    "kind": "hardware",
    "chip_id": "wafer 3 die A",
    "instruments": {"smu": {"resource": "TCPIP::10.0.0.9::INSTR"}, "matrix": {"resource": "TCPIP::10.0.0.8::INSTR"}},
}


def test_every_mismatch_of_file_and_chip_is_refused_by_name(file):
    def check(bench="simulated", seed=1, **overrides):
        check_cells(load_bench(bench, overrides={"training": {"cells": str(file)}, **overrides}), seed)

    check()
    check(seed=None)
    with pytest.raises(
        ConfigError, match=r"is of the simulated chip of bench simulated, seed 1, .* seed 2: give --seed 1"
    ):
        check(seed=2)
    with pytest.raises(ConfigError, match="is of a chip of 4 by 4 cells, this one has 5 by 4"):
        check(chip={"rows": 5})
    with pytest.raises(ConfigError, match="is of a chip of 4 by 4 cells, this one has 2 by 4"):
        check("emulated", wiring={"rows": [1, 2]}, chip={"rows": 2})
    with pytest.raises(ConfigError, match=r"is of the simulated chip .* has chip wafer 3 die A: survey that one"):
        check("emulated", **HARDWARE)
    as_of(file, kind="hardware", chip_id="Wafer 3 DIE A")
    check("emulated", **HARDWARE)  # the name is told by its letters, not by their case
    check()  # a virtual chip may have the bad cells of a real one
    as_of(file, chip_id="wafer 4")
    with pytest.raises(ConfigError, match=r"is of chip wafer 4, bench .* has chip wafer 3 die A"):
        check("emulated", **HARDWARE)


def test_a_chip_whose_bench_leaves_cells_out_refuses_their_pulses_whoever_sends_them(file):
    with open_bench("simulated", seed=1, overrides={**DEAD, "training": {"cells": str(file)}}) as chip:
        one = np.zeros((4, 4), dtype=np.int64)
        one[2, 3] = 1
        pulse = Trainer.from_bench(chip).pulse
        with pytest.raises(LimitError, match=r"cell \[2, 3\] \(row 3, column 4\) is left out by the cells file"):
            chip.send_pulses(one, pulse)
        assert not chip.pulsed
        one[2, 3], one[2, 2] = 0, 1
        chip.send_pulses(one, pulse)


def test_a_virtual_chip_has_the_bad_cells_that_its_bench_leaves_out_as_they_were_found(file):
    with open_backend(load_bench("simulated", overrides={"training": {"cells": str(file)}}), seed=2) as other:
        found = other.read_conductances(0.1)
    assert found[0, 1] == found[2, 3] == 0.0
    assert (found > 0).sum() == 14
