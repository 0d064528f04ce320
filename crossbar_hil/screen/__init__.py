"""What a person sees while something takes its time: on a terminal in place, elsewhere in plain lines."""
