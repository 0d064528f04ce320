"""Instruments of a bench, one module a model. None is here yet: see the README for what works today."""
