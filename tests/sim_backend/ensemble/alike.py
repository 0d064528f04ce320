"""Chips with nothing random, trained side by side and by `Trainer` one by one, held against each other."""

import numpy as np
import pytest

from crossbar_hil import Trainer
from crossbar_hil.sim_backend import SimulatedBackend, train_ensemble
from crossbar_hil.sim_backend.chip.simulated import cell_mask
from crossbar_hil.sim_backend.ensemble.draw import draw_own_arrays


def trained_alike(curve, shifts, task, effects, seed, chip, settings):
    """Train chips both ways and say that all numbers agree; return how many gave up or have unresponsive cells."""
    found = train_ensemble(curve, shifts, *task, effects=effects, seed=seed, threads=1, **chip, **settings)
    own = draw_own_arrays(effects, len(shifts), shifts.shape[1:], seed=seed)
    cells = {name: cell_mask(name, getattr(effects, name), shifts.shape[1:]) for name in ("stuck", "dead", "unformed")}
    rng, special = np.random.default_rng(seed), 0
    for place, each in enumerate(shifts):
        backend = SimulatedBackend(curve, each, rng=rng, **effects.numbers(), **own.of(place), **cells, **chip)
        trainer = Trainer(backend, **settings)
        alone = trainer.run(*task)
        assert (alone.epochs, alone.converged, alone.pulses, int(alone.saturated.sum())) == (
            found.epochs[place], found.converged[place], found.pulses[place], found.saturated[place]
        ), (place, settings, effects.strong(), chip)  # fmt: skip
        np.testing.assert_allclose(found.levels[place], backend.levels, atol=1e-9)
        assert found.error[place] == pytest.approx(alone.errors[-1], rel=1e-7, abs=1e-10)
        if found.conductances is not None:
            np.testing.assert_allclose(found.conductances[place], backend.conductances, rtol=1e-9, atol=1e-18)
            again = alone.converged and trainer.predict(task[0]).correct(task[1]).all()
            assert found.fresh[place] == again
        special += bool(alone.given_up) or bool(alone.unresponsive.any())
    return special
