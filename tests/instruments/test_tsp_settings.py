"""Every setting of the emulated TSP instruments, changed by another program: made good, named, or without effect.

What can be set is read off the emulated objects, which were written from the manuals and not from the drivers' tables.
"""

import re
from fnmatch import fnmatch
from types import SimpleNamespace

import pytest

from crossbar_hil.errors import InstrumentError
from crossbar_hil.instrument import SourceSettings
from crossbar_hil.instruments.settings.keithley2600 import LEFT_OUT, settings_of
from crossbar_hil.instruments.settings.limits2600 import LIMITS
from crossbar_hil.instruments.settings.setting import Asked
from crossbar_hil.instruments.settings.tsp_matrix import LEFT_OUT as LEFT_OUT_OF_MATRICES
from crossbar_hil.instruments.settings.tsp_matrix import TSP_MATRIX
from crossbar_hil.instruments.tsp.stored import in_order
from crossbar_hil.instruments.tsp.watched import WatchedSettings
from crossbar_hil.sim_backend.emulation.tsp.writable import statements, writable

from ..cases import in_one_test
from .direct import connected

pytestmark = pytest.mark.fault("V14", "I13", "T16")
SETTINGS = SourceSettings(range_v=2.0, compliance_a=1e-4, range_a=1e-4)
OHM = 100e3
PULSE_V, WIDTH_S = 1.5, 0.01
AT_LEAST = {"smu": 60, "channel": 2}
MODELS = sorted(LIMITS)


def bench(model, **options):
    return connected(f"keithley{model.lower()}", **options)


def source_on(model):
    emulated, driver = bench(model)
    emulated.world.add_resistor("it.a.hi", "lo", OHM)
    return emulated, driver.source_meters()[0]


def ready(source):
    source.prepare(SETTINGS)
    source.enable()
    return source


def pulses_in(world):
    """Heights and widths of all that was not 0 V on channel a, in volts and seconds."""
    events = [event for event in world.log.of("source") if event["name"] == "it.a"]
    spans = zip(events, [*events[1:], {"t": world.clock.now()}], strict=True)
    return [
        (each["level_v"], round(after["t"] - each["t"], 4)) for each, after in spans if each["level_v"] and each["on"]
    ]


def do_all(source):
    """What a run does: two readings, a pulse with its reading."""
    source.set_voltage(0.5)
    low = source.measure()
    source.set_voltage(0.0)
    (inside,) = source.pulse(PULSE_V, WIDTH_S)
    return low, source.measure(), inside


def is_left_out(path, patterns=LEFT_OUT):
    path = path.replace("smua.", "smuX.").replace("smub.", "smuX.")
    return any(fnmatch(path, pattern) for patterns_of_one in patterns for pattern in patterns_of_one.split())


def owned(model):
    return {each.command.replace("{n}", "a"): each for each in settings_of(LIMITS[model]).values()}


@in_one_test("model", MODELS)
def test_all_that_can_be_set_on_a_box_is_in_the_table_or_said_why_not(model):
    emulated, _ = bench(model)
    names = {each.path for each in writable(emulated) if not each.path.startswith("smub")}
    assert sum(name.startswith("smua.") for name in names) >= AT_LEAST["smu"]
    ours = owned(model)
    assert set(ours) <= names
    assert [name for name in sorted(names - set(ours)) if not is_left_out(name)] == []


@in_one_test("model", MODELS)
def test_every_setting_that_may_change_is_asked_for_again_once_what_shapes_a_pulse_first(model):
    table = settings_of(LIMITS[model])
    ordered = in_order(table)
    assert ordered[0].name == "source_enabled"
    assert sorted(each.name for each in ordered) == sorted(
        name for name, each in table.items() if each.asked in {Asked.PULSE, Asked.BATCH}
    )
    asked = [each.asked for each in ordered]
    assert asked == sorted(asked, key=[Asked.PULSE, Asked.BATCH].index)


def foreign(model, *, few=False):
    """Some values of every setting that may reach channel a; of a 2636B of what a 2602B does not have."""
    known = set() if model == "2602B" else set(owned("2602B"))
    emulated, _ = bench(model)
    roots = (
        "smua.",
        "format.",
        "localnode.",
        "trigger.timer[1]",
        "trigger.timer[2]",
        "trigger.timer[3]",
        "trigger.timer[5]",
    )
    return [
        (each.path, line)
        for each in writable(emulated)
        if each.path.startswith((*roots, "trigger.blender[1]"))
        and (not known or each.path in set(owned(model)) - known)
        for line in lines_of(each)[1 if few or each.path not in owned(model) else 0 :][: 1 if few else 3]
    ]


def lines_of(each):
    texts = [f"'{value}'" if isinstance(value, str) else str(value).lower() for value in each.values]
    return [f"{each.path} = {text}" for text in texts]


