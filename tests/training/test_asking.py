"""What a rule may be, may answer and may keep, on a chip that writes down what it is sent."""

import numpy as np
import pytest

from crossbar_hil import DeviceBackend, Limits, Pulse, Trainer
from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import ConfigError, DataError, LimitError
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend
from crossbar_hil.training.asking import make_rule
from crossbar_hil.training.rules.manhattan import manhattan_signs
from crossbar_hil.training.rules.rule import LearningRule
from crossbar_hil.training.rules.stochastic import Stochastic
from crossbar_hil.training.settings import most_pulses
from crossbar_hil.training.updates import Update

PULSE, DOWN = Pulse(2.0, 0.05), Pulse(-2.0, 0.05)
TASK = [[0, 1], [1, 0]], [[1], [0]]


class Chip(DeviceBackend):
    """Two rows of one pair, alike, of which each pulse raises a cell by 1 nS."""

    kind, shape = "simulated", (2, 2)

    def __init__(self, **limits):
        self.limits = Limits(1.0, 3.0, 1.0, **limits)
        self.siemens, self.sent, self.reads = np.full(self.shape, 1e-6), [], []

    def _read_currents(self, voltages):
        self.reads.append(voltages.tolist())
        return voltages @ self.siemens

    def _send_pulses(self, counts, pulse):
        self.sent.append((counts.tolist(), pulse.amplitude_v))
        self.siemens = self.siemens + 1e-9 * counts

    def make_safe(self):
        pass


class Says(LearningRule):
    """Says one thing after the other, then nothing."""

    def __init__(self, *answers, acts="all", most=3):
        self.answers, self.acts, self.most = answers, acts, most

    def begin(self, shape, rng):
        self.left, self.seen = list(self.answers), []

    def __call__(self, seen):
        self.seen.append(seen)
        return np.array(self.left.pop(0)) if self.left else np.zeros((2, 1))


COUNTS, ONE_EACH = [[0, 3], [1, 0]], [[0, 1], [1, 0]]
REFUSED = {
    "floats": (np.array(COUNTS, float), "counts of an integer type, got float64"),
    "truth values": (np.array(COUNTS, bool), "counts of an integer type, got bool"),
    "not a number": (np.full((2, 2), np.nan), "counts of an integer type, got float64"),
    "negative": (
        np.array([[0, -1], [0, 0]]),
        r"from 0 to 3 pulses for a cell, .* got -1 for cell \[0, 1\] \(row 1, co",
    ),
    "too many": (np.array([[0, 0], [4, 0]]), r"from 0 to 3 pulses for a cell, .* got 4 for cell \[1, 0\]"),
    "huge": (np.full((2, 2), 2**63, np.uint64), "from 0 to 3 pulses for a cell"),
    "both of a pair": (np.array([[0, 1], [1, 2]]), r"both cells of a pair, got 1 and 2 pulses for cells \[1, 0\]"),
    "wrong shape": (np.ones((3, 2), int), r"shape \(2, 2\) or signs of shape \(2, 1\), got an array of shape \(3, 2\)"),
    "a list": ([[1], [0]], "got \\[\\[1\\], \\[0\\]\\]"),
    "signs that are text": (np.array([["1"], ["0"]]), "signs as numbers, got an array of <U1"),
    "signs that are counts": (np.array([[2], [0]]), "-1, 0 or 1 for each synapse, got 2 for row 1, output 1"),
    "no sign": (np.array([[np.nan], [0.0]]), "got nan for row 1"),
}


@pytest.mark.parametrize("acts", ["all", "each", "drawn"])
@pytest.mark.parametrize("what", REFUSED)
def test_what_is_neither_signs_nor_whole_counts_is_refused_by_name_before_a_pulse(what, acts):
    answer, said = REFUSED[what]

    class Wrong(Says):
        def __call__(self, seen):
            return answer

    chip = Chip()
    with pytest.raises(DataError, match=f"^the rule must .*{said}.*; nothing of it was sent$"):
        Trainer(chip, rule=Wrong(acts=acts), seed=1).run(*TASK)
    assert chip.sent == []


def test_counts_are_sent_as_they_are_and_signs_as_one_pulse_each():
    chip = Chip()
    result = Trainer(chip, rule=Says(COUNTS, [[1.0], [-1.0]]), beta=1.0, epochs=5).run(*TASK)
    assert chip.sent[:2] == [(COUNTS, 2.0), ([[1, 0], [0, 1]], 2.0)]
    assert result.counts.tolist()[:2] == [COUNTS, [[1, 0], [0, 1]]]
    assert result.pulses == 6


