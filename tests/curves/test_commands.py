"""Files of labs that leave something open: the command that their sentence prints, run as printed, reads them right."""

import io
import shlex

import numpy as np
import pytest
import scipy

from crossbar_hil.cli.curves import _options, curve
from crossbar_hil.curves.files.options import Options
from crossbar_hil.curves.files.questions import CurveUnclear
from crossbar_hil.curves.reading import PLAIN, understand
from crossbar_hil.errors import DataError

UP = (100.0, 112.5, 121.25, 127.5, 131.75, 134.5)
DOWN = (128.0, 119.0, 113.0, 108.5)
"""Microsiemens."""
OHM = [1e6 / level for level in UP]


def as_options(text):
    """Return the options of a command as the program itself takes them."""
    words = shlex.split(text)
    assert words[:2] == ["crossbar-hil", "curve"]
    given = curve.make_context("curve", words[2:]).params
    return _options(**{name: value for name, value in given.items() if name not in {"file", "to", "png", "as_json"}})


@pytest.fixture
def followed(tmp_path):
    def follow(content, which=0):
        """Read a file as the first (or another) command of each sentence says, until it is read."""
        file = tmp_path / "lab.dat"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        options, asked = PLAIN, []
        while True:
            try:
                return understand(file, options).curves, asked
            except CurveUnclear as unclear:
                asked.append(str(unclear))
            commands = asked[-1].split("`")[1::2]
            following = as_options(commands[min(which, len(commands) - 1)])
            assert following != options, f"the command repeats itself: {asked[-1]}"
            options = following

    return follow


def counted(header, values, form="{}", separator=","):
    return f"pulse{separator}{header}\n" + "".join(
        f"{n}{separator}{form.format(value)}\n" for n, value in enumerate(values, 1)
    )


def timed(apart, values):
    times = np.cumsum([0.0, *apart])
    return "time (s),G (uS)\n" + "".join(f"{t:g},{g}\n" for t, g in zip(times, values, strict=True))


SHARES = [level / 100 for level in UP]
QUANTUM_MICROSIEMENS = 77.48091729
"""2 e^2 / h in the SI."""
SWISS = counted("R (ohm)", [f"{each:,.1f}".replace(",", "'") for each in OHM], separator=";")
ASKED = {
    "quanta": (counted("G/G0", [level / QUANTUM_MICROSIEMENS for level in UP]), 0),
    "quanta in words": (counted("Conductance / G_0", [level / QUANTUM_MICROSIEMENS for level in UP]), 0),
    "of the first": (counted("G/G0", SHARES), 1),
    "of another": (counted("G/G(1)", SHARES), 0),
    "normalised": (counted("normalised conductance", SHARES), 0),
    "arbitrary": (counted("G (a.u.)", SHARES), 0),
    "per length": (counted("conductivity (S/cm)", SHARES), 0),
    "error by its name": (counted("G deviation (uS)", UP), 0),
    "change by its name": (counted("G after change (uS)", UP), 0),
    "no unit": (counted("G", [f"{1e-6 * level:g}" for level in UP]), 0),
    "decimal comma": (counted("G (µS)", UP, '"{:.3f}"').replace(".", ","), 0),
    "not thousands": (counted("G (µS)", UP, '"{:.3f}"').replace(".", ","), 1),
    "retention after": (timed([1] * 5 + [10] * 6, (*UP, 134, 133.7, 133.5, 133.3, 133.2, 133.1)), 0),
    "a footer": (counted("G (uS)", UP) + "\nMean,121.2\n", 0),
    "a gap in the lines": (
        "G (uS)\n" + "\n".join(f"{g}" for g in UP[:3]) + "\n\n" + "\n".join(f"{g}" for g in UP[3:]),
        0,
    ),
    "a part of a pulse": (counted("G (uS)", UP).replace("3,121.25", "2.5,120\n3,121.25"), 0),
    "two voltages": (
        "V (V),I (uA)\n" + "".join(f"{v},{v * g:g}\n" for v, g in zip([0.1] * 3 + [0.2] * 3, UP, strict=True)),
        1,
    ),
    "two units of current": (counted("I", [f"{1e-7 * level:g}" for level in UP]), 0),
}


@pytest.mark.parametrize("case", ASKED)
def test_the_printed_command_reads_the_right_curve(followed, case):
    content, which = ASKED[case]
    (found,), asked = followed(content, which)
    assert asked
    assert np.allclose(found.levels_siemens, 1e-6 * np.array(UP), rtol=1e-6, atol=0)


def matrix(**variables):
    held = io.BytesIO()
    scipy.io.savemat(held, variables)
    return held.getvalue()


READ = {
    "thousands, English": counted("R (ohm)", [f"{each:,.1f}" for each in OHM], '"{}"'),
    "thousands, English, semicolons": counted("R (ohm)", [f"{each:,.1f}" for each in OHM], separator=";"),
    "thousands, German": counted(
        "R (ohm)", [f"{each:,.1f}".translate(str.maketrans(",.", ".,")) for each in OHM], separator="\t"
    ),
    "thousands, Swiss": SWISS,
    "thousands, French": SWISS.replace("'", "\u202f").replace(".", ","),
    "thousands, plain blanks": SWISS.replace("'", " ").replace(".", ","),
    "millions": counted("R (mohm)", [f"{1e3 * each:,.0f}" for each in OHM], separator=";"),
    "units in the cells": counted("G", UP, "{:.2f} uS"),
    "several units in the cells": counted("G", [f"{g / 1000:g} mS" if g > 130 else f"{g} uS" for g in UP]),
    "empty lines between numbers that go on": counted("G (uS)", UP).replace("3,", "\n\n3,", 1),
    "EasyEXPERT": "SetupTitle, x\nTestParameter, A, B, C\nDimension1, 6, 6, 6\nDataName, Time, V1, I1 (A)\n"
    + "".join(f"DataValue, {n}.0, 0.1, {1e-7 * g:.6E}\n" for n, g in enumerate(UP)),
    "a header with blanks": counted("G(uS) @ 300 K", [round(g) for g in UP]),
    "struct": {"s": {"G_uS": np.array(UP), "note": "x"}},
    "unit of a variable": {"G_uS": np.array(UP)},
}
COARSE = {"a header with blanks": 5e-3, "millions": 1e-6, "thousands": 1e-5}
"""Where the file holds few digits."""


