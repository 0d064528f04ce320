"""The emulated Keithley 2602B and 2636B."""