@pytest.mark.parametrize(
    ("update", "sent"),
    [
        (Update(PULSE, DOWN, both_ways=True), [([[3, 0], [0, 1]], -2.0), (COUNTS, 2.0)]),
        (Update(PULSE, DOWN, ceiling_siemens=1e-7), [([[3, 0], [0, 1]], -2.0)]),
        (
            Update(PULSE, verify_siemens=5e-9, tries=3),
            [(COUNTS, 2.0), ([[0, 1], [1, 0]], 2.0), ([[0, 1], [1, 0]], 2.0)],
        ),
    ],
    ids=["both ways", "refresh", "verify"],
)
def test_the_options_of_an_update_hold_for_counts(update, sent):
    chip = Chip()
    Trainer(chip, rule=Says(COUNTS), update=update, beta=1.0, epochs=2).run(*TASK)
    assert chip.sent == sent


def test_a_pattern_is_read_anew_once_something_was_sent_in_its_epoch():
    chip, rule = Chip(), Says([[0], [0]], COUNTS, acts="each")
    Trainer(chip, rule=rule, beta=1.0, epochs=3, unresponsive=0).run([[0, 1], [1, 0], [1, 1]], [[1], [0], [1]])
    assert [len(each) for each in chip.reads] == [5, 1, 5, 5]  # all and the cells; the third pattern; twice all
    assert chip.reads[1] == [[0.1, 0.1]]


def test_after_each_pattern_write_and_verify_goes_by_what_the_cells_read_now():
    chip, one = Chip(), [[0, 1], [0, 0]]
    update = Update(PULSE, verify_siemens=5e-9, tries=3)
    Trainer(chip, rule=Says(one, one, acts="each"), update=update, beta=1.0, epochs=2).run(*TASK)
    assert chip.sent == [(one, 2.0)] * 6  # three pulses of 1 nS do not reach 5 nS, for either pattern


def test_a_rule_of_state_that_asks_for_nothing_for_long_may_ask_again():
    chip = Chip()
    chip.noisy = False
    result = Trainer(chip, rule=Says(*[[[0], [0]]] * 7, COUNTS), beta=1.0, epochs=10).run(*TASK)
    assert result.counts.any(axis=(1, 2)).tolist() == [False] * 7 + [True, False, False]
    assert result.given_up == ""
    silent = [Trainer(Chip(), rule=Says(), beta=1.0, epochs=6, give_up=False)]
    assert [each.run(*TASK).verdict for each in silent] == ["slow"]  # of a rule that repeats itself it were stalled


def test_within_an_epoch_nothing_is_sent_to_a_cell_that_its_pulses_have_brought_to_its_end():
    chip = SimulatedBackend(ConductanceCurve([1e-6, 1.1e-6], PULSE), np.full((2, 2), 1e-8))
    up = [[1], [0]]
    result = Trainer(chip, rule=Says(*[up] * 20, acts="each"), beta=1.0, unresponsive=0).run(*TASK)
    assert result.counts.tolist() == [[[1, 0], [0, 0]]] + [[[0, 0], [0, 0]]] * (result.epochs - 1)
    assert "end of its curve" in result.given_up


def test_a_cell_that_was_raised_and_lowered_within_an_epoch_is_not_called_unresponsive():
    class Stays(Chip):
        def _send_pulses(self, counts, pulse):  # once up, once down is as if nothing had been sent
            self.sent.append((counts.tolist(), pulse.amplitude_v))

    signs = [[[1], [0]], [[-1], [0]]] * 20
    one_cell = {"rule": Says(*signs, acts="each"), "update": Update(PULSE, DOWN, both_ways=True)}
    result = Trainer(Stays(), beta=1.0, epochs=12, **one_cell).run(*TASK)
    assert result.counts.sum(axis=0).tolist() == [[22, 22], [0, 0]]
    assert not result.unresponsive.any()


def test_every_training_begins_with_a_fresh_copy_of_its_rule():
    rule = Says(COUNTS)
    chips = [Chip(), Chip()]
    for chip in chips:
        trainer = Trainer(chip, rule=rule, beta=1.0, epochs=3)
        trainer.run(*TASK)
    assert chips[0].sent == chips[1].sent != []
    assert not hasattr(rule, "left")


def test_what_a_rule_does_to_what_it_sees_changes_no_record():
    class Careless(Says):
        def __call__(self, seen):
            for array in seen:
                if isinstance(array, np.ndarray):
                    array[:] = 7.0
            return super().__call__(seen)

    results = [Trainer(Chip(), rule=kind(COUNTS), beta=1.0, epochs=3).run(*TASK) for kind in (Says, Careless)]
    for name in ("conductances", "currents", "activations", "errors", "counts"):
        np.testing.assert_array_equal(*(getattr(each, name) for each in results))


