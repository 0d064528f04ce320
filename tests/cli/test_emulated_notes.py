"""What is said of an emulated chip where a person would else be surprised."""

from types import SimpleNamespace

import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.cli.common import say_assumptions, say_seed
from crossbar_hil.errors import RunError


@pytest.mark.parametrize(
    ("kind", "chip", "said"),
    [
        ("emulated", {"read_noise": 0.01}, True),
        ("emulated", {"relaxation": 0.1, "relaxation_s": 1.0}, True),
        ("emulated", {"drift": 0.01}, True),
        ("emulated", {"step_spread": 0.3}, False),
        ("emulated", {}, False),
        ("simulated", {"read_noise": 0.01}, False),
    ],
)
def test_resume_says_where_the_epoch_that_was_cut_off_is_read_anew(cli, monkeypatch, kind, chip, said):
    def resume(quiet, agree, accept_change):
        agree(kind)
        raise RunError("not here")

    run = SimpleNamespace(kind=kind, bench=load_bench(kind, overrides={"chip": chip}), resume=resume)
    monkeypatch.setattr("crossbar_hil.runs.store.find_run", lambda *_: run)
    told = cli("resume", "latest").err
    assert ("are made anew" in told and "no pulse is sent twice" in told) is said


def test_an_offset_that_an_emulated_bench_subtracts_is_told(capsys):
    for kind, said in (("emulated", True), ("simulated", False)):
        say_assumptions(load_bench(kind, overrides={"chip": {"column_offset_a": 1e-7}}))
        assert ("column_offset_a does not show" in capsys.readouterr().err) is said


def test_a_seed_that_draws_no_chip_here_is_told_and_one_that_does_is_not(capsys):
    bench = load_bench("emulated")
    say_seed(bench, 3)
    say_seed(load_bench("simulated"), 3)
    table = bench.instruments["smu"].model_copy(update={"resource": "TCPIP0::127.0.0.1::5025::SOCKET"})
    served = bench.model_copy(update={"instruments": {**bench.instruments, "smu": table}})
    say_seed(served, None)
    assert capsys.readouterr().err == ""
    say_seed(served, 3)
    assert (
        capsys.readouterr().err == "note    --seed draws virtual chips, and that of bench emulated is not drawn here\n"
    )
    assert not served.model_copy(update={"kind": "hardware"}).draws_chip


def test_a_spiking_training_says_that_its_seed_draws_no_chip(cli, monkeypatch):
    def train_spiking(*_, **__):
        raise RunError("not here")

    monkeypatch.setattr("crossbar_hil.spiking.training.train_spiking", train_spiking)
    assert "the spike trains alone use it" not in cli("snn", "train", "--bench", "emulated", "--seed", "3").err
    monkeypatch.setattr("crossbar_hil.bench.file.Bench.draws_chip", False)
    assert "is not drawn here; the spike trains alone use it" in cli(
        "snn", "train", "--bench", "emulated", "--seed", "3"
    ).err  # fmt: skip
