import importlib
import inspect
import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

import crossbar_hil
from crossbar_hil import Pulse, load_run
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.curves.measured import MeasuredCurve
from crossbar_hil.figures.png import as_png
from crossbar_hil.programming.api import program
from crossbar_hil.programming.plotting import CAPTIONS
from crossbar_hil.spiking.network.labels import Evaluation, Labels
from crossbar_hil.spiking.settings import SpikingSettings
from crossbar_hil.spiking.sweeping import Answered, NetworkResult, NetworkSweep, network_axes
from crossbar_hil.studies.axes import read_axes
from crossbar_hil.studies.convergence.counts import Counts
from crossbar_hil.studies.convergence.searching import Candidate
from crossbar_hil.studies.convergence.sweeping import ChipSweep, ChipSweepResult
from crossbar_hil.studies.convergence.tuning import Tune, TuneResult
from crossbar_hil.survey.on_bench.surveying import cells_of
from crossbar_hil.survey.surveying import survey
from crossbar_hil.twins.making import make_twin
from crossbar_hil.twins.readings import Map, Readings
from crossbar_hil.twins.tally import Foretold, tally

ROOT = Path(crossbar_hil.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
    for path in [*ROOT.rglob("plotting.py"), *ROOT.glob("figures/*.py")]
    if path.name != "__init__.py"
)
FIGURES = {
    name: function
    for module in MODULES
    for name, function in inspect.getmembers(importlib.import_module(module), inspect.isfunction)
    if function.__module__ == module and name.startswith("plot_")
}
WHOLE = {
    name: function
    for module in MODULES
    for name, function in inspect.getmembers(importlib.import_module(module), inspect.isfunction)
    if function.__module__ == module
    and name.startswith("draw_")
    and inspect.signature(function).return_annotation in {Figure, Figure | None}
}
SMALLEST = 8  # points


def chips(*over, noisy=True):
    axes = read_axes(over)
    values = tuple(itertools.product(*(axis.values for axis in axes)))
    one = Counts(100, ((4, 60), (9, 20)), 800, 640, 2, 70, ((0.03, 60),), ((0.03, 75),), ((0.03, 55),))
    return ChipSweepResult(ChipSweep(axes, 1, values, None, 100, (), True, noisy), (one,) * len(values))


def networks(*over):
    axes, settings = network_axes(over), SpikingSettings()
    values = tuple(itertools.product(*(axis.values for axis in axes)))
    sweep = NetworkSweep(axes, 1, values, settings, 2, (settings,) * len(values), ())
    return NetworkResult(sweep, ((Answered(80, 100, 1, 900), Answered(70, 100, 1, 900)),) * len(values))


