import functools
import json
import os
import socket
import time

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.sim_backend.emulation.bench import EmulatedBench
from crossbar_hil.sim_backend.emulation.state import StateFile, seal
from crossbar_hil.sim_backend.emulation.world.log import PhysicalLog

CLOSE_CELL_0_0 = 'channel.exclusiveclose("1A01,1C05,1C06,1C07,1C08,1C02,1C03,1C04")'
PULSE = "smua.source.limiti=1e-3 smua.source.output=1 smua.source.levelv=2 delay(0.05) smua.source.levelv=0"


shipped = functools.cache(load_bench)


def bench(seed=1, overrides=None, **files):
    found = load_bench("emulated", overrides=overrides) if overrides else shipped("emulated")
    return EmulatedBench(found, np.random.default_rng(seed), **files)


def say(emulated, name, message):
    """Send one message as a client does, so that what is kept is kept."""
    host, port = emulated.resources[name].split("::")[1:3]
    with socket.create_connection((host, int(port)), timeout=60) as client:
        client.sendall(f"{message}\nprint('done')\n".encode("latin-1"))
        return client.makefile("rb").readline()


def pulsed(emulated):
    """Send one pulse of 2 V, 50 ms to the whole first row."""
    say(emulated, "matrix", CLOSE_CELL_0_0)
    say(emulated, "smu", PULSE)


# ---------------------------------------------------------------------- the state


def test_a_chip_is_found_again_as_it_was_left(tmp_path):
    state = tmp_path / "emulated.json"
    with bench(state=state) as first:
        untouched = first.world.chip.conductances
        pulsed(first)
        left = first.world.chip.conductances
    assert not np.array_equal(left, untouched)
    assert np.array_equal(bench(state=state).world.chip.conductances, left)


def test_the_file_decides_over_the_seed(tmp_path):
    state = tmp_path / "emulated.json"
    drawn = bench(seed=1, state=state).world.chip.conductances
    assert np.array_equal(bench(seed=2, state=state).world.chip.conductances, drawn)
    assert not np.array_equal(bench(seed=2).world.chip.conductances, drawn)


def test_the_file_is_there_before_the_first_message_and_new_before_the_answer_to_a_pulse(tmp_path):
    state = tmp_path / "emulated.json"
    with bench(state=state) as emulated:
        at_first = json.loads(state.read_text())
        pulsed(emulated)
        after = json.loads(state.read_text())  # the bench is not closed: as after kill -9
        assert np.any(np.array(after["chip"]["level"]) != np.array(at_first["chip"]["level"]))
        assert np.array_equal(after["chip"]["level"], emulated.world.chip.levels)


def test_a_message_that_changes_nothing_leaves_the_file_alone(tmp_path):
    state = tmp_path / "emulated.json"
    with bench(state=state) as emulated:
        before = os.stat(state)
        say(emulated, "smu", "print(smua.measure.i())")
        assert os.stat(state).st_ino == before.st_ino


def test_levels_come_back_to_the_last_bit(tmp_path):
    state = tmp_path / "emulated.json"
    uneven = {"chip": {"step_variation": 0.3}}
    with bench(state=state, overrides=uneven) as first:
        pulsed(first)
        left = first.world.chip.state()
    again = bench(state=state, overrides=uneven).world.chip.state()
    assert all(np.array_equal(again[key], left[key]) for key in left)
    assert np.any(left["level"] % 1 != 0)


def test_steps_that_vary_go_on_where_they_were(tmp_path):
    uneven = {"chip": {"step_variation": 0.3}}
    with bench(state=tmp_path / "one.json", overrides=uneven) as whole:
        pulsed(whole)
        pulsed(whole)
    with bench(state=tmp_path / "two.json", overrides=uneven) as first:
        pulsed(first)
    with bench(state=tmp_path / "two.json", overrides=uneven) as second:
        pulsed(second)
    assert np.array_equal(second.world.chip.levels, whole.world.chip.levels)


def test_a_voltage_that_stands_when_the_bench_ends_moves_its_cells(tmp_path):
    state = tmp_path / "emulated.json"
    with bench(state=state) as emulated:
        before = emulated.world.chip.conductances
        say(emulated, "matrix", CLOSE_CELL_0_0)
        say(emulated, "smu", "smua.source.limiti=1e-3 smua.source.output=1 smua.source.levelv=2 delay(0.05)")
        assert np.array_equal(emulated.world.chip.conductances, before)
    after = bench(state=state).world.chip.conductances
    assert np.all(after[0] > before[0])
    assert np.array_equal(after[1:], before[1:])


