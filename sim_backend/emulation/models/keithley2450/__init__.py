"""The emulated Keithley 2450."""
