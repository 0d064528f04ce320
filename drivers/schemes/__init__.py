"""How a chip is wired, read and written, and in which order relays move."""