def test_a_pulse_beyond_the_limits_of_the_bench_can_be_restored_too(tmp_path):
    state = tmp_path / "emulated.json"
    low = {"limits": {"pulse_v": 1.0, "width_s": 0.001}}
    with bench(state=state, overrides=low) as emulated:
        say(emulated, "matrix", CLOSE_CELL_0_0)
        say(emulated, "smu", PULSE.replace("levelv=2", "levelv=-2.8"))
        left = emulated.world.chip.conductances
    assert np.array_equal(bench(state=state, overrides=low).world.chip.conductances, left)


# ---------------------------------------------------------------------- what clients keep in instruments


def test_numbers_texts_and_booleans_of_clients_outlive_the_bench(tmp_path):
    state = tmp_path / "emulated.json"
    with bench(state=state) as first:
        say(first, "smu", "last_seq = 17 width = 0.1 name = 'run é' done = true list = {1} f = function() end")
    with bench(state=state) as second:
        assert second.instruments["smu"].scratch() == {"last_seq": 17, "width": 0.1, "name": "run é", "done": True}
        assert second.instruments["matrix"].scratch() == {}
        assert say(second, "smu", "print(last_seq, width, done, list)").split() == [
            b"1.70000e+01",
            b"1.00000e-01",
            b"true",
            b"nil",
        ]


def test_a_global_that_is_no_more_is_not_brought_back(tmp_path):
    state = tmp_path / "emulated.json"
    with bench(state=state) as first:
        say(first, "smu", "last_seq = 17")
        say(first, "smu", "last_seq = nil")
    assert bench(state=state).instruments["smu"].scratch() == {}


def test_true_is_told_from_one(tmp_path):
    state = tmp_path / "emulated.json"
    with bench(state=state) as emulated:
        say(emulated, "smu", "done = 1")
        say(emulated, "smu", "done = true")
    assert bench(state=state).instruments["smu"].scratch()["done"] is True


def test_the_instruments_own_objects_are_not_kept():
    smu = bench().instruments["smu"]
    smu.receive("print = 3 smua = 'mine' own = 1")
    assert smu.scratch() == {"own": 1}


# ---------------------------------------------------------------------- files that are refused


@pytest.fixture
def state(tmp_path):
    bench(state=tmp_path / "emulated.json")
    return tmp_path / "emulated.json"


def test_every_cut_of_the_file_is_refused(state):
    whole, made = state.read_text(), bench()
    for length in range(0, len(whole) - 1, 149):
        state.write_text(whole[:length])
        with pytest.raises(ConfigError, match="damaged") as refusal:
            StateFile(state, made.world, made.instruments)
        assert "\n" not in str(refusal.value)


def test_a_changed_digit_is_refused(state):
    whole = state.read_text()
    state.write_text(whole.replace('"level": [[0.0', '"level": [[7.0'))
    with pytest.raises(ConfigError, match="checksum"):
        bench(state=state)


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": "other"}', "3"])
def test_a_file_of_something_else_is_refused(state, text):
    state.write_text(text)
    with pytest.raises(ConfigError, match="is not the state of an emulated bench"):
        bench(state=state)


def changed(state, **entries):
    body = json.loads(state.read_text())
    del body["sha256"]
    body |= entries
    state.write_bytes(seal(body))


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"version": 99}, "version 99"),
        ({"shape": [3, 4]}, "3 by 4"),
        ({"curve": "00"}, "another curve"),
        ({"instruments": {"smu": {}}}, "not matrix, smu"),
        ({"chip": {}}, "does not fit"),
        ({"generator": {"bit_generator": "other"}}, "does not fit"),
    ],
)
def test_the_state_of_another_bench_is_refused_in_one_sentence(state, entries, words):
    changed(state, **entries)
    before = state.read_bytes()
    with pytest.raises(ConfigError, match=words) as refusal:
        bench(state=state)
    assert "\n" not in str(refusal.value)
    assert str(state) in str(refusal.value)
    assert state.read_bytes() == before


def test_a_state_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be written"):
        bench(state=tmp_path / "no" / "folder.json")


