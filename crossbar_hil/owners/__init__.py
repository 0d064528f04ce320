"""Whose an instrument is: where it may be, whether it is proven to be emulated, and how a bench changes hands."""
