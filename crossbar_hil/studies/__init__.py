"""Studies: the same work over many settings, by as many workers as there are, in a folder that can be gone on with."""
