"""How ``characterise`` is shown while it measures, and what is drawn of it at the end."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crossbar_hil.screen.pace import Pace
from crossbar_hil.screen.view import NothingShown

if TYPE_CHECKING:
    from crossbar_hil.bench.characterisation import Step
    from crossbar_hil.curves.measured import MeasuredCurve

EVERY = 10
"""Steps between two lines where there is no terminal, on which one line is kept in place."""


class Told:
    """Tells of each step that is measured.

    Parameters
    ----------
    view : NothingShown
        What is told.
    total, cells : int
        Steps of a cell, and cells.
    """

    def __init__(self, view: NothingShown, total: int, cells: int) -> None:
        self._view, self._total, self._all = view, total, total * cells
        self._pace, self._done = Pace(), 0

    def handed_out(self, steps: Iterable["Step"], cell: tuple[int, int]) -> Iterator["Step"]:
        """Hand out the steps of a cell (row, column, from 1), each told once it is measured."""
        for done, step in enumerate(steps, start=1):
            self._done += 1
            self._pace.step(self._done)
            what = "at rest" if step.rest else f"after {step.number} pulses of {step.pulse}"
            where = f"row {cell[0]}, column {cell[1]}  {done}/{self._total}"
            text = f"{where}  {1e6 * step.conductance_siemens:.4g} uS {what}"
            self._view.step(text, self._pace, self._all, brief=done % EVERY != 1 and done != self._total)
            yield step


def prove(paths: Iterable[Path]) -> None:
    """See that new files can be written, before anything is measured for them; nothing is left.

    Raises
    ------
    RunError
        If one exists, or cannot be made.
    """
    from crossbar_hil.errors import RunError, reason_of  # noqa: PLC0415 - --help must not wait for it
    from crossbar_hil.guard.storage import write_new  # noqa: PLC0415

    for path in paths:
        try:
            write_new(path, "")
            path.unlink()
        except FileExistsError as error:
            raise RunError(f"{path} exists already and is not overwritten") from error
        except FileNotFoundError as error:
            raise RunError(f"there is no folder {path.parent} for {path.name}: make it; nothing was sent") from error
        except OSError as error:
            raise RunError(f"{path} cannot be written: {reason_of(error)}; nothing was sent") from error


def draw(path: Path, curves: Sequence["MeasuredCurve"]) -> list[str]:
    """Draw curves into a new PNG, and return the lines of a drawing for the terminal.

    Raises
    ------
    RunError
        If the file exists or cannot be written; the measured numbers are in their own.
    """
    from crossbar_hil.curves.plotting import plot_curves  # noqa: PLC0415 - matplotlib
    from crossbar_hil.curves.showing import sketch  # noqa: PLC0415
    from crossbar_hil.errors import RunError, reason_of  # noqa: PLC0415

    try:
        with path.open("xb") as file:
            plot_curves(curves, path.stem).savefig(file, format="png", dpi=150)
    except OSError as error:
        raise RunError(f"{path} cannot be drawn: {reason_of(error)}") from error
    return sketch(curves)
