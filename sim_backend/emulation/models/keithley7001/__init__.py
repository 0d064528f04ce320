"""The emulated Keithley 7001 and 7002."""
