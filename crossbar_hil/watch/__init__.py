"""A page on this machine that shows runs while they go on and afterwards; it reads, and touches no instrument."""
