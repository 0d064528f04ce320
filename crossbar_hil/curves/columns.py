"""Which columns of a table hold the curve, in which unit, and what the columns beside them are."""

from dataclasses import dataclass

from .files.names import CURVES, Name, read_name
from .files.options import Options
from .files.questions import Asker, CurveUnclear
from .files.tables import Layout, Row, counts_up
from .files.units import SYMBOLS, Unit, multiple, unit
from .meant import otherwise_question

LARGEST_WITHOUT_UNIT = 1e-5
"""Conductances and currents up to this are taken for SI numbers where a header names no unit: in uS or uA nobody writes
them so. Beyond it the unit is asked for."""

LARGEST_OFFERED_IN_SI, LEAST_OHM_WITHOUT_UNIT = 1e-2, 1e3
"""Conductances and currents up to the former, and resistances from the latter on, are offered in SI units first."""


@dataclass(frozen=True, slots=True)
class Value:
    """A column that holds a curve, or a cycle of one."""

    place: int
    name: Name
    unit: Unit
    way: str | None = None
    """``up`` or ``down``, if the header says it."""
    partner: int | None = None
    """Column of the currents at the opposite voltage, by which an offset falls out."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table, by what they are for."""

    names: tuple[Name, ...]
    values: tuple[Value, ...]
    """Several of one way are cycles."""


def choose_columns(layout: Layout, options: Options, ask: Asker) -> Columns:
    """Find the columns of the curve.

    Raises
    ------
    DataError
        If the file does not say which they are or in which unit, with the option that settles it.
    """
    names = tuple(read_name(name) for name in layout.names)
    _check_upright(layout, ask)
    filled = [
        place
        for place in range(layout.width)
        if layout.numeric[place] and any(value is not None for value in layout.column(place))
    ]
    if options.column:
        places = [_place(each, layout, ask) for each in options.column]
    else:
        places = _candidates(layout, names, filled, options, ask)
    values = [_value(place, layout, names[place], options, ask) for place in places]
    if len(values) > 1 and len({value.unit.quantity for value in values}) > 1:
        raise ask.question(
            f"{_told(layout, places)} are not of one kind; take one by {ask.command(column=(str(places[0] + 1),))}"
        )
    values = _with_partner(values, layout, names)
    values = _several(values, layout, names, options, ask)
    for value in values:
        ask.say(f"column {value.place + 1}", _what(value, layout))
    _check_torn(layout, values, options, ask)
    _say_rest(layout, names, values, ask)
    return Columns(names, tuple(values))


def _check_upright(layout: Layout, ask: Asker) -> None:
    """Refuse a table whose lines hold a name and then the numbers: it lies on its side."""
    if layout.width < 4 or layout.numeric[0] or not all(layout.numeric[1:]):
        return
    named = [text for text in layout.texts(0) if read_name(text).quantity in CURVES]
    if named and len(layout.rows) < layout.width:
        raise ask.refusal(
            f"lies on its side: {named[0]!r} stands before the numbers of its line; turn it (a spreadsheet's "
            "transpose), so that each quantity is a column with its name on top"
        )


def label(layout: Layout, place: int) -> str:
    """Return what to call a column in a sentence.

    It is its number, from 1, and its name if it has one.
    """
    name = layout.names[place]
    return f"{place + 1} {name!r}" if name else f"{place + 1}"


def _place(text: str, layout: Layout, ask: Asker) -> int:
    same = [place for place, name in enumerate(layout.names) if name.lower() == text.lower()]
    if len(same) == 1:
        return same[0]
    if text.isdecimal() and 1 <= int(text) <= layout.width:
        return int(text) - 1
    told = ", ".join(label(layout, place) for place in range(layout.width))
    why = f"names {len(same)} columns" if same else "is not one of its columns"
    raise ask.refusal(f"has {layout.width} column(s), {told}; {text!r} {why}")


def _candidates(layout: Layout, names: tuple[Name, ...], filled: list[int], options: Options, ask: Asker) -> list[int]:
    for quantity in CURVES:
        own = [place for place in filled if names[place].quantity == quantity and not names[place].aside]
        own = [place for place in own if not names[place].writing] or own
        if own:
            return own
    open_ones = [place for place in filled if _may_hold_a_curve(layout, names, place)]
    open_ones = [
        place for place in open_ones if not counts_up(layout.column(place)) and not _constant(layout, place)
    ] or open_ones
    different = _without_twins(layout, open_ones)
    meant = [place for place in filled if names[place].meant is not None]
    if not open_ones and options.unit is not None and len(meant) == 1:
        return meant
    if not open_ones:
        raise _none_question(layout, names, filled, ask)
    if options.unit is not None:
        return different
    raise _unit_question(layout, names, open_ones, different, ask)


