"""Pattern sets: input bits, wanted output bits, and which of them are trained on.

A pattern file is a comma-separated table with the header ``pattern,label,set``; bits are written without spaces, and
the set is ``train`` or ``test``. Lines that start with ``#`` are comments.
"""

import csv
from dataclasses import dataclass
from typing import Self

import numpy as np

from crossbar_hil.arrays import IntArray
from crossbar_hil.errors import DataError
from crossbar_hil.shipped import TextFile, read_text

_HEADER = ["pattern", "label", "set"]


@dataclass(frozen=True, slots=True, eq=False)
class PatternSet:
    """Patterns to train on and patterns to test with."""

    train: IntArray
    """(P, R) bits."""
    train_labels: IntArray
    """(P, N) bits."""
    test: IntArray
    """(Q, R) bits; Q may be zero."""
    test_labels: IntArray
    """(Q, N) bits."""

    @classmethod
    def from_csv(cls, path: TextFile) -> Self:
        """Read a pattern file.

        Raises
        ------
        DataError
            If the file cannot be read or a line is wrong; the message names the line.
        """
        lines = [(n, line.strip()) for n, line in enumerate(read_text("pattern", path).splitlines(), start=1)]
        lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
        header = [field.strip().lower() for field in lines[0][1].split(",")] if lines else []
        if header != _HEADER:
            raise DataError(
                f"pattern file {path} must start with the header {','.join(_HEADER)}, not {','.join(header)!r}"
            )
        rows: dict[str, list[tuple[list[int], list[int]]]] = {"train": [], "test": []}
        sizes: tuple[int, int] | None = None
        _check_zeros(lines[1:], path)
        for number, line in lines[1:]:
            where = f"pattern file {path}, line {number}"
            fields = [field.strip() for field in next(csv.reader([line]))]
            if len(fields) != len(_HEADER):
                raise DataError(f"{where}: {len(fields)} columns, expected {len(_HEADER)}")
            pattern, label = _bits(fields[0], where, "pattern"), _bits(fields[1], where, "label")
            sizes = sizes or (len(pattern), len(label))
            if (len(pattern), len(label)) != sizes:
                raise DataError(
                    f"{where}: {len(pattern)} pattern bits and {len(label)} label bits, "
                    f"expected {sizes[0]} and {sizes[1]}"
                )
            if fields[2] not in rows:
                raise DataError(f"{where}: set {fields[2]!r} is neither train nor test")
            rows[fields[2]].append((pattern, label))
        if sizes is None or not rows["train"]:
            raise DataError(f"pattern file {path} holds no pattern of the set train")
        return cls(*_arrays(rows["train"], sizes), *_arrays(rows["test"], sizes))


def as_text(bits: IntArray) -> str:
    """Write bits without spaces.

    >>> as_text(np.array([0, 1, 1, 0]))
    '0110'
    """
    return "".join(str(int(bit)) for bit in bits)


def _check_zeros(lines: list[tuple[int, str]], path: TextFile) -> None:
    """Refuse bits that lost the zeros in front: a spreadsheet takes 0110 for the number 110."""
    for column, what in enumerate(("pattern", "label")):
        found = [(number, line.split(",")[column].strip(' "')) for number, line in lines if line.count(",") > column]
        bits = max((len(text) for _, text in found), default=0)
        short = next(((number, text) for number, text in found if len(text) < bits), None)
        if short is None or any(text != "0" and text.startswith("0") for _, text in found):
            continue
        number, text = short
        if set(text) <= {"0", "1"} and text:
            raise DataError(
                f"pattern file {path}, line {number}: {what} {text!r} has {len(text)} of {bits} bits and none in the "
                f"file begins with 0, so zeros in front were lost, as by a spreadsheet; write {text.zfill(bits)} and "
                "so on, and format the columns as text before the file is opened and saved there"
            )


def _bits(text: str, where: str, what: str) -> list[int]:
    if not text or set(text) - {"0", "1"}:
        raise DataError(f"{where}: {what} {text!r} must be bits such as 0110")
    return [int(bit) for bit in text]


def _arrays(rows: list[tuple[list[int], list[int]]], sizes: tuple[int, int]) -> tuple[IntArray, IntArray]:
    patterns = np.array([pattern for pattern, _ in rows], dtype=np.int64).reshape(-1, sizes[0])
    labels = np.array([label for _, label in rows], dtype=np.int64).reshape(-1, sizes[1])
    return patterns, labels
