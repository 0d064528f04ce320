"""Studies of convergence: which share of virtual chips meets every target."""
