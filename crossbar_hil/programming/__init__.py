"""Cells brought to target conductances in closed loop, or back to where they started; recorded as a run."""
