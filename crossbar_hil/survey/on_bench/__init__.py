"""The survey of the chip on a bench."""
