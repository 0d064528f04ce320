"""Which rows of a table are readings at a read voltage, and which pulses stand between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from crossbar_hil.text import quantity

from .columns import Columns, label
from .files.options import Options
from .files.questions import Asker
from .files.tables import Layout

SAME_VOLTAGE = 0.05
"""Voltages that differ by less than this share are one setting."""
CLEARLY_BELOW = 3.0
"""A read voltage is taken for one without a word if every other voltage is at least so many times higher."""
HIGHEST_READ_V = 1.0
"""A voltage above this that is not called a read voltage may be the height of the pulses."""
LARGEST_WITHOUT_UNIT_V = 2.0
"""Voltages up to this are taken for volts where a header names no unit."""
WORTH_SAYING = 2.0
"""A cell that draws this many times the current of its reading, scaled to the pulse, is not ohmic."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The readings among the rows of a table."""

    kept: tuple[int, ...]
    """Their places."""
    pulses: tuple[float | None, ...]
    """Voltage of the one pulse before each, nan if there is not exactly one; None before the first, or if the table has
    no rows for pulses."""
    voltages: tuple[tuple[int, float], ...]
    """Columns of voltages by place, and the factor that makes volts of them."""


def choose_rows(layout: Layout, columns: Columns, options: Options, read_v: float | None, ask: Asker) -> Rows:
    """Find the readings.

    Parameters
    ----------
    read_v : float or None
        The read voltage that the file names above the table, in volts.

    Raises
    ------
    DataError
        If there are several voltages and none is clearly that of the reads.
    """
    every = tuple(range(len(layout.rows)))
    voltages = _voltages(layout, columns, options, ask)
    worded = _by_words(layout, "read")
    wanted = options.voltage if options.voltage is not None else read_v
    main = max(voltages, key=lambda each: _filled(layout, each[0]), default=None)
    if main is None:
        return Rows(worded or every, (None,) * len(worded or every), tuple(voltages))
    found = np.array([np.nan if v is None else v * main[1] for v in layout.column(main[0])])
    settings = _settings(np.abs(found))
    live = [each for each in settings if each > 0]
    if len(settings) < 2:
        return Rows(worded or every, (None,) * len(worded or every), tuple(voltages))
    if not worded and wanted is None and _each_reads(found, live, options):
        ask.say("rows", f"all {len(every)} are readings, as said, each at the voltage beside it")
        return Rows(every, (None,) * len(every), tuple(voltages))
    kept = worded or _at(found, wanted, live, layout, main[0], ask)
    ask.say(
        "rows",
        f"{len(kept)} of {len(every)} are readings, at {in_volts(np.abs(found[list(kept)]))} in column "
        f"{label(layout, main[0])}",
    )
    return Rows(kept, _between(found, kept), tuple(voltages))


def _ambiguous(live: list[float]) -> bool:
    return len(live) > 1 and (len(live) > 6 or live[1] < CLEARLY_BELOW * live[0])


def _each_reads(found: np.ndarray, live: list[float], options: Options) -> bool:
    """Say whether a person who counts the readings counts every row, where no voltage is clearly that of the reads."""
    period = (options.up or 0) + (options.down or 0)
    return bool(period) and _ambiguous(live) and len(found) % period == 0


def _at(
    found: np.ndarray, wanted: float | None, live: list[float], layout: Layout, place: int, ask: Asker
) -> tuple[int, ...]:
    told = ", ".join(f"{each:g} V" for each in live[:6]) + (" and more" if len(live) > 6 else "")
    if wanted is None:
        if _ambiguous(live):
            seldom = np.count_nonzero(np.abs(np.diff(np.abs(found))) > 0) < len(found) / 4
            each = (
                f", or, if every row is a reading at the voltage beside it, by {ask.command(up=len(found))}"
                if seldom and live[-1] <= HIGHEST_READ_V
                else ""
            )
            raise ask.question(
                f"column {label(layout, place)} holds {told}, and a curve needs readings at one voltage (a loop of "
                f"current against voltage is none); "
                f"say it by {ask.command(voltage=live[0])}{each}"
            )
        wanted = live[0]
    kept = tuple(
        int(each) for each in np.flatnonzero(np.abs(np.abs(found) - abs(wanted)) <= SAME_VOLTAGE * abs(wanted))
    )
    if not kept:
        raise ask.question(f"no row of column {label(layout, place)} is at {wanted:g} V; it holds {told}")
    return kept


