"""What a bench tells of a training before anything is sent: whether its curve reaches, how an epoch is read."""

import numpy as np

from crossbar_hil.bench.file import Bench
from crossbar_hil.bench.virtual_chips import in_siemens, virtual_chips
from crossbar_hil.errors import CrossbarError
from crossbar_hil.plugins import load
from crossbar_hil.training.encoding import row_voltages
from crossbar_hil.training.learnable import least_weight_siemens
from crossbar_hil.training.patterns import PatternSet


def warning_of_reach(bench: Bench) -> str:
    """Say that no weights of a bench's chips meet every target; empty if some may, or if nothing is known of them."""
    training = bench.training
    if not training.arrangement.is_plain:
        return ""
    try:
        chips, task = virtual_chips(bench), PatternSet.from_csv(training.pattern_file)
    except CrossbarError:  # whoever trains is told
        return ""
    if chips is None:
        return ""
    target0 = -training.target if training.target0 is None else training.target0
    volts = {"v0": training.v0, "v1": training.v1}
    needed = least_weight_siemens(
        task.train, task.train_labels, **volts, target0=target0, target=training.target, beta=training.beta
    )
    most = chips.end_siemens - chips.start_siemens[0]
    if needed is None or needed <= most:
        return ""
    fits = float(f"{1.1 * training.beta * needed / most:.2g}")
    return (
        f"to meet every target takes a weight of {in_siemens(needed)}, but from the lowest start to the highest end of "
        f"the curve it is {in_siemens(most)}; a larger gain, from --beta {fits:g} on, or lower targets help"
    )


def epoch_reads(bench: Bench) -> str:
    """Say how a training of a checked bench reads an epoch; empty where no instruments do, or patterns are not rows."""
    reading = getattr(load("backends", bench.backend), "reading", None)
    if not bench.instruments or bench.wiring is None or reading is None:
        return ""
    training = bench.training
    patterns = row_voltages(PatternSet.from_csv(training.pattern_file).train, training.v0, training.v1)
    if patterns.shape[1] != len(bench.wiring.rows):
        return ""
    cells = max(abs(training.v0), abs(training.v1)) * np.eye(patterns.shape[1])
    return str(reading(bench, np.concatenate([patterns, cells])))
