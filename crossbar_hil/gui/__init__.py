"""A window on a bench: PyMeasure procedures that train, read and characterise, and PyMeasure's window over them."""