def _none_question(layout: Layout, names: tuple[Name, ...], filled: list[int], ask: Asker) -> CurveUnclear:
    """Return the sentence about a table without a column that may hold a curve."""
    if meant := [place for place in filled if names[place].meant is not None]:
        return otherwise_question(names[meant[0]], label(layout, meant[0]), meant[0], ask)
    every = list(range(layout.width))
    texts = [place for place in every if not layout.numeric[place] and any(layout.texts(place))]
    if texts:
        row = next(row for row in layout.rows if place_text(row, texts[-1]))
        return ask.refused_line(
            row.line,
            f"{place_text(row, texts[-1])!r} is not read as a number, and no other of the columns "
            f"{_told(layout, every)} holds conductances, resistances or currents",
        )
    return ask.refusal(
        f"has no column of conductances, resistances or currents among {_told(layout, every)}; "
        f"name it by {ask.command(column=(str(layout.width),), unit='S')}"
    )


def place_text(row: Row, place: int) -> str:
    """Return a cell as text."""
    return str(row.cells[place]).strip() if place < len(row.cells) else ""


def _unit_question(
    layout: Layout, names: tuple[Name, ...], open_ones: list[int], different: list[int], ask: Asker
) -> CurveUnclear:
    first = layout.rows[0]
    more: dict[str, object] = {"column": (str(different[0] + 1),)} if layout.width > 1 and len(different) == 1 else {}
    if len(different) > 1 and _alike_named(layout, different):
        more["cycles"] = "columns"
    elif len(different) > 1 and sorted(str(names[place].way) for place in different) != ["down", "up"]:
        more["column"] = (str(different[0] + 1),)
    current = dict(more, unit="A", voltage=_constant_voltage(layout) or 0.1)
    where = f"line {first.line} ({', '.join(str(cell) for cell in first.cells)})"
    if layout.header_text:
        said = f"the header {layout.header_text!r} does not divide into {layout.width} names"
    elif any(names[place].text for place in open_ones):
        said = f"column(s) {_told(layout, open_ones)}: the name says neither conductance nor resistance nor current"
    else:
        said = "no header says what its numbers are"
    return ask.question(
        f"{said}, as in {where}; say it by {ask.command(**more, unit='S')} if they are siemens (or uS, nS, ohm, Mohm), "
        f"by {ask.command(**current)} if they are amperes"
    )


def _value(place: int, layout: Layout, name: Name, options: Options, ask: Asker) -> Value:
    if name.meant is not None and (options.unit is None or name.meant == "logarithm"):
        raise otherwise_question(name, label(layout, place), place, ask)
    if options.unit is not None:
        given = multiple(options.unit, name.quantity) or unit(options.unit, name.quantity or "conductance")
        if given is not None and given.quantity not in CURVES:
            given = unit(options.unit, name.quantity if name.quantity in CURVES else "conductance") or given
        if given is None or given.quantity not in CURVES:
            raise ask.question(
                f"--unit {options.unit!r} is no unit of conductance, resistance or current, such as uS, Mohm or nA"
            )
        return Value(place, name, given, name.way)
    if name.unit is not None and name.quantity in CURVES:
        return Value(place, name, name.unit, name.way)
    if name.quantity not in CURVES:
        raise ask.question(
            f"column {label(layout, place)} is not named as a conductance, a resistance or a current; "
            f"say its unit by {ask.command(unit='S')} (or uS, nS, ohm, Mohm, A)"
        )
    largest = max((abs(each) for each in layout.column(place) if each is not None and abs(each) < 1e20), default=0.0)
    if name.unknown_unit is not None:
        why = f"has the unit {name.unknown_unit!r}, which is not known here"
    elif name.strange:
        why = "has no unit that is known here"
    elif name.quantity == "resistance" or not largest <= LARGEST_WITHOUT_UNIT:
        why = f"has no unit, and its numbers, up to {largest:g}, may be in several"
    else:
        return Value(place, name, Unit(name.quantity, 1.0, ""), name.way)
    usual = _usual(name.quantity, largest)
    raise ask.question(
        f"column {label(layout, place)} {why}; say it by {ask.command(unit=usual)} "
        f"(or whatever it is: {SYMBOLS[name.quantity]} with any SI prefix)"
    )


def _usual(quantity: str, largest: float) -> str:
    """Return the unit that is offered for numbers without one: SI where they are too small for another."""
    symbol, prefixed = {"conductance": ("S", "uS"), "resistance": ("ohm", "Mohm"), "current": ("A", "nA")}[quantity]
    if quantity == "resistance":
        return symbol if largest > LEAST_OHM_WITHOUT_UNIT else prefixed
    return symbol if largest < LARGEST_OFFERED_IN_SI else prefixed


