"""Whether what a cell may ever get, `pulses` and `dose_vs` of [limits], holds what a training will ask for."""

import numpy as np

from crossbar_hil.backend import Pulse
from crossbar_hil.bench.file import Bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.runs.training import dry_bench
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.settings import make_trainer, make_update, most_pulses

CHIPS = 20
"""Virtual chips that are trained to see it: of one in twenty of the kind nothing is said."""


def find_short_budgets(bench: Bench, spent: tuple[int, float] = (0, 0.0)) -> list[str]:
    """Name the budgets that more than half of the virtual chips of a bench would exceed, and what they would need.

    Chips are trained only if a budget does not hold what all epochs could send.

    Parameters
    ----------
    spent : (int, float)
        Pulses and dose, in volt seconds, that the cell with most of them has received before.

    Raises
    ------
    CrossbarError
        If such chips cannot be trained.
    """
    limits, training = bench.limit_table, bench.training
    if limits is None or (limits.pulses is None and limits.dose_vs is None):
        return []
    _, update = make_update(training)
    most = most_pulses(training) * len(update.pulses())
    left = {
        "pulses": np.inf if limits.pulses is None else limits.pulses - spent[0],
        "dose_vs": np.inf if limits.dose_vs is None else limits.dose_vs - spent[1],
    }
    if most <= left["pulses"] and most * max(map(_dose_vs, update.pulses())) <= left["dose_vs"]:
        return []
    task = PatternSet.from_csv(training.pattern_file)
    needs: dict[str, list[float]] = {"pulses": [], "dose_vs": []}
    for seed in range(CHIPS):
        trainer = make_trainer(training, open_backend(dry_bench(bench), seed=seed), seed=seed)
        result = trainer.run(task.train, task.train_labels)
        down = result.depressing.sum(axis=0)
        up = result.counts.sum(axis=0) - down
        needs["pulses"].append(int((up + down).max()))
        falling = 0.0 if update.depress is None else _dose_vs(update.depress)
        needs["dose_vs"].append(float((up * _dose_vs(update.pulse) + down * falling).max()))
    found = []
    for name, unit, gone in (("pulses", "", spent[0]), ("dose_vs", " V s", spent[1])):
        over = sum(need > left[name] for need in needs[name])
        if 2 * over > CHIPS:
            before = f", of which {gone:g}{unit} are gone," if gone else ""
            found.append(
                f"limits.{name} of {getattr(limits, name):g}{unit}{before} does not hold the training: a cell of "
                f"{over} of {CHIPS} virtual chips needs more, up to {max(needs[name]):g}{unit}; allow that, "
                "or fewer epochs"
            )
    return found


def _dose_vs(pulse: Pulse) -> float:
    return abs(pulse.amplitude_v) * pulse.width_s
