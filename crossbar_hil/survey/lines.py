"""Which line of a chip carries which input and which output: the mapping between a network and the chip it is on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.errors import DataError

AnyArray = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Lines:
    """A network of R inputs and C columns on a chip that may be larger.

    Raises
    ------
    DataError
        If a line is used twice, or is not on the chip.
    """

    shape: tuple[int, int]
    """Rows and columns of the chip."""
    rows: tuple[int, ...]
    """Row of the chip, from 0, of each input."""
    columns: tuple[int, ...]
    """Column of the chip, from 0, of each column of the network: plus and minus of output 1, and so on."""

    def __post_init__(self) -> None:
        for axis, used, size in (("row", self.rows, self.shape[0]), ("column", self.columns, self.shape[1])):
            if not used or len(set(used)) < len(used) or min(used) < 0 or max(used) >= size:
                told = ", ".join(str(each + 1) for each in used) or "none"
                raise DataError(f"{axis}s {told} of a chip with {size} must differ and be on it")

    @classmethod
    def plain(cls, shape: tuple[int, int]) -> Self:
        """Return the mapping that changes nothing."""
        return cls(shape, tuple(range(shape[0])), tuple(range(shape[1])))

    @classmethod
    def from_record(cls, record: Mapping[str, Any], shape: tuple[int, int]) -> Self:
        """Return what `as_record` wrote."""
        rows, columns = (tuple(int(each) - 1 for each in record[axis]) for axis in ("rows", "columns"))
        return cls(shape, rows, columns)

    def as_record(self) -> dict[str, list[int]]:
        """Return plain numbers, counted from 1, as people do."""
        return {name: [each + 1 for each in getattr(self, name)] for name in ("rows", "columns")}

    @property
    def size(self) -> tuple[int, int]:
        """Inputs and columns of the network."""
        return len(self.rows), len(self.columns)

    @property
    def is_plain(self) -> bool:
        """Whether it changes nothing."""
        return self == Lines.plain(self.shape)

    def of_chip(self, array: AnyArray) -> AnyArray:
        """Return the cells (..., R, C) of the network, of those of the chip."""
        return array[..., np.array(self.rows)[:, None], np.array(self.columns)]

    def on_chip(self, array: AnyArray) -> AnyArray:
        """Return cells of the chip, of those of the network; what the network does not use is zero."""
        found = np.zeros((*array.shape[:-2], *self.shape), dtype=array.dtype)
        found[..., np.array(self.rows)[:, None], np.array(self.columns)] = array
        return found

    def in_words(self, *, one_layer: bool = True) -> str:
        """Say which line carries what: of one layer of pairs of columns, or of any network.

        >>> Lines((3, 4), (2, 0), (1, 0)).in_words()
        'inputs 1 to 2 on rows 3, 1; outputs 1 to 1 on columns 2 - 1'
        >>> Lines((3, 4), (2, 0), (1, 0)).in_words(one_layer=False)
        'the network is on rows 3, 1 and columns 2, 1 of the chip, in this order'
        """
        rows, columns = (", ".join(str(each + 1) for each in lines) for lines in (self.rows, self.columns))
        if not one_layer:
            return f"the network is on rows {rows} and columns {columns} of the chip, in this order"
        pairs = [f"{plus + 1} - {minus + 1}" for plus, minus in zip(self.columns[::2], self.columns[1::2], strict=True)]
        return f"inputs 1 to {len(self.rows)} on rows {rows}; outputs 1 to {len(pairs)} on columns {', '.join(pairs)}"
