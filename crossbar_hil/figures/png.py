"""Figures as PNG files, each drawn once."""

import io
import zlib
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave

from crossbar_hil.errors import writing_new

DPI = 180
ON_PAGE = 110
"""Pixels of a page that an inch of a figure takes."""
WIDE = 900
"""Wider ones take all the width of a page."""
_PACKED = {"compress_type": zlib.Z_RLE}
"""Plain areas and thin lines: looking for runs of one colour alone is twice as fast, and leaves files as small."""


def as_png(figure: Figure, *, dpi: int = DPI) -> bytes:
    """Return a figure, drawn once at a resolution that it keeps, as the content of a PNG file."""
    figure.set_dpi(dpi)
    canvas, buffer = FigureCanvasAgg(figure), io.BytesIO()
    canvas.draw()  # type: ignore[no-untyped-call]  # Figure.savefig draws twice: the first time for the layout
    imsave(buffer, canvas.buffer_rgba(), format="png", dpi=dpi, pil_kwargs=_PACKED)  # type: ignore[no-untyped-call]
    return buffer.getvalue()


def width_on_page(png: bytes) -> int:
    """Return how wide a picture of `DPI` is on a page, in pixels of a screen: so that its letters are those of text."""
    return int.from_bytes(png[16:20], "big") * ON_PAGE // DPI  # the width stands first in the header of a PNG


def write_png(figure: Figure, path: Path, *, dpi: int = DPI, replace: bool = False) -> None:
    """Draw a figure into a new PNG file, or in place of one that the same work wrote before.

    Raises
    ------
    RunError
        If it exists and is not to be replaced, or cannot be written.
    """
    write_content(as_png(figure, dpi=dpi), path, replace=replace)


def write_content(content: bytes, path: Path, *, replace: bool = False) -> None:
    """Write a new file, or one in place of what the same work wrote before; a RunError where that cannot be."""
    with writing_new(path), path.open("wb" if replace else "xb") as file:  # else never over another, nor through a link
        file.write(content)
