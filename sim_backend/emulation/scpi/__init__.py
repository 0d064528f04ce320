"""The SCPI engine: syntax, status, values, and what several models share."""
