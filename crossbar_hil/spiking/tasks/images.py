"""Images of handwritten digits: the ones that ship, or IDX files in the layout of MNIST; train and test stay apart."""

import csv
import gzip
import importlib.resources
import io
import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.errors import DataError
from crossbar_hil.shipped import MOST_BYTES

Bytes: TypeAlias = NDArray[np.uint8]
DIGITS_SPLIT = 1197
"""Images before this index of the shipped digits are for training, the rest for tests."""
RESIZES = ("nearest", "area")


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Images of one purpose, either training or test."""

    intensities: FloatArray
    """(P, K) 0 to 1, pixels row by row."""
    labels: IntArray
    """(P,)"""

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Split:
    """Images to train on, and others to test with."""

    train: Images
    test: Images


def digits(classes: Sequence[int] | None = None) -> Split:
    """Return the 8 x 8 digits that ship, of all classes or some: the first 1,197 to train on, 600 to test with."""
    with importlib.resources.files("crossbar_hil.data").joinpath("digits.csv").open(encoding="ascii") as file:
        rows = np.array(list(csv.reader(file))[1:], dtype=np.int64)
    images, labels = rows[:, 1:] / 16, rows[:, 0]
    return Split(
        select_classes(images[:DIGITS_SPLIT], labels[:DIGITS_SPLIT], classes),
        select_classes(images[DIGITS_SPLIT:], labels[DIGITS_SPLIT:], classes),
    )


def mnist(
    folder: Path, classes: Sequence[int] | None = None, *, train: int | None = None, resize: str = "nearest"
) -> Split:
    """Return images of a folder with the four IDX files of MNIST, plain or gzipped, at half their width and height.

    Parameters
    ----------
    folder : path
        Holds train-images-idx3-ubyte, train-labels-idx1-ubyte, and the same with t10k for train; or each with .gz.
    classes : sequence of int, optional
        Digits wanted; all ten if not given.
    train : int, optional
        How many images of the training file to look at; images of other classes among them are left out.
    resize : str
        "nearest": every second row and column from the first on. "area": means of 2 x 2 pixels.

    Raises
    ------
    DataError
        If a file is missing or is not what its name says.
    """
    parts = []
    for part, count in (("train", train), ("t10k", None)):
        images = read_idx(find_idx(folder, f"{part}-images-idx3-ubyte"), 3)[:count]
        labels = read_idx(find_idx(folder, f"{part}-labels-idx1-ubyte"), 1)[:count]
        if len(images) != len(labels):
            raise DataError(f"{folder} holds {len(images)} {part} images and {len(labels)} labels, expected as many")
        parts.append(select_classes(halve(images, resize), labels.astype(np.int64), classes))
    return Split(*parts)


def halve(images: Bytes, resize: str = "nearest") -> FloatArray:
    """Return images of half the size as intensities, one row an image.

    >>> halve(np.array([[[255, 0], [0, 0]]], np.uint8)), halve(np.array([[[255, 0], [0, 0]]], np.uint8), "area")
    (array([[1.]]), array([[0.25]]))
    """
    count, height, width = images.shape
    if resize not in RESIZES:
        raise DataError(f"resize {resize!r} is none of {', '.join(RESIZES)}")
    if height % 2 or width % 2:
        raise DataError(f"images of {height} x {width} pixels cannot be halved, both must be even")
    if resize == "nearest":
        small = images[:, ::2, ::2].astype(np.float64)
    else:
        small = images.reshape(count, height // 2, 2, width // 2, 2).mean(axis=(2, 4))
    return small.reshape(count, -1) / 255


def select_classes(intensities: FloatArray, labels: IntArray, classes: Sequence[int] | None) -> Images:
    """Return the images of some classes, in their order.

    Raises
    ------
    DataError
        If a class has no image.
    """
    if classes is None:
        return Images(intensities, labels)
    for label in classes:
        if not (labels == label).any():
            raise DataError(f"there is no image of class {label} among {len(labels)} images")
    wanted = np.isin(labels, classes)
    return Images(intensities[wanted], labels[wanted])


def find_idx(folder: Path, name: str) -> Path:
    """Return a file of a folder, plain or with .gz.

    Raises
    ------
    DataError
        If neither is there.
    """
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise DataError(f"{folder} holds neither {name} nor {name}.gz")


def read_idx(path: Path, dimensions: int) -> Bytes:
    """Return the bytes of an IDX file, the format of MNIST: two zeros, type 8 (unsigned byte), dimensions, sizes, data.

    Parameters
    ----------
    path : path
        The file; read through gzip if its name ends in .gz.

    Raises
    ------
    DataError
        If it cannot be read or is not such a file, or data are missing or left over.
    """
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:  # a small file may unpack to any size
                content = packed.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    start = 4 + 4 * dimensions
    if len(content) < start or content[:4] != bytes((0, 0, 8, dimensions)):
        raise DataError(f"{path} begins with {content[:4].hex()!r}, expected '000008{dimensions:02x}' and sizes")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    if len(content) - start != math.prod(shape):
        raise DataError(f"{path} holds {len(content) - start} bytes of data, expected {math.prod(shape)} for {shape}")
    data: NDArray[Any] = np.frombuffer(content, np.uint8, offset=start)
    return data.reshape(shape)
