"""Drivers of instruments, one module a model, each in a role of `crossbar_hil.instrument`; emulated only so far."""
