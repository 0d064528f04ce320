"""Compiled parts of ensembles: functions that they share, and chips with effects."""
