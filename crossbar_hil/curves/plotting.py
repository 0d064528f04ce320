"""Curves as a picture: conductance over the number of pulses."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from crossbar_hil.errors import DataError
from crossbar_hil.figures.panes import MINUS, PLUS, SMALL, engineering, new_axes, open_frame, whole_ticks

from .measured import MeasuredCurve


def plot_pulses(curves: Sequence[MeasuredCurve], ax: Axes | None = None, *, potentiation: bool = True) -> Axes:
    """Draw the curves of one way, of several the darker the longer their pulses are.

    Raises
    ------
    DataError
        If there is none of that way.
    """
    own = [curve for curve in curves if curve.potentiation is potentiation]
    if not own:
        raise DataError(f"no curve of {'potentiation' if potentiation else 'depression'} is among these {len(curves)}")
    ax = ax or new_axes((4.2, 3.4))
    factor, unit = engineering(np.concatenate([curve.levels_siemens for curve in curves]), "S")
    for place, curve in enumerate(sorted(own, key=lambda each: each.pulse.width_s if each.pulse else 0.0)):
        shade = 0.9 * (1 - place / max(len(own) - 1, 1))
        colour = to_hex(colormaps["viridis"](shade)) if len(own) > 1 else PLUS if potentiation else MINUS
        ax.plot(
            factor * np.array(curve.levels_siemens),
            ".-",
            markersize=4,
            linewidth=0.9,
            color=colour,
            label="" if curve.pulse is None else str(curve.pulse),
        )
    ax.set_xlabel(f"{'Potentiating' if potentiation else 'Depressing'} pulses")
    ax.set_ylabel(f"Conductance ({unit})")
    if any(curve.pulse is not None for curve in own):
        ax.legend(fontsize=SMALL, frameon=False)
    open_frame(ax)
    whole_ticks(ax.xaxis, 6)
    return ax


def draw_curves(curves: Sequence[MeasuredCurve], title: str) -> Figure:
    """Draw potentiation and depression side by side, if there are both, under a title such as the name of the file."""
    ways = [way for way in (True, False) if any(curve.potentiation is way for curve in curves)]
    figure = Figure(figsize=(3.3 * len(ways) + 0.6, 3.4), layout="constrained")
    for panel, way in zip(figure.subplots(1, len(ways), sharey=True, squeeze=False)[0], ways, strict=True):
        plot_pulses(curves, panel, potentiation=way)
        panel.label_outer()
    figure.suptitle(title, fontsize=10)
    return figure
