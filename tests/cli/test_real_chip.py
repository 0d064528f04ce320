"""Training of a chip on a bench of kind hardware, which here are the emulated instruments at their addresses."""

import json

import pytest
import tomli_w

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import make_emulated
from crossbar_hil.errors import ConfigError, Declined
from crossbar_hil.owners.wear import read_wear
from crossbar_hil.recording import record
from crossbar_hil.runs.store import load_run
from crossbar_hil.survey.file import read_cells

SHORT = ("--out", "runs", "--quiet", "--no-report", "--forecast", "3")


@pytest.fixture
def lab(tmp_path, monkeypatch, allow_loopback):
    """Write the file of a bench whose chip reads with noise, as it says itself; in a state folder of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with make_emulated(load_bench("emulated"), 1, proven=True, remembered=False) as emulated:
        tables = load_bench("emulated").model_dump(mode="json", by_alias=True, exclude_none=True)
        tables |= {"kind": "hardware", "chip_id": "A1"}
        for name, resource in emulated.resources.items():
            tables["instruments"][name]["resource"] = resource

        def write(**chip):
            (tmp_path / "lab.toml").write_text(tomli_w.dumps({**tables, "chip": {**tables["chip"], **chip}}))
            return "lab.toml"

        write.emulated = emulated
        yield write


@pytest.mark.campaign
def test_a_real_chip_whose_noise_is_stated_confirms_as_its_forecast_does_and_says_so(cli, lab, tmp_path):
    bench = lab(read_noise=0.05)
    asked = cli("train", "--bench", bench, *SHORT)
    assert asked.code == 1  # nobody answers
    assert "ends once 18 evaluations in a row meet every target (confirm)" in asked.err
    done = cli("train", "--bench", bench, *SHORT, "--epochs", "20", "--yes", "--json")
    run = load_run(json.loads(done.out)["run"])
    assert run.facts["confirm"] == 18
    # What a person who answers is told is told to one who does not, too.
    assert [line for line in asked.err.splitlines() if line.startswith(("chips", "pulses left", "row "))] == [
        line for line in done.err.splitlines() if line.startswith(("chips", "pulses left", "row "))
    ]
    assert "ends once 18 evaluations" in done.err


def test_a_program_records_a_real_chip_as_the_command_line_does_and_not_unasked(cli, lab, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"there is nobody to ask: give ask"):
        record(lab())
    told, asked = [], []
    how = {"out": "runs", "seed": 1, "chips": 3, "tell": told.append, "overrides": {"training": {"epochs": 1}}}
    with pytest.raises(Declined, match="the answer was no, so nothing was sent to bench emulated"):
        record(lab(), ask=asked.append, **how)
    assert "bench emulated was never commissioned" in asked[0]
    with pytest.raises(Declined, match="the answer was no, so no pulse was sent to the chip on bench emulated"):
        record(lab(), ask=lambda question: asked.append(question) or "never commissioned" in question, **how)
    with pytest.raises(Declined, match="the answer was no, so nothing was sent"):
        record(lab(), ask=lambda question: "no", **how)  # as `input` answers
    assert not (tmp_path / "runs").exists()
    run = record(lab(), ask=lambda question: not asked.append(question), label="by script", **how)
    assert asked[0] == asked[1] == asked[3]
    assert asked[2] == asked[4]
    assert asked[4].startswith("training sends pulses of 2 V, 50 ms to the chip on bench emulated; of 3 virtual chips")
    assert any("headroom" in line for line in told)
    assert (run.kind, run.facts["label"], run.facts["epochs"]) == ("hardware", "by script", 1)
    assert run.facts["forecast"]["chips"] == 3
    assert (run.folder / "journal.sqlite").exists()
    # Over all of these sessions the matrix has counted its relays by itself.
    (counts,) = (tmp_path / "state" / "crossbar-hil" / "relays").iterdir()
    worn = read_wear(counts)
    names = [f"1{port}{line:02d}" for port in "ABC" for line in range(1, 9)]
    reply = lab.emulated.instruments["matrix"].receive(f'print(channel.getcount("{",".join(names)}"))').decode()
    assert {name: count for name in names if (count := worn.get(name, 0))} == worn
    assert [worn.get(name, 0) for name in names] == [float(count) for count in reply.replace(";", ",").split(",")]
    assert run.facts["bench_work"]["relay_closings"] <= sum(worn.values())
    most = max(worn.values())
    told_by_check = cli("check", "lab.toml").err
    assert f"matrix has closed its relays {sum(worn.values())} times, most often " in told_by_check
    assert f", {most} times; for how many it is rated says the data sheet of its card" in told_by_check


def test_a_real_bench_is_commissioned_only_if_somebody_says_that_the_board_is_in_place(cli, lab):
    asked = cli("commission", lab(), "--resistors", "1 MOhm")  # nobody answers
    assert asked.code == 1
    assert asked.out.startswith("passed       identity")
    assert (
        "the board of resistors must be in place of the chip on bench emulated: voltages and pulses follow" in asked.err
    )
    assert "settings" not in asked.out
    wrong = cli("commission", "lab.toml", "--resistors", "1 S")
    assert wrong.code == 2
    assert "there is no file of that name, and it is no resistance such as '1 MOhm'" in wrong.err


@pytest.mark.campaign
def test_a_survey_of_a_real_chip_asks_before_its_pulses_and_not_before_its_readings(cli, lab, tmp_path):
    bench = lab()
    words = ("survey", bench, "--reads", "2", "--to")
    assert cli(*words, "read.toml").code == 0
    asked = cli(*words, "asked.toml", "--pulses", "1")
    assert asked.code == 1
    assert "sends each of 16 cells at most 1 of 2 V, 50 ms" in asked.err
    assert "so cells stay where the pulses bring them. Go on? [y/N]" in asked.err
    assert not (tmp_path / "asked.toml").exists()
    assert cli(*words, "sent.toml", "--pulses", "1", "--yes").code == 0
    found = {name: read_cells(tmp_path / f"{name}.toml") for name in ("read", "sent")}
    assert [each.survey.sent for each in found.values()] == [0, 16]
    assert found["sent"].source.chip_id == "A1"
    refused = cli("train", "--bench", lab(), *SHORT, "--yes", "--set", "cells=sent.toml", "--epochs", "2")
    assert refused.code == 3, refused.err
    text = (tmp_path / "sent.toml").read_text().replace('chip_id = "A1"', 'chip_id = "B2"')
    (tmp_path / "sent.toml").write_text(text)
    other = cli("train", "--bench", lab(), *SHORT, "--yes", "--set", "cells=sent.toml")
    assert (other.code, "is of chip B2, bench emulated has chip A1: survey that one" in other.err) == (2, True), (
        other.err
    )
