"""Twins: virtual chips that differ from each other as far as a calibration leaves open what the real one is like."""
