"""What makes instruments into a chip: wiring, read and write schemes. None is here yet: see the README."""