def test_a_limit_stops_a_rule_within_an_epoch_before_the_pulse_that_goes_beyond_it():
    chip = Chip(pulses=5)
    rule = Says([[0, 3], [0, 0]], [[0, 3], [0, 0]], acts="each")
    with pytest.raises(LimitError):
        Trainer(chip, rule=rule, beta=1.0).run(*TASK)
    assert chip.sent == [([[0, 3], [0, 0]], 2.0)]


def test_a_rule_that_draws_asks_for_a_seed_and_the_same_seed_draws_the_same():
    with pytest.raises(DataError, match="rule Stochastic draws, so it needs a seed"):
        Trainer(Chip(), rule=Stochastic()).run(*TASK)
    with pytest.raises(DataError, match=r"seed \d+ is not from 0 to 2\^128 - 1"):
        Trainer(Chip(), rule=Stochastic(), seed=2**128).run(*TASK)

    class Draws(Says):
        draws = True

        def begin(self, shape, rng):
            super().begin(shape, rng)
            self.rng = rng

        def __call__(self, seen):
            return self.rng.integers(-1, 2, size=(2, 1))

    def sent(**how):
        chip = Chip()
        Trainer(chip, rule=Draws(), beta=1.0, epochs=9, unresponsive=0, **how).run(*TASK)
        return chip.sent

    assert sent(seed=1) == sent(seed=1, number=0)
    assert sent(seed=1) != sent(seed=2)
    assert sent(seed=1) != sent(seed=1, number=1)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Says, "rule is the class Says; give one of it, Says"),
        (Says(acts="never"), "rule Says acts 'never', it must be one of all, each, drawn"),
        (Says(most=0), "rule Says asks for at most 0 pulses"),
        (Says(most=1.5), "rule Says asks for at most 1.5 pulses"),
        (Says(most=1001), "a whole number from 1 to 1000"),
    ],
)
def test_what_cannot_be_a_rule_is_refused(rule, said):
    with pytest.raises(DataError, match=said):
        Trainer(Chip(), rule=rule)


@pytest.mark.parametrize(
    ("rule", "options", "said"),
    [
        ("delta", {"rat": 1}, "rule 'delta' has no option 'rat'; it has rate, most, least; did you mean 'rate'"),
        ("delta", {"rate": 0}, "rule 'delta' cannot be made .* rate 0 must be a finite number above zero"),
        ("delta", {"rate": "fast"}, "rate fast must be"),
        ("delta", {"most": 2.5}, "asks for at most 2.5 pulses"),
        ("delta", {"least": 2}, "least 2 must be 0 or 1"),
        ("momentum", {"keep": 1}, "keep 1 must be a number from 0 to below 1"),
        ("stochastic", {"order": "any"}, "order 'any' must be 'drawn' or 'file'"),
        ("sanger", {"unit_siemens": -1.0}, "unit_siemens -1.0 must be a finite number above zero"),
        ("one-cell", {"lift": -1}, "lift -1 must be a whole number of at least 0"),
        ("manhattan", {"rate": 1}, "rule 'manhattan' is a function, so it takes no rule_options, but rate is given"),
        ("manhattan", {"rate": [1]}, r"rate: \[1\] must be a finite number, text, true or false"),
        ("one-cell", {}, "a rule that moves one cell of a pair depresses it too: give depress_v and depress_s"),
    ],
)
def test_an_option_that_a_rule_does_not_take_is_refused_by_name(rule, options, said):
    with pytest.raises((ConfigError, DataError), match=said):
        most_pulses(load_bench("simulated", overrides={"training": {"rule": rule, "rule_options": options}}).training)


def test_something_else_under_the_name_of_a_rule_is_refused():
    for found in (dict, 7):
        with pytest.raises(ConfigError, match="neither a function nor a subclass of LearningRule"):
            make_rule("odd", found, {})
    assert make_rule("plain", manhattan_signs, {}) is manhattan_signs


@pytest.mark.parametrize(
    ("settings", "most"),
    [
        ({}, 47),
        ({"rule": "delta"}, 470),
        ({"rule": "stochastic"}, 47 * 6),
        ({"rule": "delta", "rule_options": {"most": 4}, "verify_siemens": 1e-8, "tries": 3}, 47 * 6),
        ({"verify_siemens": 1e-8, "tries": 3}, 47 * 3),
        ({"rule": "stochastic", "verify_siemens": 1e-8, "tries": 3}, 47 * 6 * 3),
    ],
)
def test_the_most_pulses_of_a_cell_count_patterns_and_counts(settings, most):
    assert most_pulses(load_bench("simulated", overrides={"training": settings}).training) == most
