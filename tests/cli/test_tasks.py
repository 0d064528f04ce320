"""The verb ``tasks``, and ``--task`` of the verbs that train."""

import json

import pytest


def test_tasks_are_listed_with_size_and_rule_and_one_is_told_of_whole(cli):
    listed = {each["task"]: each for each in json.loads(cli("tasks", "--json").out)["tasks"]}
    letters = listed["prezioso2015"]
    assert (letters["rows"], letters["columns"], letters["patterns"]) == (10, 6, 30)
    assert listed["prezioso2015-10x8"]["training"]["rule"] == "stochastic"
    assert letters["benches"] == ["emulated", "simulated"]
    assert listed["li2021-4x4"]["benches"] == ["emulated", "emulated-single", "simulated"]
    told = cli("tasks", "prezioso2015").out
    assert "doi:10.1038/nature14441" in told
    assert "crossbar-hil train --task prezioso2015 --bench emulated" in told
    all_told = cli("tasks").out
    assert all(name in all_told for name in listed)


def test_tasks_of_spiking_networks_are_listed_beside_with_their_encoding_and_one_is_told_of_whole(cli):
    listed = {each["task"]: each for each in json.loads(cli("tasks", "--json").out)["spiking"]}
    assert (listed["coincidence"]["rows"], listed["coincidence"]["columns"]) == (20, 1)
    assert {name: each["encoding"] for name, each in listed.items() if each["encoding"] != "rates"} == {
        "coincidence": "times",
        "moro2022": "times",
    }
    assert listed["stripes"]["benches"] == ["emulated", "emulated-single", "simulated"]
    assert listed["zvn"]["benches"] == ["emulated", "simulated"]
    told = cli("tasks", "coincidence").out
    assert "doi:10.1038/s41467-018-07757-y" in told
    assert "crossbar-hil snn train --task coincidence --bench emulated" in told


def test_an_unknown_task_is_bad_usage_and_the_nearest_is_named(cli):
    done = cli("train", "--task", "prezioso", "--seed", "1")
    assert done.code == 2
    assert done.err.endswith("did you mean 'prezioso2015'?\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("train", "--task", "zvn"), "task 'zvn' is of `snn train`, and not known here; known are bayat2018"),
        (
            ("snn", "train", "--task", "xor"),
            "task 'xor' is of `train`, `sweep` and `tune`, and not known here; known are",
        ),
    ],
)
def test_a_task_of_another_verb_is_refused_with_the_verb_that_takes_it(cli, words, told):
    done = cli(*words)
    assert (done.code, told in done.err) == (2, True), done.err


def test_check_takes_the_tasks_of_spiking_networks_and_files_of_ones_own(cli, tmp_path):
    done = cli("check", "emulated", "--task", "zvn", "--json")  # of three columns, which no pattern set takes
    assert (done.code, json.loads(done.out)["problems"]) == (0, []), done.out
    assert "[limits] are not held against them" in json.loads(done.out)["notes"][0]
    assert "task zvn trains 9 rows and 3 columns" in cli("check", "emulated-single", "--task", "zvn").out
    (tmp_path / "mine.toml").write_text("[chip]\nrows = 4\n")
    refused = cli("check", "emulated", "--task", "mine.toml")
    assert (refused.code, "task file mine.toml: title is missing" in refused.err) == (2, True)


def test_a_run_says_which_task_it_trained(cli):
    assert cli("train", "--task", "li2021-4x4", "--seed", "1", "--quiet", "--no-report").code == 0
    assert json.loads(cli("show", "latest", "--json").out)["task"] == "li2021-4x4"


def test_a_sweep_takes_the_patterns_of_a_task_and_says_where_they_do_not_fit(cli):
    done = cli("sweep", "--task", "li2021", "--over", "rows=3,5", "--seed", "1", "--quiet")
    assert done.code == 1
    assert "point rows 5: patterns have 3 bits, but the chip has 5 rows" in done.err


def test_a_bench_is_checked_with_the_task_that_it_is_to_train(cli):
    done = cli("check", "simulated", "--task", "xor")
    assert done.code == 0
    assert done.out.startswith("bench simulated with task xor is sound\n")
    # 150 epochs of the task, all but the last of which may send a pulse to a cell
    assert "fewer pulses than the 149 that 150 epochs may send to it" in done.out
