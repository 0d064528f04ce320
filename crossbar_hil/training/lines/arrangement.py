"""How the layers of a network lie on one array: which rows and columns each takes, and what is on its rows.

The inputs of a layer are, in this order: the bits of the pattern (of the first layer, and of every one with shortcuts),
the bias, the hidden units of the layer before. An output of a layer is the difference of two neighbouring columns, or
of two neighbouring rows that carry an input and its negative.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from crossbar_hil.arguments import COUNT, FLAG, expect
from crossbar_hil.arrays import FloatArray
from crossbar_hil.errors import DataError
from crossbar_hil.text import counted
from crossbar_hil.training.lines.pairs import difference

Pairs = Literal["columns", "rows"]
Layers = Literal["side by side", "stacked"]
PAIRS: tuple[str, ...] = ("columns", "rows")
LAYERS: tuple[str, ...] = ("side by side", "stacked")


class Layer(NamedTuple):
    """One layer on an array of R rows and C columns: n inputs, N outputs."""

    number: int
    """Counted from 1."""
    rows: slice
    columns: slice
    bits: int
    """Bits of the pattern among its inputs."""
    bias: bool
    hidden: int
    """Hidden units of the layer before among its inputs."""
    outputs: int
    """N."""
    pairs: Pairs

    @property
    def inputs(self) -> int:
        """n, of all kinds."""
        return self.bits + self.bias + self.hidden

    def drive(self, values: FloatArray, rows: int) -> FloatArray:
        """Return the (P, R) row voltages for (P, n) voltages of its inputs; rows that are not its own are at 0 V."""
        driven = np.zeros((len(values), rows))
        if self.pairs == "columns":
            driven[:, self.rows] = values
        else:
            driven[:, self.rows] = np.stack([values, -values], axis=2).reshape(len(values), -1)
        return driven

    def outputs_of(self, currents: FloatArray) -> FloatArray:
        """Return its (..., N) output currents of (..., C) column currents, in amperes."""
        own = currents[..., self.columns]
        return difference(own) if self.pairs == "columns" else own

    def cells_of(self, chip: np.ndarray) -> np.ndarray:
        """Return of an (R, C) array what belongs to its synapses: (n, 2N), plus and minus of each side by side."""
        own = chip[self.rows, self.columns]
        if self.pairs == "columns":
            return own
        return own.reshape(self.inputs, 2, self.outputs).transpose(0, 2, 1).reshape(self.inputs, -1)

    def place(self, cells: np.ndarray, chip: np.ndarray) -> None:
        """Write (n, 2N) values, as `cells_of` gives them, to its cells in an (R, C) array."""
        if self.pairs == "rows":
            cells = cells.reshape(self.inputs, self.outputs, 2).transpose(0, 2, 1).reshape(2 * self.inputs, -1)
        chip[self.rows, self.columns] = cells


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What a network is made of, and how its layers lie on the array; without anything given, one layer without bias.

    Raises
    ------
    DataError
        If the settings contradict each other.
    """

    hidden: tuple[int, ...] = ()
    """Hidden units of each layer but the last."""
    bias: bool = False
    """Whether every layer has an input that is always at the voltage of a 1."""
    shortcuts: bool = False
    """Whether the bits of the pattern are inputs of every layer, not of the first alone."""
    pairs: Pairs = "columns"
    """Lines that make a differential pair."""
    layers: Layers = "side by side"
    """Whether layers have columns of their own and share rows, or have rows of their own and share columns."""

    def __post_init__(self) -> None:
        expect(FLAG, bias=self.bias, shortcuts=self.shortcuts)
        for units in self.hidden:
            expect(COUNT, hidden=units)
            if units < 1:
                raise DataError(f"hidden {units}: a layer of hidden units needs at least one; leave it out otherwise")
        for name, known in (("pairs", PAIRS), ("layers", LAYERS)):
            if getattr(self, name) not in known:
                raise DataError(f"{name} {getattr(self, name)!r} must be {' or '.join(map(repr, known))}")

    @classmethod
    def of(cls, training: Mapping[str, Any]) -> "Arrangement":
        """Make the one that a table [training] describes; what does not stand there is as usual."""
        hidden = training.get("hidden", 0)
        units = tuple(hidden) if isinstance(hidden, list | tuple) else (hidden,) * (hidden != 0)
        rest = {name: training[name] for name in ("bias", "shortcuts", "pairs", "layers") if name in training}
        return cls(units, **rest)

    @property
    def is_plain(self) -> bool:
        """Whether it is one layer of pairs of columns, whose inputs are the bits alone: it takes the whole array."""
        return not (self.hidden or self.bias or self.shortcuts) and self.pairs == "columns"

    @property
    def depth(self) -> int:
        """L, the number of layers."""
        return len(self.hidden) + 1

    def lay(self, bits: int, outputs: int) -> tuple[Layer, ...]:
        """Lay the layers of a network of so many bits and outputs on an array that is large enough."""
        across, down = (2, 1) if self.pairs == "columns" else (1, 2)
        found: list[Layer] = []
        row = column = before = 0
        for units in (*self.hidden, outputs):
            own = bits if not found or self.shortcuts else 0
            rows, columns = down * (own + self.bias + before), across * units
            place = slice(row, row + rows), slice(column, column + columns)
            found.append(Layer(len(found) + 1, *place, own, self.bias, before, units, self.pairs))
            row, column = (row, column + columns) if self.layers == "side by side" else (row + rows, column)
            before = units
        return tuple(found)

    def outputs_of(self, currents: FloatArray, bits: int, outputs: int) -> FloatArray:
        """Return the (..., P, N) currents of the outputs, of column currents (..., L P, C) as they were read."""
        if self.is_plain:
            return difference(currents)
        patterns = currents.shape[-2] // self.depth
        return self.lay(bits, outputs)[-1].outputs_of(currents[..., -patterns:, :])

    def least_shape(self, bits: int, outputs: int) -> tuple[int, int]:
        """Return the rows and columns of the smallest array for a network of so many bits and outputs.

        >>> Arrangement((1,), bias=True, shortcuts=True).least_shape(2, 1)
        (4, 4)
        """
        laid = self.lay(bits, outputs)
        return max(each.rows.stop for each in laid), max(each.columns.stop for each in laid)

    def cells(self, bits: int, outputs: int) -> int:
        """Return how many cells a network of so many bits and outputs has.

        >>> Arrangement((10,), bias=True).cells(16, 4)
        428
        """
        return sum(2 * each.inputs * each.outputs for each in self.lay(bits, outputs))

    def in_words(self, bits: int, outputs: int) -> str:
        """Say what network it is, and how it lies on the array.

        >>> Arrangement((10,), bias=True).in_words(16, 4)
        '16-10-4 with bias, 428 cells, layers side by side, pairs of columns'
        """
        sizes = "-".join(str(each) for each in (bits, *self.hidden, outputs))
        extras = [name for name, given in (("bias", self.bias), ("shortcuts", self.shortcuts)) if given]
        layers = f", layers {self.layers}" if self.hidden else ""
        return (
            f"{sizes}{' with ' if extras else ''}{' and '.join(extras)}, {counted(self.cells(bits, outputs), 'cell')}"
            f"{layers}, pairs of {self.pairs}"
        )

    def fit(self, shape: tuple[int, int], bits: int, outputs: int) -> tuple[Layer, ...]:
        """Lay the layers on an array of R rows and C columns; what is left over stays at 0 V and gets no pulse.

        Raises
        ------
        DataError
            If a layer does not fit, or there are shortcuts and no hidden units.
        """
        if self.shortcuts and not self.hidden:  # looked at here, as a sweep sets the one before the other
            raise DataError("shortcuts lead past hidden units, of which there are none: give hidden, or no shortcuts")
        rows, columns = shape
        laid = self.lay(bits, outputs)
        for each in laid:
            if each.rows.stop <= rows and each.columns.stop <= columns:
                continue
            last = each.number == len(laid)
            units = f"{counted(each.outputs, 'output')} of the labels" if last else _hidden(each.outputs)
            bias, before = "bias" * each.bias, _hidden(each.hidden) if each.hidden else ""
            inputs = ", ".join(filter(None, (counted(each.bits, "bit") if each.bits else "", bias, before)))
            needed, wide = self.least_shape(bits, outputs)
            raise DataError(
                f"layer {each.number} of {len(laid)} ({inputs}; {units}) takes {_span('row', each.rows)} and "
                f"{_span('column', each.columns)}, but the chip has {rows} rows and {columns} columns; a chip of "
                f"{needed} x {wide} holds this network, laid {self.layers} with pairs of {self.pairs}"
            )
        return laid


PLAIN = Arrangement()
"""One layer that takes the whole array."""


def _hidden(units: int) -> str:
    return counted(units, "hidden unit")


def _span(line: str, lines: slice) -> str:
    """Name lines, counted from 1.

    >>> _span("row", slice(0, 3)), _span("column", slice(4, 5))
    ('rows 1 to 3', 'column 5')
    """
    if lines.stop - lines.start == 1:
        return f"{line} {lines.stop}"
    return f"{line}s {lines.start + 1} to {lines.stop}"