@pytest.fixture(scope="module")
def examples(converged_run):
    """What each figure is drawn of, by its name."""
    result, rng = load_run(converged_run).result, np.random.default_rng(1)
    counts = Counts(100, ((4, 60), (9, 20)), 800, 640, 2, 70)
    axes = read_axes(["beta=1e7..1e8:3log", "target=0.5,0.9"])
    tried = tuple((1, Candidate(values, counts)) for values in itertools.product(*(axis.values for axis in axes)))
    bench = load_bench("simulated")
    tune = Tune(bench, (), tuple(axes), 100, 1, (), True, False, (), {}, 100)
    tuned = TuneResult(tune, tried[3][1], dict.fromkeys([axis.key for axis in axes], 1.0), bench, counts, None, tried)
    siemens = 5e-7 * np.exp(0.1 * rng.standard_normal((3, 4, 2, 2)))
    readings = Readings(
        {"rows": 2, "columns": 2, "read_v": 0.1, "amplitude_v": 2.0, "width_s": 0.05},
        tuple(Map(number, None, each + number * 2e-7) for number, four in enumerate(siemens) for each in four),
        (),
    )
    source = {
        "bench": "b",
        "bench_sha256": "0",
        "kind": "simulated",
        "made_utc": "now",
        "version": "1",
        "curve": "mine",
    }
    twin = make_twin(readings, 4.5e-7 + 2e-7 * np.arange(9.0), source=source, draws=5)
    record = np.column_stack([10 * np.arange(1, 31), np.full((30, 3), [7, 0, 50])])
    classes = np.arange(3)
    labels = Labels(classes, np.array([[9, 0, 0, 1], [0, 9, 0, 0], [0, 0, 9, 9]]), np.array([3, 3, 3]))
    tested = Evaluation(classes, np.array([[8, 1, 0], [0, 9, 1], [1, 0, 7]]), 3, 30)
    raster = rng.random((3, 20, 4)) < 0.2
    curves = [
        MeasuredCurve(way, Pulse(2.0, width), (1e-7, 2e-7, 3e-7)) for way in (True, False) for width in (0.01, 0.05)
    ]
    cells = np.full((9, 4), 0.09)
    maps, curve = chips("beta=1e7..1e8:3log", "target=0.5,0.9"), chips("beta=1e7..1e8:3log")
    with open_backend(load_bench("simulated", overrides={"chip": {"dead": [[0, 1]]}}), seed=1) as chip:
        programmed = program(chip, np.full(chip.shape, 6e-7), pulses=3)
        cells_found = cells_of(survey(chip, read_v=0.1, reads=2), bench, chip, 1, 0.1, None)
    foretold = tally([Foretold(0.7, number < 7, 10, 10, 50, 50) for number in range(10)])
    fresh = {
        name: [(result,)]
        for name in FIGURES | WHOLE
        if FIGURES.get(name, WHOLE.get(name)).__module__.endswith("runs.plotting")
    }
    return fresh | {
        "plot_map": [(siemens[0, 0],)],
        "plot_pulses_left": [(np.array([[50, 9], [3, 0]]), 50)],
        "draw_reading": [(siemens[0, 0], np.array([[50, 9], [3, 0]]), 50)],
        "plot_pulses": [(curves,)],
        "draw_curves": [(curves, "a curve")],
        "plot_yield": [(maps,), (curve,)],
        "plot_epochs": [(maps,), (curve,)],
        "plot_met_later": [(maps, "fresh"), (curve, "drift_0.03")],
        "draw_sweep": [(maps,), (curve,)],
        "plot_search": [(tuned,)],
        "plot_convergence": [(tuned,)],
        "draw_tune": [(tuned,)],
        "plot_network_accuracy": [(networks("states=2,8", "rule=nearest,carry"),), (networks("states=2,8"),)],
        "plot_network_spread": [(networks("states=2,8", "rule=nearest,carry"),), (networks("states=2,8"),)],
        "draw_networks": [(networks("states=2,8", "rule=nearest,carry"),), (networks("states=2,8"),)],
        "plot_readings": [(twin, readings)],
        "plot_step_factors": [(twin,)],
        "plot_curves": [(twin,)],
        "draw_twin": [(twin, readings)],
        **{name: [(programmed,)] for name in (*(f"plot_{each}" for each in CAPTIONS), "draw_programmed")},
        "plot_cells_found": [(cells_found,)],
        "draw_cells_found": [(cells_found,)],
        "plot_reliability": [(foretold,)],
        "draw_reliability": [(foretold,)],
        "plot_fields": [(rng.random((9, 4), np.float32), labels)],
        "plot_confusion": [(tested,)],
        "plot_raster": [(raster, np.array([0, 1, 2]), labels)],
        "plot_inputs": [(rng.random((3, 20, 9)) < 0.2, raster, np.array([0, 1, 2]))],
        "plot_membranes": [(rng.random((20, 4)), np.full(4, 0.9, np.float32), raster[0], labels)],
        "plot_accuracy": [(record, tested)],
        "plot_cell_voltages": [(cells,)],
        "plot_column_shares": [(np.full(4, 9e-6), np.full(4, 1e-5))],
        "draw_voltages": [(cells, np.full(4, 9e-6), np.full(4, 1e-5))],
    }  # fmt: skip


@pytest.fixture
def made(monkeypatch):
    """The figures that are made."""
    figures, begin = [], Figure.__init__
    monkeypatch.setattr(
        Figure, "__init__", lambda self, *args, **more: (figures.append(self), begin(self, *args, **more))[1]
    )
    return figures


def says_what_is_drawn_in_letters_large_enough_for_paper(axes):
    if axes.axison:
        assert axes.get_xlabel()
        assert axes.get_ylabel()
    for label in (axes.get_xlabel(), axes.get_ylabel()):
        assert "(" in label or not label.startswith(("Conductance", "Weight", "Membrane", "Voltage", "Time"))
    for each in axes.figure.get_axes():
        shown = [
            *each.get_xticklabels(),
            *each.get_yticklabels(),
            *each.texts,
            each.title,
            each.xaxis.label,
            each.yaxis.label,
        ]
        shown += each.get_legend().get_texts() if each.get_legend() else []
        assert not [text.get_text() for text in shown if text.get_text() and text.get_fontsize() < SMALLEST]


def test_there_are_figures_to_look_at():
    assert len(FIGURES) > 25
    assert len(WHOLE) > 6


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn_on_the_axes_given_and_on_new_ones_else(name, examples, made):
    plot = FIGURES[name]
    for given in examples[name]:
        axes = Figure(figsize=(5, 4)).add_subplot(projection="3d" if name == "plot_final_conductances" else None)
        neighbour = axes.figure.add_axes((0.9, 0.9, 0.1, 0.1))
        made.clear()
        assert plot(*given, ax=axes) is axes
        assert not made
        assert axes.has_data()
        assert not neighbour.has_data()
        new = plot(*given)
        assert [new.figure] == made
        assert "matplotlib.pyplot" not in sys.modules
        says_what_is_drawn_in_letters_large_enough_for_paper(new)


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_figure_is_one_figure(name, examples, made):
    given = examples[name][0]
    made.clear()
    assert [WHOLE[name](*given)] == made


@pytest.mark.campaign
@pytest.mark.parametrize("name", FIGURES | WHOLE)
def test_every_figure_becomes_a_picture_without_a_warning(name, examples):
    for given in examples[name]:
        drawn = (FIGURES | WHOLE)[name](*given)
        assert as_png(drawn if isinstance(drawn, Figure) else drawn.figure).startswith(b"\x89PNG")


def test_every_figure_is_on_the_page_of_figures():
    page = (Path(__file__).parents[2] / "docs" / "figures.md").read_text(encoding="utf-8")
    missing = [name for name in FIGURES | WHOLE if f"`{name}`" not in page]
    assert missing == []
