"""Files that hold curves: bytes to text to a table with names, units and what a person settles of it."""
