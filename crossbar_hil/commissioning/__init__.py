"""A bench proven on a board of resistors: step by step, with what was expected, measured and allowed."""
