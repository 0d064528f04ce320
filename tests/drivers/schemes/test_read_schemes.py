import numpy as np
import pytest

from crossbar_hil.drivers.schemes.read_schemes import read_scheme
from crossbar_hil.errors import ConfigError

from ...cases import in_one_test

DUAL = ("drive", "meter", "ground")
SINGLE = ("drive", "ground", "guard", "divider")
G = np.array([[1.0, 2.0], [4.0, 8.0], [16.0, 32.0]])


def measured_currents(scheme, voltages, by="pattern", *, shown=0.0, sources=None, guard=0.0, beside=0.0, gain=1.0):
    """What the steps add up to.

    `shown` is what the meter shows without a current, `sources` what each source is off, `guard` what the guard is off
    HI, `beside` a conductance from the meter's HI to ground, `gain` that of the guard.
    """
    found = np.zeros((len(voltages), G.shape[1]))
    for step in scheme.steps(voltages, G.shape, by):
        volts = {port: level + (sources or {}).get(port, 0.0) for port, level in step.source_volts.items()}
        for port, column in step.columns.items():
            hi, first = volts[port], volts[next(iter(step.columns))]
            lines = [{**volts, "ground": 0.0, "guard": gain * first + guard}[each] for each in step.assignment]
            out_of_meter = (hi - np.array(lines[:3])) @ G[:, column] + beside * hi + shown
            for pattern, share in step.shares.items():
                found[pattern, column] += step.sign * share * out_of_meter
    return found


TWO = ("drive", "meter", "meter2", "ground")
KINDS = [
    ("virtual ground", DUAL),
    ("virtual ground", TWO),
    ("guarded", SINGLE),
    ("guarded", (*SINGLE, "meter")),
    ("guarded", (*SINGLE, "meter2")),
]


def drawn_patterns(rng):
    return rng.choice([0.0, 0.1, -0.1, 0.05], (4, 3))


@in_one_test("by", ["pattern", "cell"])
@in_one_test("kind", KINDS)
def test_the_steps_add_up_to_the_matrix_product_whatever_the_offsets(kind, by):
    rng = np.random.default_rng(4)
    for _ in range(10):
        voltages, (drive, meter, guard) = drawn_patterns(rng), rng.uniform(-0.01, 0.01, 3)
        found = measured_currents(
            read_scheme(*kind),
            voltages,
            by,
            shown=rng.uniform(-3, 3),
            sources={"drive": drive, "meter": meter, "meter2": -2 * meter},
            guard=guard,
        )
        np.testing.assert_allclose(found, voltages @ G, atol=1e-11)


@pytest.mark.parametrize("by", ["pattern", "cell"])
def test_a_resistor_from_hi_to_ground_is_taken_out_of_a_guarded_read_with_every_offset(by):
    rng = np.random.default_rng(5)
    for _ in range(50):
        voltages, sources = drawn_patterns(rng), {"drive": rng.uniform(-0.01, 0.01)}
        found = measured_currents(read_scheme("guarded", SINGLE), voltages, by, beside=1e4, sources=sources)
        np.testing.assert_allclose(found, voltages @ G, atol=1e-8)


def test_of_a_guard_that_follows_to_999_parts_in_1000_a_thousandth_stays():
    voltages = np.array([[0.1, -0.1, 0.1], [0.0, 0.1, 0.0]])
    found = measured_currents(read_scheme("guarded", SINGLE), voltages, gain=0.999)
    np.testing.assert_allclose(found, 0.999 * voltages @ G, rtol=1e-9)


def test_a_bipolar_pattern_takes_two_reads_a_column_each_with_its_zero():
    steps = read_scheme("virtual ground", DUAL).steps(np.array([[0.1, -0.1, -0.1]]), (3, 2))
    found = [(step.columns["meter"], step.assignment, step.source_volts["drive"], step.shares) for step in steps]
    plus, minus = ("drive", "ground", "ground"), ("ground", "drive", "drive")
    assert sorted(found, key=lambda each: (each[0], each[2], each[1][0] == "drive")) == [
        (0, (*minus, "meter", "ground"), -0.1, {0: 1}),
        (0, (*minus, "meter", "ground"), 0.0, {0: -1}),
        (0, (*plus, "meter", "ground"), 0.0, {0: -1}),
        (0, (*plus, "meter", "ground"), 0.1, {0: 1}),
        (1, (*minus, "ground", "meter"), -0.1, {0: 1}),
        (1, (*minus, "ground", "meter"), 0.0, {0: -1}),
        (1, (*plus, "ground", "meter"), 0.0, {0: -1}),
        (1, (*plus, "ground", "meter"), 0.1, {0: 1}),
    ]
    assert all(step.source_volts["meter"] == 0 and step.sign == -1 and [*step.columns] == ["meter"] for step in steps)


