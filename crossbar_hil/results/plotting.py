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


def drawn(draw: Callable[..., Axes], arguments: tuple[Any, ...], options: Mapping[str, Any], ax: Axes | None) -> Figure:
    """Let a function draw on new Axes of its own, or on those given, and return the figure.

    Raises
    ------
    DataError
        If the Axes given are in no figure.
    """
    figure = draw(*arguments, **options, ax=ax).get_figure(root=True)
    if figure is None:
        raise DataError("the Axes to draw on are in no figure")
    if type(figure) is Figure:
        figure.__class__ = Picture
    return figure
