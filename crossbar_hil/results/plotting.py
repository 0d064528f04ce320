"""A figure that a notebook shows by itself, whoever drew it."""

from collections.abc import Callable, Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crossbar_hil.errors import DataError
from crossbar_hil.figures.png import as_png

__all__ = ["Axes", "Figure", "Picture", "drawn"]

DPI = 110


class Picture(Figure):
    """A figure that a notebook shows as the value of a cell, with or without pyplot."""

    def _repr_png_(self) -> bytes:
        return as_png(self, dpi=DPI)


def drawn(module: Any, what: str, arguments: tuple[Any, ...], options: Mapping[str, Any], ax: Axes | None) -> Figure:
    """Let a module draw one of its figures, on Axes or on a new figure, and return the figure.

    Raises
    ------
    DataError
        If it draws nothing, or a whole figure of several panels and so takes no Axes.
    """
    plot: Callable[..., Axes] | None = getattr(module, f"plot_{what}", None)
    if plot is not None:
        figure = plot(*arguments, ax=ax, **options).figure
    elif ax is not None:
        raise DataError("this figure has several panels, so it is drawn on a new figure, not on Axes that are given")
    else:
        figure = getattr(module, f"draw_{what}")(*arguments, **options)
    if figure is None:
        raise DataError("there is nothing to draw: a plane shows no more than two settings that vary")
    if type(figure) is Figure:
        figure.__class__ = Picture
    return figure  # type: ignore[return-value]  # Axes that were given may be on a part of a figure
