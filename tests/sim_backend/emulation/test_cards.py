"""Chips whose lines hang on several cards of a matrix, with the rows of the cards joined."""

from importlib import resources

import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.bench.checking import check_bench, check_wiring
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import ConfigError
from crossbar_hil.sim_backend.emulation.bench import EmulatedBench
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.settings import make_trainer

pytestmark = pytest.mark.usefixtures("called_instruments")
COLUMNS = {"keithley7002": 10, "keithley707b": 12, "keithley3706a": 16, "keysight34980a": 16}
"""Columns of a card of each mainframe."""
SHIPPED = (resources.files("crossbar_hil.data") / "benches" / "emulated.toml").read_text(encoding="utf-8")


def bench_file(tmp_path, matrix, rows, columns, lines=None, *swaps):
    """Write the bench of a chip whose lines fill one card after the other, unless `lines` says where they are."""
    per_card = COLUMNS[matrix]
    lines = lines or [[1 + line // per_card, 1 + line % per_card] for line in range(rows + columns)]
    swaps = (
        ("keithley707b", matrix),
        ("rows = [1, 2, 3, 4] ", f"rows = {lines[:rows]}"),
        ("columns = [5, 6, 7, 8] ", f"columns = {lines[rows:]}"),
        ('curve = "figure2a"', f'curve = "figure2a"\nrows = {rows}\ncolumns = {columns}'),
        ('drive = "A", meter = "B", ground = "C"', 'drive = "1", meter = "2", ground = "3"'),
        ('"100 uA"', '"1 mA"'),
        *swaps,
    )
    text = SHIPPED
    for old, new in swaps:
        assert old in text, old
        text = text.replace(old, new)
    path = tmp_path / f"{matrix}.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("matrix", COLUMNS)
def test_ten_by_ten_cells_on_several_cards_are_read_and_pulsed_one_by_one(tmp_path, matrix):
    bench = load_bench(bench_file(tmp_path, matrix, 10, 10))
    voltages = np.where(np.random.default_rng(0).random((1, 10)) < 0.5, 0.1, -0.1)
    counts = np.zeros((10, 10), dtype=np.int64)
    counts[0, 9], counts[6, 4], counts[9, 0] = 1, 2, 1
    with EmulatedBench(bench, np.random.default_rng(1)) as served:
        chip, log = served.world.chip, served.world.log
        before = chip.conductances
        with open_backend(bench, seed=1, resources=served.resources) as backend:
            found = backend.read_currents(voltages)
            scale = np.abs(voltages) @ before
            assert (np.abs(found - voltages @ before) <= 1e-6 * scale).all()
            backend.send_pulses(counts, Pulse(2.0, 0.05))
            assert np.array_equal(chip.conductances > before, counts > 0)
        moved = backend.relay_operations
        assert log.of("violation") == []
        assert sum(len(each["opened"]) + len(each["closed"]) for each in log.of("relays")) == moved
        most = max(len(each["closed"]) for each in log.of("relays"))
        assert most == 20  # every line is on just one port
        assert served.world.closed("matrix") == frozenset()


@pytest.mark.parametrize("matrix", ["keithley707b", pytest.param("keysight34980a", marks=pytest.mark.campaign)])
def test_lines_scattered_over_cards_train_as_those_of_one_card(tmp_path, matrix):
    lines = [[2, 1], 3, [2, 3], 2, [3, 1], 1, [3, 2], [2, 2]]
    bench = load_bench(bench_file(tmp_path, matrix, 4, 4, lines))
    task = PatternSet.from_csv(bench.training.pattern_file)
    with open_backend(bench, seed=1) as backend:
        found = make_trainer(bench.training, backend).run(task.train, task.train_labels)
        assert backend.identify()["wiring"]["rows"] == [(2, 1), 3, (2, 3), 2]
    assert (found.epochs, found.pulses) == (3, 12)  # as on the page: the dry run of seed 1


def test_a_bench_of_several_cards_is_checked_line_by_line(tmp_path):
    lines = [1, 2, [2, 1], [1, 3], [2, 2]]
    path = bench_file(tmp_path, "keithley707b", 3, 2, lines, ("perceptron", str(tmp_path / "task.csv")))
    (tmp_path / "task.csv").write_text("pattern,label,set\n101,1,train\n010,0,train\n")
    assert check_bench(path) == []
    bench = load_bench(path)

    def told(served):
        with open_backend(bench, seed=1, resources=served.resources) as backend:
            return check_wiring(backend, 0.1)

    with EmulatedBench(bench, np.random.default_rng(1)) as served:
        wires = served.world._wires
        assert told(served) == []
        lead = next(wire for wire in wires if wire[1] == "row.2")
        wires.remove(lead)
        assert told(served) == ["row 3 is open: nothing conducts to it"]
        wires.append(lead)
        wires.remove(("matrix.row.1.2", "matrix.row.2.2"))  # the meter does not reach the second card
        assert told(served) == [
            f"{line} conducts only when driven: one of its relays stays open" for line in ("row 3", "column 2")
        ]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([1, 2, [1, 2], 4, 5, 6, 7, 8], "row 2 and row 3 are both on matrix column 2 of slot 1, each needs its own"),
        ([[2, 1], [2, 1], 3, 4, 5, 6, 7, 8], "row 1 and row 2 are both on matrix column 1 of slot 2, each needs"),
        ([1, 2, 3, 4, 5, 6, 7, [7, 1]], "port drive cannot be wired to column 4: matrix has no slot 7: slots are"),
        ([1, 2, 3, 4, 5, 6, 7, [2, 13]], "matrix has no column 13: columns are 1 to 12"),
        ([1, 2, 3, 4, 5, 6, 7, [0, 1]], "slot of column 4 is 0, expected a whole number from 1"),
        ([1, 2, 3, 4, 5, 6, 7, [2, 0]], "matrix column of column 4 is 0, expected a whole number from 1"),
    ],
)  # fmt: skip
def test_a_line_on_a_card_that_cannot_be_is_refused_in_one_sentence(tmp_path, lines, sentence):
    (problem,) = check_bench(bench_file(tmp_path, "keithley707b", 4, 4, lines))
    assert sentence in problem


@pytest.mark.parametrize("line", ["[1]", "[1, 2, 3]", '["a", 1]', '"a"', "[true, 1]"])
def test_what_is_neither_a_column_nor_a_card_and_a_column_is_refused(tmp_path, line):
    path = bench_file(tmp_path, "keithley707b", 4, 4, [1, 2, 3, 4, 5, 6, 7, 88])
    text = (tmp_path / "keithley707b.toml").read_text().replace("88", line)
    (tmp_path / "keithley707b.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"wiring\.columns"):
        load_bench(path)


def test_rows_of_both_matrices_of_a_34932a_are_refused_on_each_card(tmp_path):
    path = bench_file(
        tmp_path, "keysight34980a", 4, 4, [[2, each] for each in range(1, 9)], ('ground = "3"', 'ground = "5"')
    )
    assert any("row 5 of slot 2 does not reach the columns of the other rows" in each for each in check_bench(path))
