"""The verb ``tasks``, and ``--task`` of the verbs that train."""

import json


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
    assert all(name in cli("tasks").out for name in listed)


def test_an_unknown_task_is_bad_usage_and_the_nearest_is_named(cli):
    done = cli("train", "--task", "prezioso", "--seed", "1")
    assert done.code == 2
    assert done.err.endswith("did you mean 'prezioso2015'?\n")


def test_a_run_says_which_task_it_trained(cli):
    assert cli("train", "--task", "li2021-4x4", "--seed", "1", "--quiet", "--no-report").code == 0
    assert json.loads(cli("show", "latest", "--json").out)["task"] == "li2021-4x4"


def test_a_sweep_takes_the_patterns_and_the_size_of_a_task(cli):
    axes = ("--over", "beta=2e8", "--over", "target=0.95", "--over", "epochs=100")  # three: no map is drawn
    done = cli("sweep", "--task", "li2021", *axes, "--chips", "20", "--seed", "1", "--quiet", "--json")
    assert json.loads(done.out)["best"]["yield"] == 1
