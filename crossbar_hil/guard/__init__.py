"""The safety layer: what stands between a training and the bench, in a process of its own."""
