import numpy as np
import pytest

from crossbar_hil import load_run
from crossbar_hil.errors import DataError


def test_trained_patterns_of_a_converged_run_are_all_right(converged_run, tmp_path):
    file = tmp_path / "trained.csv"
    task = load_run(converged_run).task
    lines = [
        "".join(map(str, p)) + "," + "".join(map(str, q)) + ",train"
        for p, q in zip(task.train, task.train_labels, strict=True)
    ]
    file.write_text("\n".join(["pattern,label,set", *lines]))
    answer = load_run(converged_run).predict(file)
    assert answer.correct == len(task.train) == answer.reachable


def test_the_chip_judges_as_training_left_it(converged_run, tmp_path):
    run = load_run(converged_run)
    file = tmp_path / "one.csv"
    file.write_text("pattern,label,set\n0110,10,train\n")
    (line,) = run.predict(file).lines
    # One pattern alone and the same pattern in a batch differ by the order of summation.
    assert np.allclose(line.activations, run.result.activations[-1, 2], rtol=1e-12)


def test_activations_of_complements_are_each_others_negative(converged_run):
    lines = {line.pattern: line.activations for line in load_run(converged_run).predict().lines}
    assert np.allclose(lines["0011"], np.negative(lines["1100"]), rtol=0, atol=1e-12)


def test_at_most_seven_of_the_ten_test_patterns_can_be_right(converged_run):
    answer = load_run(converged_run).predict()
    assert len(answer.lines) == 10
    assert answer.reachable == 7
    assert answer.correct <= 7
    assert "At most 7" in answer.summary


def test_patterns_of_the_wrong_width_are_refused(converged_run, tmp_path):
    file = tmp_path / "wide.csv"
    file.write_text("pattern,label,set\n01101,10,train\n")
    with pytest.raises(DataError, match=r"patterns have shape \(1, 5\)"):
        load_run(converged_run).predict(file)
