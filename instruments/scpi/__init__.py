"""What the SCPI drivers share."""
