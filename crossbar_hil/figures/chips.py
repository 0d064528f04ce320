"""A chip as it was read: the conductance of every cell, and the pulses that each has left."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.figures.cells import GOOD, draw_chip
from crossbar_hil.figures.panes import engineering, new_axes


def plot_map(siemens: FloatArray, ax: Axes | None = None, *, title: str = "As it was read") -> Axes:
    """Draw the conductance (R, C) of every cell over the chip, in siemens, with numbers where they fit."""
    ax = ax or new_axes(map_size(siemens.shape))
    factor, unit = engineering(siemens, "S")
    draw_chip(ax, siemens, "Conductance", factor, unit)
    ax.set_title(title, fontsize=10)
    ax.set_aspect("auto")
    return ax


def plot_pulses_left(left: IntArray, whole: int, ax: Axes | None = None) -> Axes:
    """Draw how many pulses each cell (R, C) has left, of those that lead over the whole curve."""
    ax = ax or new_axes(map_size(left.shape))
    draw_chip(
        ax,
        left.astype(np.float64),
        "Pulses left, bright is good",
        1.0,
        "",
        colours=GOOD,
        low=0.0,
        high=float(max(whole, left.max())),
        write=lambda value: f"{value:.0f}",
    )
    ax.set_title(f"Pulses left of {whole} to the end of the curve", fontsize=10)
    ax.set_aspect("auto")
    return ax


def draw_reading(siemens: FloatArray, left: IntArray | None, whole: int | None) -> Figure:
    """Draw a chip as it was read and, where that is known, the pulses that its cells have left."""
    both = left is not None and whole is not None
    width, height = map_size(siemens.shape)
    figure = Figure(figsize=(width * (1 + both), height), layout="constrained")
    panels = figure.subplots(1, 1 + both, squeeze=False)[0]
    plot_map(siemens, panels[0])
    if left is not None and whole is not None:
        plot_pulses_left(left, whole, panels[1])
    return figure


def map_size(shape: tuple[int, ...]) -> tuple[float, float]:
    """Return the size of a map in inches, with room for numbers up to 16 rows and columns."""
    rows, columns = shape[-2:]
    return min(max(3.3, 1.1 + 0.36 * columns), 6.6), min(max(2.6, 0.8 + 0.28 * rows), 6.0)
