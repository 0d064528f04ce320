"""Which cells of a chip are bad, the file that says so, and trainings that leave them out."""
