"""Learning rules, one module each: from row voltages and deltas to the sign of each synapse's update.

A rule is a function ``rule(voltages (P, R), deltas (P, N)) -> (R, N) array of -1, 0, 1``, registered in the entry-point
group ``crossbar_hil.rules``.
"""
