"""Trainings of many virtual chips in lock-step."""
