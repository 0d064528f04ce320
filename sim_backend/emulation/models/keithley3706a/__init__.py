"""The emulated Keithley 3706A."""
