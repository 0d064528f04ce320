"""Emulated instruments on loopback sockets."""
