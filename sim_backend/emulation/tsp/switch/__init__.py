"""Relays and cards of TSP instruments."""
