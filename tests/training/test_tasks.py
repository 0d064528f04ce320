"""Tasks that ship, held against the publications they name: which pictures, how many patterns, how large a chip."""

from itertools import product

import pytest

from crossbar_hil import open_bench
from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import ConfigError
from crossbar_hil.shipped import data_file
from crossbar_hil.training.patterns import PatternSet, as_text
from crossbar_hil.training.settings import make_trainer
from crossbar_hil.training.tasks import Task

# Written down again from the figure of the letters: black pixels as (row, column) from the top left.
EDGES = {(0, 0), (0, 2), (2, 0), (2, 2)}
ALL = set(product(range(3), repeat=2))
CROSS = ALL - EDGES
LETTERS = {
    "z": ALL - {(1, 0), (1, 2)},
    "v": {(0, 0), (0, 2), (1, 0), (1, 2), (2, 1)},
    "n": {(0, 1), (1, 0), (1, 2), (2, 0), (2, 2)},
}
# Rows, columns, patterns to train on; 3 x 3 pixels and a bias, two columns a class.
PUBLISHED = {
    "prezioso2015": (10, 6, 30),
    "prezioso2015-10x8": (10, 8, 40),
    "li2021": (3, 6, 4),
    "li2021-4x4": (4, 4, 4),
    "xor": (4, 4, 4),
    "bayat2018": (17, 28, 68),
}
SEEDS = dict.fromkeys(PUBLISHED, 1) | {"xor": 2}
"""Of a chip that learns: not all learn XOR."""
GATES = {"AND": {(1, 1)}, "OR": {(0, 1), (1, 0), (1, 1)}, "NAND": {(0, 0), (0, 1), (1, 0)}}
NAMES = Task.names()


def patterns_of(name):
    return PatternSet.from_csv(data_file(Task.read(name).training["patterns"]))


def as_pairs(task):
    return [(as_text(bits), as_text(label)) for bits, label in zip(task.train, task.train_labels, strict=True)]


def noisy(image):
    """The image itself, and with each pixel turned, as bits row by row; then the bias."""
    pixels = sorted(ALL)
    for black in (image, *(image ^ {pixel} for pixel in pixels)):
        yield "".join("1" if pixel in black else "0" for pixel in pixels) + "1"


@pytest.mark.parametrize("name", NAMES)
def test_every_task_that_ships_is_of_the_size_and_number_of_patterns_that_its_source_has(name):
    bench = load_bench("simulated", task=name)
    task = patterns_of(name)
    assert (bench.chip.rows, bench.chip.columns, len(task.train)) == PUBLISHED[name]
    laid = bench.training.arrangement.least_shape(task.train.shape[1], task.train_labels.shape[1])
    assert laid == (bench.chip.rows, bench.chip.columns)


@pytest.mark.parametrize(
    ("name", "images"),
    [("prezioso2015", LETTERS), ("prezioso2015-10x8", {**LETTERS, "+": CROSS})],
)
def test_the_letters_are_those_of_the_figure_each_with_every_single_wrong_pixel(name, images):
    wanted = {
        (bits, "".join("1" if k == place else "0" for k in range(len(images))))
        for place, image in enumerate(images.values())
        for bits in noisy(image)
    }
    found = as_pairs(patterns_of(name))
    assert len(found) == len(set(found)) == 10 * len(images)
    assert set(found) == wanted


@pytest.mark.parametrize(
    ("name", "bias", "gates"), [("li2021", 1, ["AND", "OR", "NAND"]), ("li2021-4x4", 2, ["OR", "NAND"])]
)
def test_the_gates_have_their_truth_tables(name, bias, gates):
    wanted = {
        (f"{a}{b}{'1' * bias}", "".join(str(int((a, b) in GATES[gate])) for gate in gates))
        for a, b in product((0, 1), repeat=2)
    }
    assert set(as_pairs(patterns_of(name))) == wanted


def test_the_network_of_two_layers_has_the_published_number_of_devices_and_xor_its_truth_table():
    bench, task = load_bench("simulated", task="bayat2018"), patterns_of("bayat2018")
    sizes = task.train.shape[1], task.train_labels.shape[1]
    assert sizes == (4 * 4, 4)
    assert bench.training.arrangement.cells(*sizes) == 428
    assert set(as_pairs(patterns_of("xor"))) == {("00", "0"), ("01", "1"), ("10", "1"), ("11", "0")}


@pytest.mark.parametrize("name", NAMES)
def test_every_task_that_ships_is_learnt_by_a_chip(name):
    bench, task = load_bench("simulated", task=name), patterns_of(name)
    with open_bench("simulated", task=name, seed=SEEDS[name]) as backend:
        assert make_trainer(bench.training, backend, seed=SEEDS[name]).run(task.train, task.train_labels).converged


@pytest.mark.parametrize(("name", "bench"), [(name, bench) for name in NAMES for bench in Task.read(name).benches()])
def test_a_bench_file_of_a_task_wires_its_chip_and_is_whole_without_the_task(name, bench):
    laid = load_bench(bench, task=name)
    assert laid.name == f"{bench}-{name}"
    assert (len(laid.wiring.rows), len(laid.wiring.columns)) == PUBLISHED[name][:2]
    with Task.read(name).bench_file(bench).open("rb") as file:
        alone = load_bench(file.name)
    assert (alone.kind, alone.chip) == (laid.kind, laid.chip)


def test_a_task_says_all_that_is_trained_but_no_pulse_and_what_is_laid_over_it_counts(tmp_path):
    (tmp_path / "mine.toml").write_text(
        'backend = "simulated"\n[chip]\nrows = 4\n[training]\nrule = "delta"\nwidth_s = 0.01\ntarget0 = -0.5\n'
        "hidden = 2\nbias = true\n"
        "[training.rule_options]\nrate = 2.0\n",
        encoding="utf-8",
    )
    bench = load_bench(tmp_path / "mine.toml", task="li2021", preset="kim2021", overrides={"training": {"epochs": 7}})
    training = bench.training
    assert (training.rule, training.rule_options, training.target0) == ("manhattan", {}, None)
    assert training.arrangement.is_plain
    assert (training.width_s, training.epochs, bench.chip.step_spread) == (0.01, 7, 0.26)
    assert (bench.chip.rows, bench.chip.columns) == (3, 6)


def test_a_bench_that_wires_another_chip_refuses_a_task_and_says_what_takes_it():
    with pytest.raises(ConfigError) as raised:
        load_bench("emulated-single", task="prezioso2015")
    assert str(raised.value) == (
        "bench emulated-single wires 4 rows and 4 columns, and task prezioso2015 trains 10 rows and 6 columns; "
        "wire 10 rows and 6 columns, or take --bench emulated, of which the task has one of its size"
    )


@pytest.mark.parametrize("name", ["../benches/simulated", "", "prezioso", "emulated/li2021"])
def test_no_other_name_is_a_task(name):
    with pytest.raises(ConfigError, match="does not exist; known are"):
        load_bench("simulated", task=name)
