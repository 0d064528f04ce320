"""Write one known curve as labs write curves: in any encoding, separator, decimal sign, unit, layout and language."""

import itertools
import math
from collections import Counter
from typing import NamedTuple

import numpy as np

from crossbar_hil.curves.reading import understand
from crossbar_hil.errors import DataError

UP = (4.508e-7, 4.769e-7, 5.024e-7, 5.23e-7, 5.412e-7, 5.571e-7, 5.701e-7, 5.827e-7, 5.927e-7, 6.033e-7)
DOWN = (6.328e-7, 6.12e-7, 5.94e-7, 5.784e-7, 5.649e-7, 5.531e-7, 5.43e-7, 5.342e-7)
READ_V = 0.1

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252")
SEPARATORS = ("\t", ";", ",", "|", " ", "   ")
ENDS = ("\n", "\r\n", "\r")


class Unit(NamedTuple):
    name: str
    quantity: str
    factor: float


UNITS = tuple(
    Unit(prefix + base, quantity, factor)
    for quantity, bases in (("G", ("S",)), ("R", ("ohm", "Ohm", "Ω")), ("I", ("A",)))
    for base in bases
    for prefix, factor in (
        ("", 1.0), ("m", 1e-3), ("u", 1e-6), ("µ", 1e-6), ("μ", 1e-6), ("n", 1e-9), ("p", 1e-12), ("f", 1e-15),
        ("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12),
    )
)  # fmt: skip
WORDS = {
    "G": ("Conductance", "Leitwert", "conductance", "Проводимость", "电导", "G"),
    "R": ("Resistance", "Widerstand", "Résistance", "Сопротивление", "电阻", "R"),
    "I": ("Current", "Strom", "Courant", "Ток", "电流", "I"),
}
COUNTS = ("Pulse", "Puls", "Impulsion", "Импульс", "脉冲", "n")
FORMS = ("{} ({})", "{} [{}]", "{}/{}", "{}_{}", "{} in {}", "{}, {}")


def number(value, form, decimal):
    """Write a number in one of the forms that programs write."""
    places = max(0, 6 - math.floor(math.log10(abs(value)))) if value else 0
    text = {"e": f"{value:.6E}", "g": f"{value:.7g}", "f": f"{value:.{places}f}", "engineering": ""}[form]
    if form == "engineering":
        exponent = 0
        while abs(value) * 10.0**-exponent < 1:
            exponent -= 3
        while abs(value) * 10.0**-exponent >= 1000:
            exponent += 3
        text = f"{value / 10.0**exponent:.6f}E{exponent}"
    return text.replace(".", decimal)


def in_unit(siemens, unit):
    if unit.quantity == "G":
        return siemens / unit.factor
    return 1.0 / siemens / unit.factor if unit.quantity == "R" else siemens * READ_V / unit.factor


def quoted(cell, separator):
    return f'"{cell}"' if separator.strip() and separator in cell else cell


def lines(rows, separator):
    return [separator.join(quoted(cell, separator) for cell in row) for row in rows]


LAYOUTS = (
    "column",
    "counted",
    "timed",
    "titled",
    "block",
    "commented",
    "units below",
    "trailing",
    "side by side",
    "log",
)


def table(layout, unit, language, form, numbers, decimal, separator):
    """Return the lines of a file that holds the curve, and whether it holds the depression too."""

    def cell(siemens):
        return number(in_unit(siemens, unit), numbers, decimal)

    name = FORMS[form].format(WORDS[unit.quantity][language], unit.name)
    count = COUNTS[language]
    volt = [] if unit.quantity != "I" else ["V (V)"]
    volts = [] if unit.quantity != "I" else [number(READ_V, "g", decimal)]
    head, rows = [[*volt, name]], [[*volts, cell(level)] for level in UP]
    before = []
    if layout in {"counted", "titled", "block", "commented", "trailing"}:
        head, rows = [[count, *head[0]]], [[str(n), *row] for n, row in enumerate(rows)]
    if layout == "timed":
        head = [["t (s)", *head[0]]]
        rows = [[number(0.31 * n + 0.05, "g", decimal), *row] for n, row in enumerate(rows)]
    if layout == "titled":
        before = ["Device B7 after forming", ""]
    if layout == "block":
        before = ["Operator: Lena", f"Temperature (K): {number(295.5, 'g', decimal)}", "Compliance (mA):1", ""]
    if layout == "units below":
        word = WORDS[unit.quantity][language]
        head = [[count, *(["V"] if volt else []), word], ["#", *(["V"] if volt else []), unit.name]]
        rows = [[str(n), *row] for n, row in enumerate(rows)]
    if layout == "trailing":
        head, rows = [[*head[0], ""]], [[*row, ""] for row in rows]
    if layout == "side by side":
        names = [FORMS[form].format(f"{WORDS[unit.quantity][language]} {way}", unit.name) for way in ("LTP", "LTD")]
        head = [[count, *volt, names[0], count, *volt, names[1]]]
        empty = ["", *([""] if volt else []), ""]
        rows = [
            [str(n), *volts, cell(UP[n]), *([str(n), *volts, cell(DOWN[n])] if n < len(DOWN) else empty)]
            for n in range(len(UP))
        ]
    if layout == "log":
        head = [["Voltage (V)", "Current (A)", name]] if unit.quantity != "I" else [["Voltage (V)", name]]
        rows = []
        for level in UP:
            read = [number(READ_V, "g", decimal)]
            pulse = [number(2.0, "g", decimal)]
            extra = [] if unit.quantity == "I" else [number(level * READ_V, "e", decimal)]
            big = [] if unit.quantity == "I" else [number(1.8e-3, "e", decimal)]
            rows += [
                [*read, *extra, cell(level)],
                [*pulse, *big, cell(1e-3)],
                ["0", *(["0"] if big else []), cell(1e-9)],
            ]
        rows = rows[:-2]
    body = lines([*head, *rows], separator)
    if layout == "commented":
        body = [f"# {body[0]}", *body[1:]]
    return [*before, *body], layout == "side by side"


def every():
    """Yield every combination that is worth a try: some thousands, no two alike."""
    turns = itertools.count()
    for layout, unit, decimal in itertools.product(LAYOUTS, UNITS, ".,"):
        for separator in SEPARATORS:
            n = next(turns)
            yield (
                layout, unit, decimal, separator, ENCODINGS[n % 6], ENDS[n % 3], n // 6 % 6, n // 5 % 6,
                ("e", "g", "f", "engineering")[n // 7 % 4],
            )  # fmt: skip


def content(case):
    """Return the bytes of a case, None if they cannot be written so; and whether it holds the depression."""
    layout, unit, decimal, separator, encoding, end, language, form, numbers = case
    told, both = table(layout, unit, language, form, numbers, decimal, separator)
    try:
        return end.join([*told, ""]).encode(encoding), both
    except UnicodeEncodeError:
        return None, both


class Held:
    def __init__(self, data):
        self.data = data

    def __str__(self):
        return "lab.csv"

    def read_bytes(self):
        return self.data


def outcome(case):
    """Return what came of a file: the curve, a question, or another curve, which is the one thing that must not be."""
    data, both = content(case)
    if data is None:
        return "not written", ""
    try:
        curves = understand(Held(data)).curves
    except DataError as question:
        return "asked", str(question)
    wanted = [UP, DOWN] if both else [UP]
    if len(curves) != len(wanted):
        return "wrong", f"{len(curves)} curves"
    for curve, levels in zip(curves, wanted, strict=True):
        # Written with 7 digits.
        if len(curve.levels_siemens) != len(levels) or not np.allclose(curve.levels_siemens, levels, rtol=2e-6, atol=0):
            return "wrong", str(curve.levels_siemens[:3])
    return "read", ""


def tallied(cases):
    tally, wrong = Counter(), []
    for case in cases:
        found, why = outcome(case)
        tally[found] += 1
        if found == "wrong":
            wrong.append((case, why))
    assert wrong == []
    return tally
