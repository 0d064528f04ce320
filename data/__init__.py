"""Measured curves, pattern sets, bench files and presets that ship with the package; README.md names their sources."""
