import json
from dataclasses import replace

import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.studies.axes import read_axes
from crossbar_hil.studies.convergence import counting, tuning
from crossbar_hil.studies.convergence.folder import ChipStudyFolder
from crossbar_hil.studies.convergence.points import SINGLE_CHUNK
from crossbar_hil.studies.convergence.tuning import FRESH, SLOW, plan_tune, resume_tune, run_tune
from crossbar_hil.studies.scheduling import Processes, Threads
from crossbar_hil.studies.showing import Silent

NARROW = ("beta=6e7..1.2e8:2log", "target=0.99,0.999", "width=0.05")


def planned(over=NARROW, chips=4000):
    return plan_tune(load_bench("simulated", preset="reference"), read_axes(over), chips=chips, seed=3)


@pytest.fixture
def quick(monkeypatch):
    """Search on a tenth of the chips, where it is not the yield that a test is about."""
    few = [replace(each, chips=each.chips // 10) for each in tuning.QUICK]
    monkeypatch.setattr(tuning, "QUICK", tuple(few))


def search(folder, over=NARROW, scheduler=None, progress=None, chips=4000):
    tune = planned(over, chips)
    with ChipStudyFolder.make(folder, tune.plan(), tune.bench) as opened:
        return run_tune(tune, opened, scheduler or Threads(1), progress or Silent())


def test_a_search_finds_more_than_97_of_100_and_states_it_on_chips_that_it_never_saw(tmp_path, monkeypatch):
    trained = []
    original = counting.train_chunk
    monkeypatch.setattr(counting, "train_chunk", lambda chunk: trained.append(chunk) or original(chunk))
    result = search(tmp_path / "tune")
    # 4 settings, then 4 and 2 neighbours of each, then 6 and 2 neighbours of 2, of which some lie beyond the range.
    assert planned().trainings == 4 * 512 + 12 * 2048 + 10 * 8192 + 4000
    assert 0.7 * planned().trainings < sum(chunk.count for chunk in trained) <= planned().trainings
    fresh = [chunk for chunk in trained if chunk.first >= FRESH]
    searched = [chunk for chunk in trained if chunk.first < FRESH]
    assert sum(chunk.count for chunk in fresh) == result.fresh.chips == 4000
    assert max(chunk.first + chunk.count for chunk in searched) == 8192
    assert {chunk.point.digest for chunk in fresh} == {fresh[0].point.digest}
    assert result.fresh.converged / result.fresh.chips > 0.96  # of all such chips more than 97 in 100, see the campaign


def test_the_bench_file_that_is_written_trains_with_the_tuned_settings(tmp_path, cli, quick):
    result = search(tmp_path / "tune")
    bench = load_bench(str(tmp_path / "tune" / "tuned" / "bench.toml"))
    assert {str(key): key.of(bench) for key in result.settings} == {str(k): v for k, v in result.settings.items()}
    assert bench.chip.spread.low_siemens == 1e-8
    done = cli("train", "--bench", tmp_path / "tune" / "tuned" / "bench.toml", "--seed", 1, "--quiet", "--no-report")
    assert done.code == 0


def test_an_interrupted_search_goes_on_to_the_same_files(tmp_path, small, quick):
    search(tmp_path / "whole")

    class Interrupting(Silent):
        def __call__(self, chips):
            super().__call__(chips)
            if self.done > 300:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(tmp_path / "cut", progress=Interrupting())
    with ChipStudyFolder.reopen(tmp_path / "cut", "tune") as opened:
        assert opened.done
        run_tune(resume_tune(opened), opened, Threads(2), Silent())
    assert small.contents(tmp_path / "cut") == small.contents(tmp_path / "whole")


def test_a_search_begun_when_its_chips_were_slower_goes_on_with_its_rounds(tmp_path):
    begun = plan_tune(load_bench("simulated"), read_axes(NARROW), chips=10, seed=3, chunk=SINGLE_CHUNK)
    assert begun.rounds == SLOW
    with ChipStudyFolder.make(tmp_path / "tune", begun.plan(), begun.bench) as opened:
        assert resume_tune(opened).plan() == begun.plan()


def test_limits_are_what_the_training_needs(tmp_path, quick):
    limits = search(tmp_path / "tune", over=(*NARROW[:2], "width=0.01", "epochs=11"), chips=100).limits
    assert limits == {"read_v": 0.1, "pulse_v": 2.0, "width_s": 0.01, "pulses": 10, "dose_vs": 0.2}


def test_the_settings_keep_apart_what_a_drift_would_mix_up(tmp_path, cli):
    # Both settings make every chip converge, 5e8 with fewer pulses. But its targets are 2 atanh(0.5) / 5e8 = 2.2 nA
    # apart, while a drift of 3 % moves an output by some 0.03 * 0.1 V * 0.5 uS * sqrt(8) = 4 nA (eight cells of half a
    # microsiemens, the middle of those chips); at 2e7 they are 55 nA apart.
    over = read_axes(("beta=2e7,5e8", "target=0.5", "width=0.05"))
    tune = plan_tune(load_bench("simulated"), over, chips=2000, seed=5)
    with ChipStudyFolder.make(tmp_path / "tune", tune.plan(), tune.bench) as opened:
        result = run_tune(tune, opened, Threads(1), Silent())
    assert [str(key) for key in result.settings] == ["beta", "target", "width_s", "epochs"]
    assert result.bench.training.beta == 2e7
    ((drift, right),) = result.fresh.right
    assert (drift, result.fresh.converged) == (0.03, 2000)
    assert right > 0.99 * 2000
    # A noisy chip confirms in 18 evaluations: there must be epochs for them.
    words = ("--bench", tmp_path / "tune" / "tuned" / "bench.toml", "--read-noise", "0.01", "--seed", 2, "--quiet")
    done = cli("train", *words, "--no-report", "--json")
    assert json.loads(done.out)["verdict"] == "converged", done.out


def test_drifts_that_are_given_take_the_place_of_the_usual_one():
    def drifts(*given):
        return plan_tune(load_bench("simulated"), read_axes(NARROW), chips=10, seed=1, drifts=given).drifts

    assert drifts() == (0.03,)
    assert drifts(0.1, 0.01) == (0.1, 0.01)


def test_a_curve_that_never_rises_cannot_be_tuned(tmp_path):
    (tmp_path / "flat.csv").write_text("G (S)\n4e-7\n4e-7\n4e-7\n")
    bench = load_bench("simulated", overrides={"chip": {"curve": str(tmp_path / "flat.csv")}})
    with pytest.raises(ConfigError, match=r"flat\.csv never rises, so no training can converge"):
        plan_tune(bench, [], chips=10, seed=1)


def test_a_setting_out_of_bounds_is_refused_before_anything_is_trained():
    with pytest.raises(DataError, match=r"target 1\.5 must lie between -1 and 1"):
        plan_tune(load_bench("simulated"), read_axes(("target=0.5,1.5",)), chips=10, seed=1)
    with pytest.raises(ConfigError, match="a search that begins with 160000 settings, at most 100000"):
        plan_tune(
            load_bench("simulated"), read_axes(("v1=0.05..0.1:10000", "target=0.8", "width=0.05")), chips=10, seed=1
        )


@pytest.mark.campaign
def test_the_default_search_reaches_97_of_100_at_the_spread_of_the_reference_study(tmp_path, small):
    result = search(tmp_path / "threads", over=(), scheduler=Threads(2), chips=20000)
    assert result.as_record()["fresh"]["yield_low"] > 0.97
    search(tmp_path / "processes", over=(), scheduler=Processes(2), chips=20000)
    assert small.contents(tmp_path / "threads") == small.contents(tmp_path / "processes")
