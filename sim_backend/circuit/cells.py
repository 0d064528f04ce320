"""Cell models: the current through a cell of given conductance at a given voltage.

A new one is a class with the methods of `CellModel`, registered in the entry-point group ``crossbar_hil.cells``; a
bench file names it and gives its parameters.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, Self, cast

import numpy as np

from crossbar_hil.arrays import FloatArray, checked_array
from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.plugins import load


class CellModel(Protocol):
    """What the simulated chip asks of a cell.

    With ideal wires only `current` is asked for. A circuit with wires needs `slope` too, and a current that grows with
    the voltage. A model that holds in a range of voltages only raises outside it; it may have a method ``extended()``
    that returns a model which goes on beyond, for the steps on the way to a solution. The solution itself is put
    through the model proper.
    """

    def current(self, conductances: FloatArray, voltages: FloatArray) -> FloatArray:
        """Return the current of each cell, in amperes.

        Parameters
        ----------
        conductances, voltages : ndarray of float
            Conductance in siemens, in the sense that the model gives to it, and voltage across the cell in volts,
            of shapes that broadcast.
        """
        ...

    def slope(self, conductances: FloatArray, voltages: FloatArray) -> FloatArray:
        """Return the derivative of the current by the voltage, in siemens, above zero where the conductance is."""
        ...


def make_cell(name: str, options: Mapping[str, float | list[float]]) -> CellModel:
    """Make the cell model of a [chip] table.

    Raises
    ------
    ConfigError
        If there is no such model, or an option is none of it.
    DataError
        If the model refuses an option.
    """
    model = load("cells", name)
    try:
        return cast("CellModel", model(**options))
    except TypeError as error:
        raise ConfigError(f"cell {name!r} cannot be made with the cell_options {dict(options)}: {error}") from error


@dataclass(frozen=True, slots=True)
class Ohmic:
    """I = G V.

    >>> Ohmic().current(np.array([2e-6]), np.array([0.1]))
    array([2.e-07])
    """

    def current(self, conductances: FloatArray, voltages: FloatArray) -> FloatArray:
        """Ohm's law."""
        return conductances * voltages

    def slope(self, conductances: FloatArray, voltages: FloatArray) -> FloatArray:
        """Return the conductance."""
        return np.broadcast_to(conductances, np.broadcast_shapes(np.shape(conductances), np.shape(voltages))).copy()


@dataclass(frozen=True, slots=True)
class Sinh:
    """I = G sinh(b V) / b: ohmic at small voltages, superlinear above 1/b. G is the conductance at small voltages.

    Parameters
    ----------
    b_per_v : float, optional
        Nonlinearity, in 1/V. If not given it is that of a cell of `siemens` in which `current_a` flows at `at_v`.
    siemens, current_a, at_v : float, optional
        What was measured on one cell, in siemens, amperes and volts, instead of b.
    reference_v : float, optional
        Voltage at which V / I of a cell is 1 / G, that of the measurement from which G is known; 0 if not given.

    Raises
    ------
    DataError
        If b is neither given nor follows from a cell that conducts better at the higher voltage.

    Examples
    --------
    >>> Sinh(b_per_v=2.0).current(np.array([1.0]), np.array([1.0]))
    array([1.8134302])

    A cell of 500 nS at 50 mV that draws 1.8 mA at 2 V:

    >>> cell = Sinh(siemens=5e-7, reference_v=0.05, current_a=1.8e-3, at_v=2.0)
    >>> round(cell.b_per_v, 3), cell.current(np.array([5e-7]), np.array([0.05, 2.0])).round(9)
    (5.279, array([2.5e-08, 1.8e-03]))
    """

    b_per_v: float = 0.0
    siemens: float | None = None
    current_a: float | None = None
    at_v: float | None = None
    reference_v: float = 0.0

    def __post_init__(self) -> None:
        if not math.isfinite(self.reference_v) or self.reference_v < 0:
            raise DataError(f"reference_v {self.reference_v} V must be finite and at least zero")
        measured = {"siemens": self.siemens, "current_a": self.current_a, "at_v": self.at_v}
        given = [name for name, value in measured.items() if value is not None]
        if given and self.b_per_v:
            raise DataError(
                f"a sinh cell has either b_per_v or siemens, current_a and at_v, not {given[0]} with b_per_v"
            )
        if 0 < len(given) < 3:
            missing = ", ".join(name for name in measured if name not in given)
            raise DataError(f"a sinh cell that is given by its {given[0]} needs {missing} too")
        if self.siemens is not None and self.current_a is not None and self.at_v is not None:
            found = _b_of_measurement(self.siemens, self.current_a, self.at_v, self.reference_v)
            object.__setattr__(self, "b_per_v", found)
        if not math.isfinite(self.b_per_v) or self.b_per_v <= 0:
            raise DataError(
                f"b_per_v {self.b_per_v} per volt must be finite and above zero, or siemens, current_a and at_v of a "
                "measured cell be given instead"
            )

    @property
    def of_one_siemens(self) -> float:
        """Conductance at small voltages of a cell of 1 S at the reference voltage."""
        x = self.b_per_v * self.reference_v
        return math.exp(-_log_sinhc(x)) if x else 1.0

    def current(self, conductances: FloatArray, voltages: FloatArray) -> FloatArray:
        """Hyperbolic sine of the voltage."""
        return conductances * (np.sinh(self.b_per_v * voltages) / self.b_per_v * self.of_one_siemens)

    def slope(self, conductances: FloatArray, voltages: FloatArray) -> FloatArray:
        """Hyperbolic cosine of the voltage."""
        return conductances * (np.cosh(self.b_per_v * voltages) * self.of_one_siemens)


