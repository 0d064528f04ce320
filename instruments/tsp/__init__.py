"""What the TSP drivers share."""