def _voltages(layout: Layout, columns: Columns, options: Options, ask: Asker) -> list[tuple[int, float]]:
    """Return the columns of voltages at which cells were read, or read and pulsed."""
    taken = {value.place for value in columns.values}
    found = []
    for place, name in enumerate(columns.names):
        only_pulses = name.writing and not name.reading
        if name.quantity != "voltage" or place in taken or not layout.numeric[place] or only_pulses or name.aside:
            continue
        values = [abs(value) for value in layout.column(place) if value is not None]
        if not values:
            continue
        if name.unit is None and not max(values) <= LARGEST_WITHOUT_UNIT_V:
            if options.voltage is None and any(value.unit.quantity == "current" for value in columns.values):
                raise ask.question(
                    f"column {label(layout, place)} has no unit, and its numbers, up to {max(values):g}, may be volts "
                    f"or millivolts; say the read voltage by {ask.command(voltage=0.1)}"
                )
            continue
        found.append((place, 1.0 if name.unit is None else name.unit.factor))
    return found


def _by_words(layout: Layout, word: str) -> tuple[int, ...]:
    """Return the rows that a column of text marks by a word, if it marks others by other words."""
    for place in range(layout.width):
        if layout.numeric[place]:
            continue
        texts = [text.lower() for text in layout.texts(place)]
        marked = tuple(row for row, text in enumerate(texts) if word in text)
        if marked and len(set(texts)) > 1:
            return marked
    return ()


def _filled(layout: Layout, place: int) -> int:
    return sum(value is not None for value in layout.column(place))


def _settings(sizes: np.ndarray) -> list[float]:
    """Return the different voltages, the smallest first; those that hardly differ are one."""
    found: list[float] = []
    for size in np.unique(sizes[np.isfinite(sizes)]).tolist():
        if not found or size - found[-1] > SAME_VOLTAGE * max(size, 1e-12):
            found.append(size)
    return found


def _between(found: np.ndarray, kept: Sequence[int]) -> tuple[float | None, ...]:
    """Return the voltage of the pulse between each reading and the one before; nan if there is not exactly one."""
    if all(after == before + 1 for before, after in pairwise(kept)):
        return (None,) * len(kept)  # a part of the rows, one below the other
    pulses: list[float | None] = [None]
    for before, after in pairwise(kept):
        sent = [float(v) for v in found[before + 1 : after] if np.isfinite(v)]
        apart = [v for place, v in enumerate(sent) if v != 0 and (place == 0 or v != sent[place - 1])]
        pulses.append(apart[0] if len(apart) == 1 else float("nan"))
    return tuple(pulses)


def drawn_by_pulses(layout: Layout, columns: Columns, rows: Rows, levels: Sequence[float]) -> str | None:
    """Say what the cell draws at the height of a pulse, if the table has rows for pulses and it is far from ohmic.

    `levels` are the conductances of the readings, in siemens.
    """
    amperes = [
        (place, 1.0 if name.unit is None else name.unit.factor)
        for place, name in enumerate(columns.names)
        if name.quantity == "current" and layout.numeric[place]
    ]
    if not amperes or not rows.voltages or len(rows.kept) == len(layout.rows):
        return None
    (volt, volt_factor), (ampere, ampere_factor) = rows.voltages[0], amperes[0]
    others = sorted(set(range(min(rows.kept), len(layout.rows))) - set(rows.kept))
    pairs = [(layout.column(volt)[row], layout.column(ampere)[row]) for row in others]
    sent = [(v * volt_factor, i * ampere_factor) for v, i in pairs if v and i is not None]
    if not sent:
        return None
    sizes = [abs(v) for v, _ in sent]
    volts = max(sizes, key=sizes.count)
    currents = sorted(abs(i) for v, i in sent if abs(abs(v) - volts) <= SAME_VOLTAGE * volts)
    ohmic = float(np.median(levels)) * volts
    if not ohmic > 0 or np.median(currents) / ohmic < WORTH_SAYING:
        return None
    times = float(f"{np.median(currents) / ohmic:.2g}")
    drawn = " to ".join(dict.fromkeys((quantity(currents[0], "A"), quantity(currents[-1], "A"))))
    return (
        f"the cell draws {drawn} at {volts:g} V, about {times:,.0f} times what its readings give there: compliance and "
        "range of a bench must allow for it, and an ohmic cell model does not show it"
    )


def in_volts(voltages: np.ndarray) -> str:
    """Write voltages as one number or as a range."""
    found = [float(each) for each in np.unique(voltages[np.isfinite(voltages)])]
    if not found:
        return "no voltage"
    return f"{found[0]:g} V" if len(found) == 1 else f"{found[0]:g} to {found[-1]:g} V"
