"""The emulated Keysight B2200A and B2201A."""