@pytest.mark.parametrize("rounds", [15, pytest.param(1000, marks=pytest.mark.campaign)])
@pytest.mark.parametrize("model", ["2602B", "2636B"])
def test_what_another_program_left_before_the_run_changes_nothing(model, rounds):
    emulated, source = source_on(model)
    usual = do_all(ready(source))
    (pulse,) = [each for each in pulses_in(emulated.world) if each[0] == PULSE_V]
    left = [line for _, line in foreign(model, few=True)]
    for some in (left[start::rounds] for start in range(min(rounds, len(left)))):  # neighbours may undo each other
        for line in some:
            emulated.receive(line)
        before = len(pulses_in(emulated.world))
        ready(source)
        assert source.changes() == [], some
        assert do_all(source) == usual, some
        assert [each for each in pulses_in(emulated.world)[before:] if each[0] == PULSE_V] == [pulse], some


@pytest.mark.parametrize("model", ["2602B", "2636B"])
def test_what_another_program_changes_in_mid_run_is_named_or_changes_nothing(model):
    """What changes nothing stays changed while the next is tried."""
    emulated, source = source_on(model)
    usual = do_all(ready(source))
    (pulse,) = [each for each in pulses_in(emulated.world) if each[0] == PULSE_V]
    ours, named = owned(model), set()
    for path, line in foreign(model):
        if path.endswith("autozero") and not line.endswith("2.0"):
            continue  # the box itself goes from once to off
        was = emulated.receive(f"print({path})")
        emulated.receive(line)
        before = len(pulses_in(emulated.world))
        told = changes_of(source)
        if path in ours and emulated.receive(f"print({path})") != was:
            assert path in told, line
            named.add(path)
            if ours[path].asked is Asked.PULSE:
                assert path in changes_of(source, pulsing=True), line
                with pytest.raises(InstrumentError, match=r"sent no pulse|reports error"):
                    source.pulse(PULSE_V, WIDTH_S)
                assert [each for each in pulses_in(emulated.world)[before:] if each[0] == PULSE_V] == [], line
        if told:
            ready(source)
            assert source.changes() == []
        else:
            assert do_all(source) == usual, line
            assert [each for each in pulses_in(emulated.world)[before:] if each[0] == PULSE_V] == [pulse], line
    assert named == {path for path, _ in foreign(model)} & set(ours)


def changes_of(source, **options):
    """What is told of changes, whether as a list or as an error of the instrument's queue."""
    try:
        return "; ".join(source.changes(**options))
    except InstrumentError as error:
        return str(error)


@pytest.mark.parametrize("model", ["707B", "708B", "3706A"])
def test_all_that_can_be_set_on_a_matrix_is_in_the_table_or_said_why_not(model):
    emulated, _ = bench(model, cards={})
    names = {each.path for each in writable(emulated)}
    ours = {each.command for each in TSP_MATRIX.values() if "(" not in each.command}
    assert ours <= names
    others = {re.sub(r"\[\d\]", "[X]", name) for name in names - ours}
    patterns = [part for each in LEFT_OUT_OF_MATRICES for part in each.replace("()", "*").split(", ")]
    assert "slot[X].pseudocard" in patterns
    left = [name for name in sorted(others) if not any(name.startswith(each.rstrip("*")) for each in patterns)]
    assert left == []


@pytest.mark.parametrize("model", ["707B", "3706A"])
def test_what_another_program_does_to_a_matrix_is_made_good_or_named(model):
    emulated, matrix = bench(model)
    wanted = [matrix.crosspoint(1, "1", 1), matrix.crosspoint(1, "2", 2)]
    actions = [each for each in statements(emulated) if each.startswith(("channel.", "scan.", "localnode.", "format."))]
    assert len(actions) > 20
    for line in actions:
        emulated.receive(line)
        emulated.receive("channel.clearforbidden('allslots')")  # its owner's: it keeps a channel open, with an error
        matrix.prepare()
        matrix.connect(wanted)
        assert matrix.changes(wanted) == [], line
        closed = emulated.world.closed("it")
        emulated.receive(line)
        try:
            told = matrix.changes(wanted)
        except InstrumentError as error:
            told = [str(error)]
        assert told or emulated.world.closed("it") == closed, line


@pytest.mark.parametrize(
    ("bounds", "value", "as_set"),
    [
        (None, None, True),  # what the firmware does not have
        (None, 0.0, False),
        ((0.0, 1.0), None, False),
        ((0.0, 1.0), 0.0, True),
        ((0.0, 1.0), 1.0, True),
        ((0.0, 1.0), 1.1, False),
        ((0.0, 1.0), -0.1, False),
    ],
)
def test_a_setting_is_as_it_was_set_where_it_is_within_its_bounds_or_as_missing_as_before(bounds, value, as_set):
    watched = WatchedSettings.__new__(WatchedSettings)
    watched._as_set = {"it": bounds}
    assert watched._is_as_set(SimpleNamespace(name="it"), value) is as_set
