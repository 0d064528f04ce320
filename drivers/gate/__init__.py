"""The last line before an instrument: limits, what may be connected, and what was sent."""
