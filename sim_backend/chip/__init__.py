"""The simulated chip: measured curve, spread from cell to cell, and the backend made of them."""
