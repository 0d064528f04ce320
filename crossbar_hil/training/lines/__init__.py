"""Which lines of an array belong together: pairs, and the layers of a network laid on it."""
