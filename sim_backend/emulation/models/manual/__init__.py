"""The emulated panel that a person moves."""