def _b_of_measurement(siemens: float, current_a: float, at_v: float, reference_v: float) -> float:
    """Return b of a cell of so many siemens at the reference voltage that draws a current at another."""
    for name, value, unit in (("siemens", siemens, "S"), ("current_a", current_a, "A"), ("at_v", at_v, "V")):
        _above_zero(name, value, unit)
    if not at_v > reference_v:
        raise DataError(f"at_v {at_v:g} V must lie above reference_v {reference_v:g} V")
    ratio = current_a / (siemens * at_v)
    if not ratio > 1 + 1e-9:
        raise DataError(
            f"a cell of {siemens:g} S that draws {current_a:g} A at {at_v:g} V does not conduct better there than at "
            f"{reference_v:g} V, so no sinh cell is like it; take cell = 'ohmic'"
        )
    goal, low, high = math.log(ratio), 0.0, 1.0 / at_v
    while _log_sinhc(high * at_v) - _log_sinhc(high * reference_v) < goal:
        low, high = high, 2 * high
    for _ in range(100):
        middle = 0.5 * (low + high)
        enough = _log_sinhc(middle * at_v) - _log_sinhc(middle * reference_v) >= goal
        low, high = (low, middle) if enough else (middle, high)
    return 0.5 * (low + high)


def _log_sinhc(x: float) -> float:
    """Logarithm of sinh(x) / x, without overflow."""
    if x < 1e-4:
        return x * x / 6
    return x + math.log1p(-math.exp(-2 * x)) - math.log(2 * x)


@dataclass(frozen=True, slots=True)
class Cubic:
    """I = s (c1 V + c3 V^3), odd, with s such that V / I is 1 / G at the reference voltage.

    The coefficients that stand here are those of the mean of ten measured sweeps from 0 to 0.69 V, published with
    github.com/anddudkin/SNN_memristor_based (commit 5a78b3b); the constant current of that fit is left out, for a cell
    at 0 V carries none. Its resistance is read between 0.20 and 0.25 V.

    >>> Cubic().current(np.array([1e-4]), np.array([0.225]))
    array([2.25e-05])
    """

    c1_siemens: float = 6.24432131e-5
    c3_a_per_v3: float = 2.66646052e-4
    reference_v: float = 0.225

    def __post_init__(self) -> None:
        _above_zero("c1_siemens", self.c1_siemens, "S")
        _above_zero("reference_v", self.reference_v, "V")
        if not math.isfinite(self.c3_a_per_v3) or self.c3_a_per_v3 < 0:
            raise DataError(f"c3_a_per_v3 {self.c3_a_per_v3} A/V^3 must be finite and at least zero")

    @property
    def of_one_siemens(self) -> tuple[float, float]:
        """Factors of V and V^3 in the current of a cell of 1 S, in S and A/V^3."""
        chord = self.c1_siemens + self.c3_a_per_v3 * self.reference_v**2
        return self.c1_siemens / chord, self.c3_a_per_v3 / chord

    def current(self, conductances: FloatArray, voltages: FloatArray) -> FloatArray:
        """Cubic polynomial of the voltage."""
        first, third = self.of_one_siemens
        return conductances * ((first + third * np.square(voltages)) * voltages)

    def slope(self, conductances: FloatArray, voltages: FloatArray) -> FloatArray:
        """Return the derivative of the polynomial."""
        first, third = self.of_one_siemens
        return conductances * (first + (3 * third) * np.square(voltages))