@pytest.mark.parametrize("case", READ)
def test_what_leaves_no_doubt_is_read_without_a_question(followed, case):
    content = READ[case]
    (found,), asked = followed(matrix(**content) if isinstance(content, dict) else content)
    assert asked == []
    told = COARSE.get(case.split(",")[0], 1e-6)
    assert np.allclose(found.levels_siemens, 1e-6 * np.array(UP), rtol=told, atol=0)


def test_cycles_in_the_rows_of_a_matrix_are_read_by_the_command_that_is_offered(followed):
    cycles = np.array([[g + k for g in UP] for k in (-1.0, 0.0, 1.0)])
    (found,), asked = followed(matrix(G_uS=cycles), 2)
    assert "--cycles rows" in asked[0]
    assert np.allclose(found.levels_siemens, 1e-6 * np.array(UP), rtol=1e-6, atol=0)


def test_potentiation_and_depression_without_a_unit_keep_both(followed):
    both, _ = followed(matrix(LTP=1e-6 * np.array(UP), LTD=1e-6 * np.array(DOWN)))
    assert [len(curve.levels_siemens) for curve in both] == [6, 4]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (counted("dG (uS)", [0.1, 0.3, 0.5]), {}, "holds changes by its name"),
        (counted("ΔG/G0 (%)", [1, 3, 5]), {}, "holds changes by its name"),
        (counted("(G-Gmin)/(Gmax-Gmin)", [0, 0.4, 0.7]), {}, "holds changes by its name"),
        (counted("log10 G (S)", [-4, -3.9, -3.8]), {"unit": "S"}, "holds logarithms"),
        (counted("G std (uS)", [4, 4.1, 4.3]), {}, "holds the uncertainty of another"),
        ("pulse,1,2,3,4\nG (uS),1,2,3,3.5\n", {}, "lies on its side: 'G (uS)' stands before the numbers"),
        ("pulse,G (uS)\n1,1\n1,1.1\n2,1.2\n2,1.3\n", {}, "share a number"),
        ("pulse,G (uS)\n5,1\n10,1.1\n15,1.2\n", {}, "a reading after every 5 pulses"),
        ("G\n-4\n-3\n-2\n", {"unit": "S"}, "is negative, as are 3 of 3"),
        (counted("G (uS)", UP), {"depress_amplitude": -2.8, "width": 0.05}, "so --depress-amplitude and"),
        (counted("G (uS)", DOWN), {"down": 4, "amplitude": 2.0, "width": 0.05}, "potentiation, so --amplitude"),
        ("cycle,G (uS)\n" + "".join(f"{c},{g}\n" for c in (1, 2) for g in UP), {"up": 3, "cycles": "stacked"},
         "numbers 2 cycles of its readings (line 2, 8 begin one), which 4 of 3 readings contradict"),
        (counted("G (uS)", UP).replace("4,", "1,").replace("5,131", "2,131").replace("6,", "3,"),
         {"up": 2, "cycles": "stacked"}, "line 5: the pulse numbers begin anew here"),
        (counted("R (kohm)", ["9.9 ohm", "9.5 ohm", "9.1 ohm"]), {}, "line 2: '9.9 ohm' is not read as a number"),
        ("G (uS)\n1\n2\n3\n", {"cycles": "rows"}, "is no file of MATLAB"),
        ("cycle 1 (uS)\tcycle 2 (uS)\n5\t5\n5\t5\n5\t5\n", {}, "whose mean does not move beside what they differ by"),
    ],
)  # fmt: skip
def test_what_would_be_misread_is_refused(tmp_path, content, options, message):
    (tmp_path / "lab.csv").write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as refusal:
        understand(tmp_path / "lab.csv", Options(**options))
    assert message in str(refusal.value)


def test_cycles_that_differ_by_rounding_alone_have_no_spread(tmp_path):
    (tmp_path / "lab.csv").write_text("cycle,G (uS)\n" + "".join(f"{c},{g + c}\n" for c in (1, 2) for g in UP))
    ((_, spread),) = understand(tmp_path / "lab.csv").spreads
    assert (spread.step_variation, spread.read_noise) == (0.0, 0.0)


def test_a_pause_between_cycles_and_jitter_are_no_change_of_pace(tmp_path):
    (tmp_path / "lab.csv").write_text(timed([1, 1.4, 0.8, 1.1, 0.9], UP))
    assert len(understand(tmp_path / "lab.csv").curves[0].levels_siemens) == 6
    rows = "".join(f"{c},{10 * c + k},{g}\n" for c in (1, 2) for k, g in enumerate(UP))
    (tmp_path / "lab.csv").write_text("cycle,t (s),G (uS)\n" + rows)
    assert understand(tmp_path / "lab.csv").spreads[0][1].cycles == 2
