"""Source-measure channels of TSP instruments."""
