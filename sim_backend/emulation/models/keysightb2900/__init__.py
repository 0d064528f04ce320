"""The emulated Keysight B2900 series."""
