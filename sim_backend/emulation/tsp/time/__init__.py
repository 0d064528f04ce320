"""Events, timers and status of TSP instruments."""
