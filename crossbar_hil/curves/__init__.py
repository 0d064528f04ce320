"""Curves that labs measured: their files read as they are, what was understood said, and nothing guessed."""
