"""One page on what was measured or counted: a single HTML file, no script, nothing loaded, all text escaped."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from matplotlib.figure import Figure

from crossbar_hil.figures.png import WIDE, as_png, width_on_page, write_content
from crossbar_hil.figures.templates import template


@dataclass(frozen=True, slots=True)
class Table:
    """Lines of text under a heading."""

    heading: str
    rows: Sequence[Sequence[str]]
    header: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure as a page shows it."""

    file: str
    """Where it lies, relative to the page."""
    caption: str
    png: bytes

    @property
    def data(self) -> str:
        """The picture as text."""
        return base64.b64encode(self.png).decode("ascii")

    @property
    def width(self) -> int:
        """How wide it is shown at most, in pixels: so that its letters are as large as those of the text."""
        return width_on_page(self.png)

    @property
    def wide(self) -> bool:
        """Whether it takes all the width of a page."""
        return self.width > WIDE


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a page says."""

    title: str
    about: str
    """One line under the title: of what, by which kind of device, with which seed."""
    lines: Sequence[str] = ()
    """What the terminal was told, which is the text of the page."""
    numbers: Sequence[tuple[str, str]] = ()
    """Value and what it is, at a glance."""
    tables: Sequence[Table] = ()
    figures: Sequence[tuple[str, Figure]] = ()
    """Caption and figure."""
    files: Sequence[str] = field(default=())
    """Names of files beside the page that hold the data."""


def write_page(sheet: Sheet, path: Path, *, pictures: Sequence[Path] = (), replace: bool = False) -> None:
    """Write a page, and its figures beside it; each is drawn once.

    Parameters
    ----------
    sheet : Sheet
        What it says.
    path : Path
        The page.
    pictures : sequence of Path
        A PNG file for each figure.
    replace : bool
        Whether the same work may have written them before.

    Raises
    ------
    RunError
        If a file is there and is not to be replaced, or cannot be written.
    """
    drawn = [(caption, as_png(figure)) for caption, figure in sheet.figures]
    files = [*sheet.files, *(each.name for each in pictures)]
    text = template("sheet.html.j2", "crossbar_hil.figures").render(
        sheet=sheet,
        pictures=[Picture(place.name, caption, png) for (caption, png), place in zip(drawn, pictures, strict=True)],
        files=[
            (name, quote(name)) for name in files if (path.parent / name).exists() or name in {p.name for p in pictures}
        ],
    )
    contents = dict(zip(pictures, (png for _, png in drawn), strict=True)) | {path: text.encode()}
    for place, content in contents.items():
        write_content(content, place, replace=replace)
