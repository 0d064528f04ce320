"""How many chips, rows and patterns the lock-step takes side by side."""

LANES = 64
"""Chips that the kernel trains side by side, at most: eight vectors of eight numbers in single precision."""
ROW_BLOCK = 4
"""Rows that it sums in one go; their number is filled up with zeros to whole blocks."""
PATTERN_BLOCK = 3
"""Patterns that it sums in one go, likewise."""
WIRED_LANES = 32
"""Chips with wires that are trained side by side: four vectors of eight numbers in double precision."""
