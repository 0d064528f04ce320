"""Emulated instruments, wired to one simulated chip: real bytes over loopback TCP, one circuit behind them."""
