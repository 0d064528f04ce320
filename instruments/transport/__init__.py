"""What every driver speaks through: one exchange at a time, each with a deadline."""
