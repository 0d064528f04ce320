"""Dry runs over many virtual chips: map settings (`sweeping`), search for good ones (`tuning`)."""
