"""The emulated Keysight 34980A."""