def _several(values: list[Value], layout: Layout, names: tuple[Name, ...], options: Options, ask: Asker) -> list[Value]:
    """Decide what several columns are: potentiation beside depression, cycles, or one to be chosen."""
    if options.cycles in {"columns", "rows"}:
        if len(values) < 2:
            raise ask.refusal(
                f"has one column of the curve, {label(layout, values[0].place)}, so no cycles side by side"
            )
        return values
    groups = [[value for value in values if value.way == way] for way in ("up", "down", None)]
    if all(len(group) <= 1 for group in groups[:2]) and len(groups[2]) <= (not (groups[0] or groups[1])):
        return values
    if all(names[value.place].cycle for value in values):
        return values
    kept = _without_twins(layout, [value.place for value in values])
    if len(kept) == 1:
        ask.say(
            "columns", f"{_told(layout, [value.place for value in values])} hold the same numbers; the first is taken"
        )
        return [value for value in values if value.place in kept]
    matrix = layout.width > len(layout.rows) and any(subject == "variables" for subject, _ in ask.understood)
    turned = f", or its rows, if each of them is a cycle, by {ask.command(cycles='rows')}" if matrix else ""
    raise ask.question(
        f"columns {_told(layout, kept)} may each be the curve; take one by "
        f"{ask.command(column=(str(kept[0] + 1),))}, or "
        f"all as cycles of one cell by {ask.command(cycles='columns')}{turned}"
    )


def _with_partner(values: list[Value], layout: Layout, names: tuple[Name, ...]) -> list[Value]:
    """Join two columns of currents, each behind a column of voltages, that were read at opposite voltages."""
    if len(values) != 2 or any(value.unit.quantity != "current" or value.place == 0 for value in values):
        return values
    before = [value.place - 1 for value in values]
    if any(names[place].quantity != "voltage" for place in before):
        return values
    pairs = [
        (first, second)
        for first, second in zip(layout.column(before[0]), layout.column(before[1]), strict=True)
        if first is not None and second is not None
    ]
    if not pairs or not all(first * second < 0 for first, second in pairs):
        return values
    return [Value(values[0].place, values[0].name, values[0].unit, values[0].way, values[1].place)]


def _check_torn(layout: Layout, values: list[Value], options: Options, ask: Asker) -> None:
    """Ask about whole numbers with as many digits in every line of the next column: a decimal comma between them."""
    if options.decimal is not None:
        return
    for value in values:
        own, after = layout.texts(value.place), layout.texts(value.place + 1)
        if not after or not all(text.isdecimal() for text in (*own, *after)):
            continue
        if len({len(text) for text in after}) == 1 and len(after[0]) > 1 and len(set(after)) > 1:
            one = f"{own[0]},{after[0]}"
            raise ask.question(
                f"columns {label(layout, value.place)} and {label(layout, value.place + 1)} may be one number with "
                f"a decimal comma, {one} in line {layout.rows[0].line}; write it with a point if so, or say that they "
                f"are two by {ask.command(separator='comma', decimal='.')}"
            )


def _say_rest(layout: Layout, names: tuple[Name, ...], values: list[Value], ask: Asker) -> None:
    used = {value.place for value in values} | {value.partner for value in values}
    beside = [place for place in range(layout.width) if place not in used and names[place].quantity in CURVES]
    if beside:
        ask.say("not used", f"column {_told(layout, beside)}")


def _may_hold_a_curve(layout: Layout, names: tuple[Name, ...], place: int) -> bool:
    name = names[place]
    counted = name.counts and all(each is None or each.is_integer() for each in layout.column(place))
    beside = counted or name.width or name.aside or name.quantity in {"voltage", "time"}
    return not beside and not (name.cycle and counts_up(layout.column(place)))


def _without_twins(layout: Layout, places: list[int]) -> list[int]:
    kept: list[int] = []
    for place in places:
        if all(layout.column(place) != layout.column(other) for other in kept):
            kept.append(place)
    return kept


def _constant(layout: Layout, place: int) -> bool:
    values = layout.column(place)
    return len(values) > 2 and len(set(values)) == 1


def _constant_voltage(layout: Layout) -> float | None:
    for place in range(layout.width):
        value = layout.column(place)[0]
        if _constant(layout, place) and value is not None and 0 < abs(value) <= 2:
            return value
    return None


def _alike_named(layout: Layout, places: list[int]) -> bool:
    stems = {layout.names[place].rstrip("0123456789 _#") for place in places}
    return len(stems) == 1 and len(places) > 2


def _told(layout: Layout, places: list[int]) -> str:
    said = [label(layout, place) for place in places]
    if len(said) > 6:
        said = [*said[:2], "...", said[-1]]
    return " and ".join(filter(None, [", ".join(said[:-1]), said[-1]]))


def _what(value: Value, layout: Layout) -> str:
    taken = f"in {value.unit.text}" if value.unit.text else f"without a unit, taken as {SYMBOLS[value.unit.quantity]}"
    way = {"up": ", potentiation", "down": ", depression", None: ""}[value.way]
    named = f"{layout.names[value.place]!r}: " if layout.names[value.place] else ""
    return f"{named}{value.unit.quantity} {taken}{way}"
