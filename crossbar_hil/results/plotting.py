"""A figure that a notebook shows by itself, whoever drew it."""

import inspect
import io
from collections.abc import Callable
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from crossbar_hil.errors import DataError

__all__ = ["Axes", "Figure", "Picture", "drawn"]

DPI = 110


class Picture(Figure):
    """A figure that a notebook shows as the value of a cell, with or without pyplot."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        FigureCanvasAgg(self).print_figure(buffer, format="png", dpi=DPI)
        return buffer.getvalue()


def drawn(
    draw: Callable[..., Figure | Axes | None], arguments: tuple[Any, ...], options: dict[str, Any], ax: Axes | None
) -> Figure:
    """Let a function draw, on Axes or as it likes, and return the figure.

    Raises
    ------
    DataError
        If it draws nothing, or draws several panels and so takes no Axes.
    """
    if ax is None and not _takes(draw, arguments, options):
        ax = Picture(layout="constrained").subplots()
    elif ax is not None and not _takes(draw, (*arguments, ax), options):
        raise DataError("this figure has several panels, so it is drawn on a new figure, not on Axes that are given")
    made = draw(*arguments, *([] if ax is None else [ax]), **options)
    figure = made.figure if isinstance(made, Axes) else made
    if not isinstance(figure, Figure):
        raise DataError("there is nothing to draw: a plane shows no more than two settings that vary")
    if type(figure) is Figure:
        figure.__class__ = Picture
    return figure


def _takes(draw: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> bool:
    try:
        inspect.getcallargs(draw, *arguments, **options)
    except TypeError:
        return False
    return True
