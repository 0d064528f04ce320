import os
from itertools import product

import pytest

from crossbar_hil.errors import GuardError
from crossbar_hil.guard.states import ALLOWED, PHASE, Machine, State, phase_of


def at(state):
    machine = Machine()
    machine.state = state
    return machine


@pytest.mark.fault("H8")
@pytest.mark.parametrize(("before", "after"), list(product(State, State)))
def test_every_step_of_the_table_is_taken_and_every_other_one_refused(before, after):
    machine = at(before)
    if after in ALLOWED[before]:
        machine.to(after)
        assert machine.state is after
    else:
        with pytest.raises(GuardError, match=f"{before.value} cannot become {after.value}"):
            machine.to(after)
        assert machine.state is before


@pytest.mark.parametrize("state", [each for each in State if each is not State.ENDED])
def test_making_safe_is_possible_from_every_state_but_the_end(state):
    assert {State.SAFE, State.BROKEN} <= ALLOWED[state]


def test_a_broken_bench_never_goes_back_to_work():
    assert not ALLOWED[State.BROKEN] & {State.READY, State.READING, State.PULSING, State.REPLAYING}


def test_onlookers_find_the_word_for_every_state_and_since_when(tmp_path):
    machine = Machine(tmp_path)
    assert phase_of(tmp_path)[0] == "replaying"
    for state in (State.READING, State.READY, State.PULSING, State.SAFE, State.ENDED):
        machine.to(state)
        word, since = phase_of(tmp_path)
        assert (word, since.timestamp()) == (state.value, pytest.approx(os.stat(tmp_path / PHASE).st_mtime))
    with pytest.raises(GuardError):
        machine.to(State.PULSING)
    assert phase_of(tmp_path)[0] == "ended", "a step that is refused is not told"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
@pytest.mark.parametrize("planted", ["link", "second name", "pipe", "folder", "gone"])
def test_what_stands_in_the_place_of_the_word_stops_nothing_and_is_not_written_to(tmp_path, planted):
    folder, victim = tmp_path / "run", tmp_path / "victim"
    victim.write_text("as it was")
    if planted != "gone":
        folder.mkdir()
        {
            "link": lambda path: path.symlink_to(victim),
            "second name": lambda path: os.link(victim, path),
            "pipe": os.mkfifo,
            "folder": os.mkdir,
        }[planted](folder / PHASE)
    machine = Machine(folder)
    machine.to(State.READING)
    assert machine.state is State.READING
    assert victim.read_text() == "as it was"
    assert phase_of(folder) == ("", None)


def test_a_word_that_no_guard_writes_is_none(tmp_path):
    (tmp_path / PHASE).write_text("<script>")
    assert phase_of(tmp_path) == ("", None)