def test_by_cell_each_row_is_driven_alone_at_the_voltages_that_a_pattern_puts_on_it():
    voltages = np.array([[0.1, -0.1, 0.0], [0.1, 0.1, 0.05]])
    steps = read_scheme("virtual ground", DUAL).steps(voltages, (3, 1), "cell")
    found = {(step.assignment[:3].index("drive"), step.source_volts["drive"]): step.shares for step in steps}
    assert found == {
        (0, 0.1): {0: 1, 1: 1},
        (0, 0.0): {0: -1, 1: -1},
        (1, -0.1): {0: 1},
        (1, 0.1): {1: 1},
        (1, 0.0): {0: -1, 1: -1},
        (2, 0.05): {1: 1},
        (2, 0.0): {1: -1},
    }
    assert len(steps) == len(found)
    assert all(step.assignment.count("drive") == 1 for step in steps)


def test_several_meters_measure_a_column_each_and_the_last_ones_rest_where_columns_run_out():
    scheme = read_scheme("virtual ground", ("drive", "meter", "meter2", "meter3", "ground"))
    steps = scheme.steps(np.array([[0.1, -0.1]]), (2, 5))
    plus = [step for step in steps if step.source_volts["drive"] == 0.1]
    assert [(step.assignment, step.columns, step.source_volts) for step in plus] == [
        (
            ("drive", "ground", "meter", "meter2", "meter3", "ground", "ground"),
            {"meter": 0, "meter2": 1, "meter3": 2},
            {"drive": 0.1, "meter": 0.0, "meter2": 0.0, "meter3": 0.0},
        ),
        (
            ("drive", "ground", "ground", "ground", "ground", "meter", "meter2"),
            {"meter": 3, "meter2": 4},
            {"drive": 0.1, "meter": 0.0, "meter2": 0.0},
        ),
    ]
    assert len(steps) == 2 * 4  # both voltages, each with its zero, in two groups of columns


def test_a_pattern_and_its_inverse_share_their_states():
    scheme = read_scheme("virtual ground", DUAL)
    one = scheme.steps(np.array([[0.1, -0.1, -0.1]]), (3, 2))
    both = scheme.steps(np.array([[0.1, -0.1, -0.1], [-0.1, 0.1, 0.1]]), (3, 2))
    assert {step.assignment for step in one} == {step.assignment for step in both}


def test_equal_patterns_are_measured_once():
    scheme = read_scheme("virtual ground", DUAL)
    once = scheme.steps(np.array([[0.1, 0.0, 0.1]]), (3, 2))
    thrice = scheme.steps(np.array([[0.1, 0.0, 0.1]] * 3), (3, 2))
    assert len(thrice) == len(once) == 4
    assert {frozenset(step.shares.items()) for step in thrice} == {
        frozenset({(0, 1), (1, 1), (2, 1)}),
        frozenset({(0, -1), (1, -1), (2, -1)}),
    }


@pytest.mark.parametrize("kind", [("virtual ground", DUAL), ("guarded", SINGLE), ("floating", SINGLE)])
def test_a_pattern_of_no_voltage_is_not_measured(kind):
    assert read_scheme(*kind).steps(np.zeros((2, 3)), (3, 2)) == []


def test_the_guarded_scheme_puts_minus_the_voltage_on_the_column_and_guards_what_is_off():
    steps = read_scheme("guarded", SINGLE).steps(np.array([[0.0, 0.1, 0.0]]), (3, 2))
    active, blank = ("guard", "ground", "guard", "guard", "drive"), ("guard", "guard", "guard", "guard", "drive")
    found = [
        (step.assignment, step.source_volts["drive"], step.shares[0]) for step in steps if step.columns["drive"] == 1
    ]
    assert sorted(found) == sorted([(active, -0.1, 1), (active, 0.0, -1), (blank, -0.1, -1), (blank, 0.0, 1)])
    assert {meter for step in steps for meter in step.columns} == {"drive"}


def test_the_guarded_source_is_on_the_meter_port_where_there_is_one():
    assert read_scheme("guarded", (*SINGLE, "meter")).sources == ("meter",)
    assert read_scheme("guarded", SINGLE).sources == ("drive",)


def test_the_floating_scheme_leaves_lines_open_and_is_not_for_training():
    scheme = read_scheme("floating", SINGLE)
    steps = scheme.steps(np.array([[0.0, 0.1, 0.0]]), (3, 2))
    assert {step.assignment for step in steps} == {
        ("open", "drive", "open", "ground", "open"),
        ("open", "drive", "open", "open", "ground"),
    }
    assert {step.sign for step in steps} == {1}
    assert not scheme.for_training
    assert read_scheme("virtual ground", DUAL).for_training
    assert read_scheme("guarded", SINGLE).for_training


def test_an_unknown_scheme_is_refused_with_those_that_there_are():
    with pytest.raises(ConfigError, match="'ideal' is unknown, expected one of virtual ground, guarded, floating"):
        read_scheme("ideal", DUAL)


def test_the_guard_is_at_the_voltage_of_the_source_that_it_follows():
    volts = read_scheme("guarded", SINGLE).port_volts(0.1)
    assert volts["guard"] == volts["drive"] == -0.1
    assert volts["ground"] == 0.0
