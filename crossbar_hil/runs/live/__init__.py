"""What a page shows of a run, also while it goes on: panels as plain data, read from the record step by step."""
