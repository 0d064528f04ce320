"""Runs on disk: recorded while they happen, read, verified, drawn and exported afterwards."""
