"""The emulated Keithley 707B and 708B."""
