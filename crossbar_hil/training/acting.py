"""The pulses of one epoch: after all patterns, or after each, which is read, learnt, and the next one after it."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.backend import DeviceBackend
from crossbar_hil.training.asking import Asked
from crossbar_hil.training.motion import Motion
from crossbar_hil.training.rules.rule import Seen
from crossbar_hil.training.updates import Pulses, Update, no_pulses, without


class Evaluated(NamedTuple):
    """What the evaluation of an epoch read, before anything was pulsed."""

    voltages: FloatArray
    """(P, R) row voltages, in volts."""
    currents: FloatArray
    """(P, C) column currents, in amperes."""
    conductances: FloatArray
    """(R, C), in siemens."""


See = Callable[[slice, FloatArray, FloatArray], Seen]
"""Makes of some patterns, their (P, C) currents and the (R, C) conductances what a rule sees."""


def act_on_all(
    backend: DeviceBackend, rule: Asked, update: Update, motion: Motion | None, seen: Seen, read_v: float
) -> Pulses | None:
    """Let a rule act on all patterns at once, and return what was sent; None where nothing would move."""
    wanted = without(update.wanted(rule(seen), seen.conductances), backend.left_out)  # equation 4
    possible = wanted if motion is None else motion.possible(wanted)
    return None if possible is None else update.send(backend, possible, seen.conductances, read_v)  # equation 5


def act_on_each(
    backend: DeviceBackend,
    rule: Asked,
    update: Update,
    motion: Motion | None,
    evaluated: Evaluated,
    see: See,
    read_v: float,
) -> Pulses:
    """Let a rule act on one pattern after the other, and return all that was sent.

    A pattern is read anew once a pulse was sent in this epoch; until then what the evaluation read of it holds. Where
    an update goes by what the cells read, so are they. Of each answer, unresponsive cells are left out; and of one that
    can move no cell nothing is sent, where a training is to end for that.
    """
    conductances, changed = evaluated.conductances, False
    counts, falling = no_pulses(backend.shape), no_pulses(backend.shape)
    for pattern in rule.order(len(evaluated.voltages)):
        only = slice(pattern, pattern + 1)
        currents = backend.read_currents(evaluated.voltages[only]) if changed else evaluated.currents[only]
        if changed and update.looks:
            conductances = backend.read_conductances(read_v)
        asked = update.wanted(rule(see(only, currents, conductances)), conductances)
        wanted = without(asked, backend.left_out)
        possible = wanted if motion is None else motion.part(wanted)
        if possible is None or not np.count_nonzero(possible.counts):
            continue
        sent = update.send(backend, possible, conductances, read_v)
        if motion is not None:
            motion.note(sent)
        counts, falling, changed = counts + sent.counts, falling + sent.depressing, True
    if motion is not None:
        motion.over()
    return Pulses(counts, falling)
