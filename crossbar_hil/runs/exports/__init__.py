"""A run, or several, handed to other programs and to archives."""
