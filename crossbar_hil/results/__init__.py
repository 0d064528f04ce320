"""What every result is shown as, and under which conditions it came about."""
