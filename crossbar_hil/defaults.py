"""The settings a newcomer gets: they make a virtual chip of the shipped curve learn in more than 95 of 100 cases.

How they were found, and the table of convergence over seeds, are in docs/defaults.md, made by
benchmarks/training/default_yield.py. The reference study's own settings are the preset ``reference``
(data/presets/reference.toml).
"""

BETA = 5e7
"""Gain of the activation in 1/A: with K = 10 a weight of 1 uS at 0.1 V gives beta I = 5."""
TARGET = 0.95
"""Activation to reach for a label 1; its negative for a label 0."""
PULL_BACK = False
"""Whether an activation beyond its target is pulled back to it, as equation 3 of the papers has it.

Off, more virtual chips converge, with a seventh of the pulses, and the more so the more their cells differ: with starts
that spread by 20 %, 90 of 100 instead of 32. The yields are in docs/defaults.md
(benchmarks/training/default_yield.py); the preset ``reference`` has it on.
"""
EPOCHS = 48
"""Most evaluations of a training; the measured curve holds 50 steps."""
UNRESPONSIVE = 10
"""Pulses in a row without a reaction after which a cell gets no more."""
V0 = -0.1
"""Row voltage of a 0, in volts: far below the 2 V that move a cell."""
V1 = 0.1
"""Row voltage of a 1, in volts."""
PULSE_V = 2.0
"""Amplitude of the potentiating pulse, in volts (Figure 2a of doi:10.1002/aelm.202300887)."""
PULSE_S = 0.05
"""Width of the pulse, in seconds: the longest measured one, with the widest range of conductance."""
DISCHARGE_S = 1e-3
"""Time at 0 V before relays move, in seconds: a limit of 100 uA takes 1 nF of cables from 3 V to 0 V in 30 us."""
DEADLINE_S = 1.0
"""Longest time that an exchange with an instrument may take, in seconds, beyond what it was asked to wait: with half as
much for a source to say that it is off, relays are open within the 2 s of docs/safety.md."""
THRESHOLD = 0.6
"""Share of a measured amplitude below which a voltage leaves a virtual cell as it is; half of it certainly does, or
half-select writing would not work. An assumption: only whole pulses were measured."""
JUMP = 20.0
"""Factor by which a cell may change between two maps of the chip: the first pulse raises a fresh cell up to 14 times
(preset ``reference``, seeds 0 to 299)."""
FORMULA_CURVE = "figure2a"
"""The curve that the reference study's formula, its K and its shifts belong to."""
SCALE = 10.0
"""K in G = K ((G_exp(m) - G_exp(0)) + shift), for that curve; measured siemens are siemens, K = 1."""
LOW_SIEMENS, HIGH_SIEMENS = 2e-8, 1e-7
"""Span that holds 95 of 100 shifts."""
TELEGRAPH_SHARE = 0.1
"""Share of the reads in which a cell's current is high, if it has telegraph noise: one in ten, an assumption."""
UNFORMED_SIEMENS = 1e-9
"""Conductance of a cell that was never formed, in siemens: 1 Gohm, an assumption; a fresh oxide insulates."""
READ_S = 0.055
"""Time of one reading in seconds: on the emulated Keithley 2602B with 1 power-line cycle an epoch of the default task,
40 readings and 8 pulses of 50 ms, lasts 2.6 s."""
DEVICE_SPREAD = 0.1
"""Relative spread of the starts of cells about that of their own curve, if nothing is known of it. An assumption."""
