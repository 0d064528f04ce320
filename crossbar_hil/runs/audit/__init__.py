"""Whether a run can be trusted: its record held against the journal of its guard."""
