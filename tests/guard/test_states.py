from itertools import product

import pytest

from crossbar_hil.errors import GuardError
from crossbar_hil.guard.states import ALLOWED, Machine, State


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
