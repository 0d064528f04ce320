"""Curves as a picture: conductance over the number of pulses."""

from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .measured import MeasuredCurve
from .showing import scale_of

UP, DOWN = "#0072B2", "#D55E00"


def plot_curves(curves: Sequence[MeasuredCurve], title: str) -> Figure:
    """Draw potentiation and depression side by side, if there are both.

    Parameters
    ----------
    curves : sequence of MeasuredCurve
        One or more.
    title : str
        Above the picture, such as the name of the file.
    """
    kinds = [kind for kind in (True, False) if any(curve.potentiation is kind for curve in curves)]
    figure = Figure(figsize=(4.2 * len(kinds) + 0.6, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
    factor, unit = scale_of(max(max(curve.levels_siemens) for curve in curves))
    for panel, kind in zip(panels, kinds, strict=True):
        own = [curve for curve in curves if curve.potentiation is kind]
        for curve in own:
            panel.plot(
                [level / factor for level in curve.levels_siemens],
                marker="o",
                markersize=3,
                linewidth=0.8,
                color=(UP if kind else DOWN) if len(own) == 1 else None,
                label="" if curve.pulse is None else str(curve.pulse),
            )
        panel.set_xlabel("potentiating pulses" if kind else "depressing pulses")
        if any(curve.pulse is not None for curve in own):
            panel.legend(fontsize=8, frameon=False)
    panels[0].set_ylabel(f"Conductance ({unit.replace('u', 'µ')})")
    figure.suptitle(title, fontsize=10)
    return figure
