"""One folder an emulated model."""