def test_a_file_that_vanishes_is_written_again_and_a_folder_that_vanishes_is_told(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    with bench(state=folder / "emulated.json") as emulated:
        (folder / "emulated.json").unlink()
        say(emulated, "smu", "a = 1")
        assert emulated.failure == ""
        (folder / "emulated.json").unlink()
        folder.rmdir()
        say(emulated, "smu", "a = 2")
        assert "cannot be written" in emulated.failure
        folder.mkdir()
        say(emulated, "smu", "print(1)")
        assert emulated.failure == ""
    assert bench(state=folder / "emulated.json").instruments["smu"].scratch() == {"a": 2}


# ---------------------------------------------------------------------- the physical log


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_log_begins_with_the_chip_and_holds_what_memory_holds(tmp_path):
    path = tmp_path / "physical.jsonl"
    before = time.time()
    with bench(log=path) as emulated:
        chip = emulated.world.chip.conductances
        pulsed(emulated)
        events = emulated.world.log.events
        written = lines(path)  # line by line: nothing waits for the end
    begin, *rest = written
    assert begin["event"] == "begin"
    assert begin["chip"] == {"shape": [4, 4], "conductances": chip.tolist()}
    assert begin["threshold_v"] == pytest.approx(1.2)
    assert [{**each, "wall": None} for each in rest] == [
        {**json.loads(json.dumps(each)), "wall": None} for each in events
    ]
    assert before <= begin["wall"] <= rest[-1]["wall"] <= time.time()
    assert {each["event"] for each in rest} == {"relays", "source", "exposure"}


def test_a_bench_that_starts_again_appends(tmp_path):
    path, state = tmp_path / "physical.jsonl", tmp_path / "emulated.json"
    with bench(log=path, state=state) as first:
        pulsed(first)
        left = first.world.chip.conductances.tolist()
    with bench(log=path, state=state):
        pass
    begins = [each for each in lines(path) if each["event"] == "begin"]
    assert len(begins) == 2
    assert begins[1]["chip"]["conductances"] == left
    assert lines(path)[-1]["event"] == "end"


def test_a_log_of_a_bounded_size_keeps_the_last_events_in_two_files_and_counts_the_others(tmp_path):
    path = tmp_path / "physical.jsonl"
    number = 0
    for part in (40, 1, 60):  # three benches, one after the other, with that file
        log = PhysicalLog(path=path, remembered=False, most_bytes=1000)
        for _ in range(part):
            number += 1
            log.add(float(number), "source", name="smu.a", number=number)
        log.close()
        files = [path.with_name("physical.jsonl.1"), path]
        assert max(each.stat().st_size for each in files) < 1200
        first = lines(path)[0]
        numbers = [event["number"] for each in files for event in lines(each) if event["event"] == "source"]
        assert numbers == list(range(numbers[0], number + 1))  # nothing missing between the two files
        assert first["event"] == "dropped"
        assert first["events"] == numbers[0] - 1
    with pytest.raises(DataError, match=r"does not remember .*physical\.jsonl alone"):
        log.of("source")


def test_a_bench_file_may_leave_the_log_out_or_keep_the_last_of_it(tmp_path):
    made = {}
    for kept in ("whole", "last", "none"):
        path = tmp_path / kept / "physical.jsonl"
        path.parent.mkdir()
        made[kept] = EmulatedBench(
            load_bench("emulated", overrides={"emulation": {"log": kept}}), np.random.default_rng(1), log=path
        ).world.log
        assert path.exists() is (kept != "none")
    assert (made["whole"].most_bytes, made["last"].most_bytes) == (None, 32 << 20)


def test_without_files_nothing_is_written_and_memory_is_as_before(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with bench() as emulated:
        assert emulated.world.log.events == []
        pulsed(emulated)
    assert {each["event"] for each in emulated.world.log.events} == {"relays", "source", "exposure"}
    assert not any("wall" in each for each in emulated.world.log.events)
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_cannot_be_opened_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"physical log .* cannot be opened"):
        bench(log=tmp_path / "no" / "folder.jsonl")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_log_on_a_full_disk_is_told_and_the_bench_goes_on(monkeypatch):
    from pathlib import Path

    # A device is refused as a log, so that it has to pass for a file here.
    monkeypatch.setattr("crossbar_hil.sim_backend.emulation.world.log.why_not_ours", lambda _: "")
    with bench(log=Path("/dev/full")) as emulated:
        pulsed(emulated)
        assert "the disk is full" in emulated.failure
        assert emulated.world.log.of("exposure")
