"""Figures of programmed cells: how far off, what was reached, pulse by pulse, and what it took."""

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crossbar_hil.figures.cells import BAD, draw_chip
from crossbar_hil.figures.chips import map_size
from crossbar_hil.figures.panes import BLUE, GREY, ORANGE, SMALL, engineering, new_axes, open_frame, whole_ticks
from crossbar_hil.programming.loop import REACHED
from crossbar_hil.programming.outcome import Programmed

_PANEL = (4.5, 3.4)
TOLERANCES, BARS = 4, 16
"""The histogram goes to so many tolerances in so many bars; what is further off is counted in one more at each end."""


def plot_errors(found: Programmed, ax: Axes | None = None) -> Axes:
    """Draw how many cells are how far from their targets, in percent of the range."""
    ax = ax or new_axes(_PANEL)
    errors, tolerance = 100 * found.errors[found.aimed], 100 * found.settings.tolerance
    edge, width = TOLERANCES * tolerance, 2 * TOLERANCES * tolerance / BARS
    far = np.abs(errors) > edge
    ax.axvspan(-tolerance, tolerance, color=GREY, alpha=0.2, linewidth=0, label="tolerance")
    bins = np.linspace(-edge, edge, BARS + 1).tolist()
    ax.hist(errors[~far], bins=bins, color=BLUE, edgecolor="white", linewidth=0.5)
    if far.any():
        ends, counts = (-edge - width, edge + width), (int((errors < -edge).sum()), int((errors > edge).sum()))
        most = float(np.abs(errors).max())
        bars = ax.bar(ends, counts, width, color=ORANGE, label=f"further off, {most:.3g} % at most")
        ax.bar_label(bars, [str(each or "") for each in counts], fontsize=SMALL, padding=1)
    ax.set_xticks(tolerance * np.arange(-TOLERANCES, TOLERANCES + 1))
    ax.set_xlim(-edge - 2 * width, edge + 2 * width)
    ax.margins(y=0.35)
    ax.set(xlabel="Last reading minus target (% of the range)", ylabel="Cells")
    ax.set_title(f"{int((~found.unmet[found.aimed]).sum())} of {errors.size} cells reached their targets", fontsize=10)
    ax.legend(loc="upper left", fontsize=SMALL, frameon=False)
    open_frame(ax)
    whole_ticks(ax.yaxis, 6)
    return ax


def plot_reached(found: Programmed, ax: Axes | None = None) -> Axes:
    """Draw what each cell reads against its target."""
    ax = ax or new_axes(_PANEL)
    targets, last = found.targets[found.aimed], found.conductances[-1][found.aimed]
    met = found.standing[found.aimed] == REACHED
    factor, unit = engineering(np.concatenate([targets, last]), "S")
    ends = factor * np.array([targets.min(), targets.max()])
    ax.plot(ends, ends, "-", color=GREY, linewidth=1)
    for which, colour, word in ((met, BLUE, "reached"), (~met, ORANGE, "not reached")):
        if which.any():
            ax.plot(factor * targets[which], factor * last[which], "o", color=colour, markersize=4, label=word)
    ax.set(xlabel=f"Target ({unit})", ylabel=f"Last reading ({unit})")
    ax.set_title("What was reached", fontsize=10)
    ax.legend(fontsize=SMALL, frameon=False)
    open_frame(ax)
    return ax


def plot_cells(found: Programmed, ax: Axes | None = None) -> Axes:
    """Draw how far each cell is from its target from round to round."""
    ax = ax or new_axes(_PANEL)
    off = 100 * (found.conductances - found.targets)[:, found.aimed] / found.settings.range_siemens
    rounds, tolerance = np.arange(1, found.rounds + 1), 100 * found.settings.tolerance
    ax.axhspan(-tolerance, tolerance, color=GREY, alpha=0.2, linewidth=0)
    ax.plot(rounds, off, ".-", color=BLUE, linewidth=0.8, alpha=0.5)
    ax.set(xlabel="Round", ylabel="Reading minus target (% of the range)")
    ax.set_title("Every cell on its way; grey: tolerance", fontsize=10)
    open_frame(ax)
    whole_ticks(ax.xaxis, 8)
    return ax


def plot_pulses_sent(found: Programmed, ax: Axes | None = None) -> Axes:
    """Draw how many pulses each cell got, over the chip."""
    ax = ax or new_axes(map_size(found.targets.shape))
    sent = found.pulses.astype(np.float64)
    draw_chip(ax, sent, "Pulses sent", 1.0, "", colours=BAD, low=0.0, write=lambda value: f"{value:.0f}")
    ax.set_title(f"Pulses of each cell, {int(sent.sum())} in all", fontsize=10)
    ax.set_aspect("auto")
    return ax


def draw_programmed(found: Programmed) -> Figure:
    """Draw all four in one figure."""
    figure = Figure(figsize=(9.0, 7.0), layout="constrained")
    panels = figure.subplots(2, 2)
    for axes, plot in zip(panels.flat, (plot_errors, plot_reached, plot_cells, plot_pulses_sent), strict=True):
        plot(found, axes)
    return figure


CAPTIONS = {
    "errors": "Last reading of every cell minus its target",
    "reached": "Last reading against target",
    "cells": "Distance from the target, round by round",
    "pulses_sent": "Pulses that each cell got",
}


def draw_figures(found: Programmed) -> Iterator[tuple[str, str, Figure]]:
    """Yield name, caption and figure of each part of a report."""
    for name, caption in CAPTIONS.items():
        figure = globals()[f"plot_{name}"](found).figure
        yield name, caption, figure
