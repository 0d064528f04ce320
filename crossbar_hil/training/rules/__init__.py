"""Learning rules, one module each: from what an evaluation read to pulses.

A rule is a function ``rule(voltages (P, R), deltas (P, N)) -> (R, N) array of -1, 0, 1``, or a `rule.LearningRule`,
registered in the entry-point group ``crossbar_hil.rules``.
"""
