"""The emulated Keithley 2400."""
