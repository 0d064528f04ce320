import math

import numpy as np
import pytest

from crossbar_hil import load_run
from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import DataError
from crossbar_hil.runs.training import train_and_record


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
    opened = []
    for bits, label, said in (("01101", "10", "patterns have 5 bits"), ("0110", "101", "labels have 3 bits")):
        file.write_text(f"pattern,label,set\n{bits},{label},train\n")
        with pytest.raises(DataError, match=f"{said}, run .* learnt .* of [42]$"):
            load_run(converged_run).predict(file, phase=lambda *_, **__: opened.append(1))
    assert opened == []


@pytest.fixture(scope="module")
def noisy_run(tmp_path_factory):
    noisy = load_bench("simulated", overrides={"chip": {"read_noise": 0.05}})
    return train_and_record(noisy, seed=1, out=tmp_path_factory.mktemp("runs")).folder


def test_with_noise_each_pattern_is_read_twenty_times_and_its_answer_is_the_most_frequent_one(noisy_run):
    answer = load_run(noisy_run).predict()
    assert (answer.reads, answer.kind) == (20, "simulated")
    assert all(line.same > 20 / 9 for line in answer.lines), "of nine possible answers the most frequent one"
    unsure = min(answer.lines, key=lambda line: line.same)
    assert unsure.same < 20
    assert f"least sure is {unsure.pattern} with {unsure.same} of 20 (95 % interval " in answer.summary


def test_a_share_of_the_same_answers_is_what_the_noise_of_the_chip_promises(noisy_run):
    # Output currents are V (G+ - G-) summed, with the noise of 5 % of each cell: the probability of an answer is the
    # product over the outputs of normal integrals between the targets.
    run = load_run(noisy_run)
    end = run.chip("end")
    curve = np.array([float(line.split(",")[4]) for line in (run.folder / "curve.csv").read_text().splitlines()
                      if line.startswith("potentiation,2.0,0.05,")])  # fmt: skip
    conductances = 10 * (curve[end["level"].astype(int)] - curve[0] + end["shift_siemens"])
    answer = run.predict(repeat=400)
    edge = math.atanh(0.95) / 5e7
    for line in answer.lines:
        volts = np.where([bit == "1" for bit in line.pattern], 0.1, -0.1)
        chance = 1.0
        for output, bit in enumerate(line.says):
            cells = conductances[:, 2 * output : 2 * output + 2]
            mean, noise = volts @ (cells[:, 0] - cells[:, 1]), 0.05 * 0.1 * math.sqrt(np.square(cells).sum())
            above, below = (0.5 * math.erfc((sign * edge - mean) / noise / math.sqrt(2)) for sign in (1, -1))
            chance *= {"1": above, "0": 1 - below, "?": below - above}[bit]
        assert abs(line.same / 400 - chance) < 5 * math.sqrt(max(chance * (1 - chance), 0.01) / 400)


def test_without_noise_a_pattern_is_read_once_unless_more_is_asked_for(converged_run, cli):
    once = load_run(converged_run).predict()
    assert once.reads == 1
    assert "reads" not in once.summary
    assert "same answer" not in cli("predict", str(converged_run)).out
    three = cli("predict", str(converged_run), "--repeat", "3").out
    assert "3 of 3" in three
    assert "In 3 reads 10 of 10 patterns got the same answer each time." in three
