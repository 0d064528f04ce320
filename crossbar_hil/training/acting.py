"""The pulses of one epoch: after all patterns, or after each, which is read, learnt, and the next one after it."""

from collections.abc import Callable

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.backend import DeviceBackend
from crossbar_hil.training.evaluating import Evaluated, Evaluator
from crossbar_hil.training.motion import Motion
from crossbar_hil.training.updates import Pulses, Update, no_pulses, without

Aim = Callable[[int, FloatArray], tuple[FloatArray, FloatArray]]
"""Makes of a pattern and its (1, N) activations the targets, and what of targets minus activations the gradient is made
of; (1, N) both."""


def act_on_all(
    backend: DeviceBackend,
    evaluator: Evaluator,
    update: Update,
    motion: Motion | None,
    evaluated: Evaluated,
    targets: FloatArray,
    gaps: FloatArray,
    read_v: float,
) -> Pulses | None:
    """Let a rule act on all patterns at once, and return what was sent; None where nothing would move."""
    wanted = without(evaluator.ask(evaluated, targets, gaps, update), backend.left_out)
    possible = wanted if motion is None else motion.possible(wanted)
    return None if possible is None else update.send(backend, possible, evaluated.conductances, read_v)  # equation 5


def act_on_each(
    backend: DeviceBackend,
    evaluator: Evaluator,
    update: Update,
    motion: Motion | None,
    evaluated: Evaluated,
    aim: Aim,
    read_v: float,
) -> Pulses:
    """Let a rule act on one pattern after the other, and return all that was sent.

    A pattern is read anew once a pulse was sent in this epoch; until then what the evaluation read of it holds. Where
    an update goes by what the cells read, so are they. Of each answer, unresponsive cells are left out; and of one that
    can move no cell nothing is sent, where a training is to end for that.
    """
    conductances, changed = evaluated.conductances, False
    counts, falling = no_pulses(backend.shape), no_pulses(backend.shape)
    for pattern in evaluator.order(len(evaluated.layers[0].voltages)):
        found = evaluator.read_one(backend, pattern, conductances) if changed else evaluated.of_one(pattern)
        if changed and update.looks:
            conductances = backend.read_conductances(read_v)
            found = found._replace(conductances=conductances)
        asked = evaluator.ask(found, *aim(pattern, found.layers[-1].activations), update)
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
