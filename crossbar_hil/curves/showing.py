"""Curves as lines of text: what they are in words, and a small plot."""

from collections.abc import Iterable, Sequence

from .measured import MeasuredCurve

WIDTH, HEIGHT = 64, 14
"""Of the plot, in characters."""
UP, DOWN = "*", "o"
SCALES = ((1.0, "S"), (1e-3, "mS"), (1e-6, "uS"), (1e-9, "nS"), (1e-12, "pS"))


def scale_of(siemens: float) -> tuple[float, str]:
    """Return the unit in which a conductance is a number of one to three digits.

    >>> scale_of(4.5e-7)
    (1e-09, 'nS')
    """
    return next((each for each in SCALES if siemens >= each[0]), SCALES[-1])


def in_words(curve: MeasuredCurve) -> tuple[str, str]:
    """Return what a curve is, by subject.

    >>> in_words(MeasuredCurve(True, None, (4.5e-7, 6e-7), 1.8))[1]
    '2 readings (1 pulses) from 450 nS to 600 nS, by pulses of 1.8 V, nothing says how long'
    >>> in_words(MeasuredCurve(True, None, (4.5e-7, 5e-7, 6e-7)))
    ('potentiation', '3 readings (2 pulses) from 450 nS to 600 nS, by pulses that nothing says')
    """
    levels = curve.levels_siemens
    factor, unit = scale_of(max(levels))
    ends = f"{levels[0] / factor:.4g} {unit} to {levels[-1] / factor:.4g} {unit}"
    if max(levels) > max(levels[0], levels[-1]):
        ends += f", largest {max(levels) / factor:.4g} {unit} after {levels.index(max(levels))}"
    if min(levels) < min(levels[0], levels[-1]):
        ends += f", smallest {min(levels) / factor:.4g} {unit} after {levels.index(min(levels))}"
    if curve.pulse is not None:
        by = f"by pulses of {curve.pulse}"
    elif curve.height_v is not None:
        by = f"by pulses of {curve.height_v:g} V, nothing says how long"
    else:
        by = "by pulses that nothing says"
    way = "potentiation" if curve.potentiation else "depression"
    return way, f"{len(levels)} readings ({len(levels) - 1} pulses) from {ends}, {by}"


def longest(curves: Iterable[MeasuredCurve], potentiation: bool) -> MeasuredCurve:
    """Return the curve of one way that was measured with the longest pulse."""
    own = [curve for curve in curves if curve.potentiation is potentiation]
    return max(own, key=lambda curve: 0.0 if curve.pulse is None else curve.pulse.width_s)


def sketch(curves: Sequence[MeasuredCurve], *, told: bool = True) -> list[str]:
    """Draw potentiation and depression one after the other, of several each the one of the longest pulse.

    `told`: it is known which is which, and said.
    """
    curves = [longest(curves, kind) for kind in (True, False) if any(curve.potentiation is kind for curve in curves)]
    values = [(level, UP if curve.potentiation else DOWN) for curve in curves for level in curve.levels_siemens]
    factor, unit = scale_of(max(level for level, _ in values))
    low, high = min(level for level, _ in values), max(level for level, _ in values)
    span = (high - low) or 1.0
    field = [[" "] * WIDTH for _ in range(HEIGHT)]
    for place, (level, sign) in enumerate(values):
        across = round(place * (WIDTH - 1) / max(1, len(values) - 1))
        field[HEIGHT - 1 - round((level - low) / span * (HEIGHT - 1))][across] = sign
    labels = {0: f"{high / factor:.4g} {unit}", HEIGHT - 1: f"{low / factor:.4g} {unit}"}
    margin = max(map(len, labels.values()))
    lines = [f"{labels.get(row, ''):>{margin}} |{''.join(cells).rstrip()}" for row, cells in enumerate(field)]
    signs = " ".join(f"{UP if each.potentiation else DOWN} {in_words(each)[0]}" for each in curves)
    legend = f"; {signs}" if told else ""
    return [*lines, f"{'':>{margin}} +{'-' * WIDTH}", f"{'':>{margin}}  reading 1 to {len(values)}{legend}"]
