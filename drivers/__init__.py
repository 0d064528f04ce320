"""What makes instruments into a chip: wiring, read and write schemes, and the backend made of them."""
