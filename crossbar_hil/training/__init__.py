"""Training in place: the loop, the pure maths of one epoch, and what it leaves."""
