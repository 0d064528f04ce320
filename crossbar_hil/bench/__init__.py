"""The bench: its file, and what opens, checks and measures what the file names."""
