"""What every result offers: a few words, a table for a notebook, figures, arrays with labels, a table of numbers."""

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from crossbar_hil.errors import DataError, MissingExtra
from crossbar_hil.plugins import load
from crossbar_hil.results.arrays import Variable, dataset

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset

    from crossbar_hil.results.plotting import Axes, Figure


class Series(NamedTuple):
    """Numbers for a table, the unit in each column name."""

    header: list[str]
    rows: Iterator[list[Any]]

    @classmethod
    def of(cls, rows: Iterable[dict[str, Any]]) -> "Series":
        """Make it of lines that each name their numbers."""
        lines = list(rows)
        header = list(dict.fromkeys(name for line in lines for name in line))
        return cls(header, ([line.get(name) for name in header] for line in lines))


class Drawing(NamedTuple):
    """A figure by the name of its function, and what that is given besides the Axes: in order, and by name."""

    name: str
    arguments: tuple[Any, ...]
    options: Mapping[str, Any] = MappingProxyType({})


class Result:
    """What came of something: it says in short what it is, and hands out its numbers and figures."""

    __slots__ = ()

    drawn_by: ClassVar[str] = ""
    """Entry point in the group ``crossbar_hil.figures``: a module with a function for each of `plots`.

    ``plot_NAME`` draws on the Axes that it is given as ``ax``, ``draw_NAME`` makes a figure of several panels.
    """
    plots: ClassVar[tuple[str, ...]] = ()
    """Names of the figures that `plot` draws, the usual one first."""

    def told(self) -> Sequence[tuple[str, str]]:
        """Return what it comes to: pairs of a name and a few words, the most important first."""
        raise NotImplementedError

    def series(self) -> Series:
        """Return its numbers as a table."""
        raise NotImplementedError

    def variables(self) -> dict[str, Variable]:
        """Return its numbers as named arrays; one of a single dimension of its own name is a coordinate."""
        raise NotImplementedError

    def about(self) -> dict[str, Any]:
        """Return what is said of the arrays as a whole."""
        return {"title": type(self).__name__, "comment": ", ".join(f"{name} {text}" for name, text in self.told())}

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(f'{name} {text}' for name, text in self.told())}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th style="text-align:left">{html.escape(name)}</th>'
            f'<td style="text-align:left">{html.escape(text)}</td></tr>'
            for name, text in self.told()
        )
        return f"<table><caption>{html.escape(type(self).__name__)}</caption>{rows}</table>"

    def plot(self, what: str | None = None, ax: "Axes | None" = None) -> "Figure":
        """Draw one of its figures.

        Parameters
        ----------
        what : str, optional
            One of `plots`; the first if not given.
        ax : Axes, optional
            Where to draw; a new figure if not given.

        Returns
        -------
        Figure
            A notebook shows it; ``savefig`` writes it to a file.

        Raises
        ------
        DataError
            If there is no such figure.
        """
        if not self.plots or (what is not None and what not in self.plots):
            known = f"known are {', '.join(self.plots)}" if self.plots else "there is none"
            raise DataError(f"no figure{'' if what is None else f' {what!r}'} of a {type(self).__name__}: {known}")
        from crossbar_hil.results.plotting import drawn  # noqa: PLC0415 - matplotlib

        name, arguments, options = self._to_be_drawn(what or self.plots[0])
        return drawn(load("figures", self.drawn_by), name, arguments, options, ax)

    def _to_be_drawn(self, what: str) -> Drawing:
        """Return how a figure is drawn."""
        return Drawing(what, (self,))

    def to_xarray(self) -> "Dataset":
        """Return its numbers as an `xarray.Dataset` with units (CF-1.8), as ``export --to netcdf`` writes it.

        Raises
        ------
        MissingExtra
            If xarray is not installed.
        """
        return dataset(self.variables(), self.about())

    def to_dataframe(self) -> "DataFrame":
        """Return its numbers as a table of pandas, the unit in each column name.

        Raises
        ------
        MissingExtra
            If pandas is not installed.
        """
        try:
            import pandas  # noqa: PLC0415 - not ours to bring along
        except ImportError as error:
            raise MissingExtra(
                f"a table needs pandas ({error}); install it with: pip install pandas, or take series(), which is plain"
            ) from error
        series = self.series()
        return pandas.DataFrame(list(series.rows), columns=series.header)