@dataclass(frozen=True)
class Tabulated:
    """A measured curve, continued as an odd function to negative voltages and scaled so that V / I is 1 / G.

    Between the points runs the monotone cubic interpolation of F. N. Fritsch and J. Butland, SIAM J. Sci. Stat. Comput.
    5 (1984) 300, which has a continuous slope and never swings beyond them.

    Parameters
    ----------
    voltages, currents : sequence of float
        The points, in volts and amperes, both rising from above zero; (0, 0) is added.
    reference_v : float, optional
        Voltage at which V / I of a cell is 1 / G; the last point if not given.

    Raises
    ------
    DataError
        If there are fewer than two points, one is not above the one before, or the reference lies outside.

    Examples
    --------
    >>> Tabulated([0.1, 0.2], [1e-6, 4e-6], reference_v=0.2).current(np.array([1e-5]), np.array([-0.1]))
    array([-5.e-07])
    """

    voltages: Sequence[float]
    currents: Sequence[float]
    reference_v: float | None = None
    _beyond: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        points = [checked_array(f"table {name}", getattr(self, name), (None,)) for name in ("voltages", "currents")]
        if len(points[0]) != len(points[1]) or len(points[0]) < 2:
            raise DataError(
                f"the table has {len(points[0])} voltages and {len(points[1])} currents, expected two or more of both"
            )
        for name, values in zip(("voltage", "current"), points, strict=True):
            if values[0] == 0 == points[1 - (name == "current")][0]:
                raise DataError("the table begins with (0, 0), which is always added; leave it out")
            steps = np.diff(values, prepend=0.0)
            if steps.min() <= 0:
                at = int(np.argmax(steps <= 0))
                raise DataError(
                    f"table {name} {values[at]:g} of point {at} must lie above the one before, and above zero"
                )
        if self.reference_v is not None and not 0 < self.reference_v <= points[0][-1]:
            raise DataError(f"reference_v {self.reference_v} V must lie above 0 and at most at {points[0][-1]:g} V")

    @functools.cached_property
    def pieces(self) -> tuple[FloatArray, FloatArray]:
        """Knots from 0 on (K,), and coefficients (4, K) of the cubic that begins at each; the last one is a line.

        They are scaled so that the current is 1 A at 1 V if the reference voltage were 1 V.
        """
        v = np.concatenate([[0.0], np.asarray(self.voltages, dtype=np.float64)])
        i = np.concatenate([[0.0], np.asarray(self.currents, dtype=np.float64)])
        step, rise = np.diff(v), np.diff(i)
        secant = rise / step
        d = np.empty(len(v))
        d[0] = secant[0]  # the odd continuation has the same secant on the other side
        weight = 1 + step[1:] / (step[:-1] + step[1:])  # (h_k-1 + 2 h_k) / (h_k-1 + h_k)
        d[1:-1] = 3 / (weight / secant[:-1] + (3 - weight) / secant[1:])
        d[-1] = secant[-1]
        c2 = (3 * secant - 2 * d[:-1] - d[1:]) / step
        c3 = (d[:-1] + d[1:] - 2 * secant) / step**2
        pieces = np.array([i, d, [*c2, 0.0], [*c3, 0.0]])
        reference = v[-1] if self.reference_v is None else self.reference_v
        piece = int(np.searchsorted(v, reference, side="right")) - 1
        chord = np.polyval(pieces[::-1, piece], reference - v[piece]) / reference
        return v, pieces / chord

    def extended(self) -> Self:
        """Return the same curve, going straight on beyond its last point."""
        return replace(self, _beyond=True)

    def _at(self, voltages: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Coefficients (4, ...) of the cubic at each voltage, and how far into it the voltage lies."""
        v, pieces = self.pieces
        size = np.abs(voltages)
        if not self._beyond and size.size and size.max() > v[-1]:
            raise DataError(f"{size.max():g} V across a cell lies outside the table, which ends at {v[-1]:g} V")
        piece = np.searchsorted(v, size, side="right") - 1
        return pieces[:, piece], size - v[piece]

    def current(self, conductances: FloatArray, voltages: FloatArray) -> FloatArray:
        """Interpolate the table; a DataError if a voltage lies beyond its last point."""
        (c0, c1, c2, c3), x = self._at(voltages)
        return conductances * np.copysign(c0 + x * (c1 + x * (c2 + x * c3)), voltages)

    def slope(self, conductances: FloatArray, voltages: FloatArray) -> FloatArray:
        """Return the derivative of the interpolation; a DataError if a voltage lies beyond the last point."""
        (_, c1, c2, c3), x = self._at(voltages)
        return conductances * (c1 + x * (2 * c2 + x * 3 * c3))


def _above_zero(name: str, value: float, unit: str) -> None:
    if not math.isfinite(value) or value <= 0:
        raise DataError(f"{name} {value} {unit} must be finite and above zero")
