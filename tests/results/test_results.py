import ast
import re
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from crossbar_hil import TrainingResult, load_run
from crossbar_hil.errors import DataError, MissingExtra
from crossbar_hil.programming.outcome import Programmed
from crossbar_hil.programming.run import ProgramRun
from crossbar_hil.results.chip_map import ChipMap
from crossbar_hil.runs.training_run import TrainingRun
from crossbar_hil.spiking.progress import Progress
from crossbar_hil.spiking.run import SpikingRun

from .conftest import MAKE, OLD, sweep_of
from .rules import broken_rules

ROOT = Path(__file__).resolve().parents[2]
KINDS = pytest.mark.parametrize("kind", MAKE, ids=lambda kind: kind.__name__)


def classes():
    """Bases of every class of the source, by name."""
    for folder in ("crossbar_hil", "sim_backend", "drivers"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            for node in ast.parse(text).body if re.search(r"class .*(Result|Run)\b", text) else ():
                if isinstance(node, ast.ClassDef):
                    yield node.name, {base.id for base in node.bases if isinstance(base, ast.Name)}


def test_every_kind_of_result_there_is_is_tried_here_and_whatever_is_called_a_result_is_one():
    bases = list(classes())
    found = {"Result"}
    while True:
        more = {name for name, own in bases if own & found} | found
        if more == found:
            break
        found = more
    abstract = {name for name, own in bases if "ABC" in own} | {"Result"}
    assert found - abstract == {each.__name__ for each in MAKE}
    called = {name for name, _ in bases if name.endswith("Result")}
    assert called - found == {"OpenedResult"}  # holds numbers for `Counts` alone, and is handed to nobody


@KINDS
def test_it_is_shown_in_one_short_line_and_as_a_table_without_raw_arrays(results, kind):
    result = results[kind]
    text = repr(result)
    assert text.startswith(f"<{kind.__name__}: ")
    assert "array(" not in text
    assert len(text) < 400
    assert "\n" not in text
    page = result._repr_html_()
    assert page.count("<tr>") == len(result.told()) > 0
    assert all(name and isinstance(words, str) for name, words in result.told())


def test_what_a_person_typed_is_no_markup_in_a_notebook(results):
    (run,) = (each for kind, each in results.items() if kind.__name__ == "TrainingRun")
    assert run.facts["label"] == "a <b>label</b>"
    assert "a &lt;b&gt;label&lt;/b&gt;" in run._repr_html_()


@KINDS
def test_its_table_has_a_name_for_every_column_and_as_many_numbers_in_every_line(results, kind):
    series = results[kind].series()
    rows = list(series.rows)
    assert len(set(series.header)) == len(series.header)
    assert {len(row) for row in rows} == {len(series.header)}
    frame = results[kind].to_dataframe()
    assert list(frame.columns) == series.header
    assert len(frame) == len(rows)


@KINDS
def test_its_arrays_keep_the_rules_of_cf_and_come_back_from_a_file_as_they_were(results, kind, tmp_path):
    result = results[kind]
    path = tmp_path / "result.nc"
    result.to_xarray().to_netcdf(path, engine="h5netcdf")
    assert broken_rules(path) == []
    with h5py.File(path) as file:
        for name, variable in result.variables().items():
            held, values = file[name][()], np.asarray(variable.values)
            held = held.astype(values.dtype) if values.dtype.kind != "U" else np.array(file[name].asstr()[()])
            assert np.array_equal(held, values, equal_nan=values.dtype.kind == "f"), name


def test_a_run_is_drawn_as_its_result(results):
    run, network, programmed = results[TrainingRun], results[SpikingRun], results[ProgramRun]
    assert run.plots == TrainingResult.plots
    assert network.plots == Progress.plots
    assert programmed.plots == Programmed.plots
    assert run.plot("error").axes
    assert network.plot("fields").axes
    assert programmed.plot("reached").axes


@pytest.mark.parametrize(
    "kind", [each for each in MAKE if each not in {TrainingRun, SpikingRun, ProgramRun}], ids=lambda kind: kind.__name__
)
def test_each_of_its_figures_is_drawn_and_shown_by_a_notebook(results, kind, undrawn):
    result = results[kind]
    for what in result.plots:
        figure = result.plot(what)
        assert figure.axes, what
        assert figure._repr_png_().startswith(b"\x89PNG"), what
    with pytest.raises(DataError, match=f"no figure 'nonsense' of a {kind.__name__}: (known are|there is none)"):
        result.plot("nonsense")


def test_what_there_is_nothing_for_yet_is_not_drawn():
    progress = load_run(next(OLD.glob("*stripes*"))).progress
    assert progress.plot("fields").axes
    with pytest.raises(DataError, match="the network has not been tested"):
        progress.plot("confusion")


def test_one_figure_goes_beside_another_on_axes_that_are_given(results):
    from matplotlib.figure import Figure

    result = results[TrainingResult]
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert result.plot("error", left) is result.plot("weights", right) is figure
    assert (len(left.lines), len(figure.axes)) >= (1, 2)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_a_chip_of_which_a_cell_or_every_cell_read_nothing_is_drawn(odd):
    some = ChipMap("emulated", 0.1, np.array([[[odd, 1e-6, 2.5e-6]]]))
    (axes, bar) = some.plot().axes
    assert bar.get_ylabel() == "Conductance (µS)"
    assert [text.get_text() for text in axes.texts] == ["1.00", "2.50"]
    none = ChipMap("emulated", 0.1, np.full((1, 3, 6), odd)).plot()
    assert none._repr_png_().startswith(b"\x89PNG")
    assert not none.axes[0].texts


def test_a_sweep_that_no_plane_can_show_says_so():
    result = sweep_of("beta=2e7,5e7", "target=0.8,0.95", "width=10 ms,50 ms")
    with pytest.raises(DataError, match="a plane shows no more than two settings"):
        result.plot()
    assert result.to_xarray()["yield"].shape == (2, 2, 2)
    assert result.to_xarray()["yield"].sel(beta=2e7, target=0.8, width_s=0.01).item() == 0.0


@pytest.mark.parametrize(("package", "ask"), [("pandas", "to_dataframe"), ("xarray", "to_xarray")])
def test_a_package_that_is_not_installed_is_named_with_the_way_out(results, package, ask, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=rf"need.* {package} .*pip install"):
        getattr(next(iter(results.values())), ask)()
