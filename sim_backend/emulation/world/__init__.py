"""The one electrical circuit that every emulated instrument hangs on, its clock and its log."""
