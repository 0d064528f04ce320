"""Files in the shapes that labs publish: the right curve, or a question whose option gives the right curve."""

import shlex
import zipfile
from itertools import pairwise

import numpy as np
import pytest
import scipy

from crossbar_hil import Pulse
from crossbar_hil.curves.cycles import mean_and_spread
from crossbar_hil.curves.files.options import Options
from crossbar_hil.curves.files.questions import CurveUnclear
from crossbar_hil.curves.reading import PLAIN, understand
from crossbar_hil.errors import DataError

UP = [2.0, 2.6, 3.1, 3.5, 3.8, 4.0, 4.15, 4.25, 4.3, 4.32]
DOWN = [3.7, 3.2, 2.85, 2.6, 2.45, 2.36, 2.3, 2.27]
"""Microsiemens."""


@pytest.fixture
def read(tmp_path):
    def reader(content, options=PLAIN):
        file = tmp_path / "lab.txt"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return understand(file, options)

    return reader


def microsiemens(curve):
    return [float(f"{1e6 * level:.10g}") for level in curve.levels_siemens]


def text(header, *columns, separator="\t"):
    longest = max(map(len, columns))
    rows = [[f"{column[n]:g}" if n < len(column) else "" for column in columns] for n in range(longest)]
    return "\n".join([header, *(separator.join(row) for row in rows), ""])


def test_a_turn_is_shown_and_has_to_be_confirmed(read):
    both = text("G (uS)", UP + DOWN)
    with pytest.raises(
        CurveUnclear, match=r"rise for 10 readings \(line 2 to 11\), then fall for 8 readings"
    ) as question:
        read(both)
    assert "--up 10 --down 8 --to my_chip.csv`" in str(question.value)
    assert [microsiemens(curve) for curve in read(both, Options(up=10, down=8)).curves] == [UP, DOWN]
    assert [microsiemens(curve) for curve in read(both, Options(up=18)).curves] == [UP + DOWN]


def test_a_curve_that_falls_first_is_told_apart_by_the_same_options(read):
    found = read(text("G (uS)", DOWN + UP), Options(up=10, down=8)).curves
    assert [(curve.potentiation, microsiemens(curve)) for curve in found] == [(True, UP), (False, DOWN)]


@pytest.mark.parametrize(("up", "down"), [(10, 7), (18, 1), (9, None), (None, 19)])
def test_numbers_of_readings_that_do_not_fit_are_refused(read, up, down):
    with pytest.raises(DataError, match="holds 18 readings, which are not"):
        read(text("G (uS)", UP + DOWN), Options(up=up, down=down))


def test_readings_said_to_be_potentiation_that_fall_are_refused(read):
    with pytest.raises(DataError, match="8 readings said to be potentiation that fall"):
        read(text("G (uS)", DOWN), Options(up=8))


@pytest.mark.parametrize(
    "names",
    [("LTP", "LTD"), ("Potentiation", "Depression"), ("G_pot", "G_dep"), ("Potenzierung", "Depression")],
)
def test_potentiation_beside_depression_is_told_apart_by_name(read, names):
    found = read(text(f"n\t{names[0]} (uS)\tn\t{names[1]} (uS)", range(10), UP, range(8), DOWN)).curves
    assert [(curve.potentiation, microsiemens(curve)) for curve in found] == [(True, UP), (False, DOWN)]


def test_a_column_called_potentiation_that_falls_is_refused(read):
    with pytest.raises(DataError, match=r"line 2: potentiation by its name 'LTP \(uS\)', but 8 readings fall"):
        read(text("LTP (uS)", DOWN))


def test_joined_cells_above_a_header_name_the_columns_below_them(read):
    found = read("LTP\t\tLTD\t\n" + text("n\tG (uS)\tn\tG (uS)", range(10), UP, range(8), DOWN)).curves
    assert [microsiemens(curve) for curve in found] == [UP, DOWN]


def test_pulses_of_both_signs_divide_a_column_without_a_question(read):
    volts = [2.0] * 10 + [-2.5] * 8
    found = read(text("V_pulse (V)\tWidth (ms)\tG (uS)", volts, [50.0] * 18, UP + DOWN)).curves
    assert [microsiemens(curve) for curve in found] == [UP, DOWN]
    assert [curve.pulse for curve in found] == [Pulse(2.0, 0.05), Pulse(-2.5, 0.05)]


def test_options_name_the_pulses_that_a_file_does_not(read):
    options = Options(amplitude=2.0, width=0.05, depress_amplitude=-2.5, depress_width=0.01)
    found = read(text("LTP (uS)\tLTD (uS)", UP, DOWN), options).curves
    assert [curve.pulse for curve in found] == [Pulse(2.0, 0.05), Pulse(-2.5, 0.01)]


@pytest.mark.parametrize(("current", "volt"), [(1, 0.1), (-1, -0.1)])
def test_currents_are_divided_by_the_voltage_beside_them(read, current, volt):
    # 2 uS at 100 mV: 200 nA.
    numbers = [current * 100 * level for level in UP]
    assert microsiemens(read(text("V_read (V)\tI (nA)", [volt] * 10, numbers)).curves[0]) == UP


def test_a_negative_current_with_no_voltage_says_how_to_give_it(read):
    with pytest.raises(DataError, match=r"is negative, as are 10 of 10; .*--voltage=-0\.1"):
        read(text("I (nA)", [-100 * level for level in UP]), Options(voltage=0.1))


@pytest.mark.parametrize("head", ["Read voltage (V): 0.1", "V_read = 100 mV", "Lesespannung (mV)\t100"])
def test_the_read_voltage_may_stand_above_the_table(read, head):
    assert microsiemens(read(head + "\n\n" + text("n\tI (nA)", range(10), [100 * g for g in UP])).curves[0]) == UP


LOG = "Read Voltage (V): 0.1\ntON (ms): 5\nVoltage (V),Current (A)\n"


def rows(*voltages_and_currents):
    return "".join(f"{volt:g},{current:g}\n" for volt, current in voltages_and_currents)


def test_readings_are_found_between_pulses_and_the_current_of_a_pulse_is_told(read):
    log = LOG + "".join(rows((0.1, level * 1e-7), (2.0, 1.5e-3), (0.0, 0.0)) for level in UP)
    found = read(log)
    (curve,) = found.curves
    assert microsiemens(curve) == UP
    assert curve.pulse == Pulse(2.0, 0.005)
    # 1.5 mA over 2 V times the median of the levels, 3.9 uS: 192.
    assert "draws 1.5 mA at 2 V, about 190 times what its readings give there" in dict(found.said)["pulses"]


def test_a_depressing_pulse_begins_a_depression_at_the_reading_before_it(read):
    log = LOG + "".join(rows((0.1, g * 1e-7), (2.0 if n < 9 else -2.5, 1e-3)) for n, g in enumerate(UP + DOWN))
    up, down = read(log).curves
    assert microsiemens(up) == UP
    assert microsiemens(down) == [UP[-1], *DOWN]
    assert down.pulse == Pulse(-2.5, 0.005)


def test_pulses_between_the_readings_say_their_height_and_an_option_their_width(read):
    log = "V (V),I (A)\n" + "".join(
        rows((0.1, g * 1e-7), (1.8 if n < 9 else -2.5, 1e-3)) for n, g in enumerate(UP + DOWN)
    )
    assert [(curve.pulse, curve.height_v) for curve in read(log).curves] == [(None, 1.8), (None, -2.5)]
    both = read(log, Options(width=0.02)).curves
    assert [(curve.pulse, curve.height_v) for curve in both] == [(Pulse(1.8, 0.02), None), (Pulse(-2.5, 0.02), None)]


def test_two_pulses_between_two_readings_are_named(read):
    log = LOG + "".join(rows((0.1, g * 1e-7), (2.0, 1e-3), (0, 0), (2.0, 1e-3)) for g in UP)
    with pytest.raises(DataError, match="line 8: between this reading and the one before stands not exactly one pulse"):
        read(log)


def test_readings_at_both_signs_are_joined_so_that_an_offset_falls_out(read):
    log = "V (V),I (A),V (V),I (A)\n"
    log += "".join(f"0.1,{level * 1e-7 + 3e-9:.6e},-0.1,{-level * 1e-7 + 3e-9:.6e}\n" for level in UP)
    assert np.allclose(microsiemens(read(log).curves[0]), UP, rtol=1e-5)


def test_a_loop_of_voltages_is_not_taken_for_a_curve(read):
    volts = [0.1 * n for n in range(1, 11)]
    with pytest.raises(CurveUnclear, match=r"holds 0\.1 V, 0\.2 V, .*a curve needs readings at one"):
        read(text("V (V)\tI (A)", volts, [1e-6 * v for v in volts]))


def test_a_resistance_that_current_and_voltage_contradict_is_not_believed(read):
    # Megohm under a header that says kilohm.
    header = "V (V)\tI (nA)\tR (kohm)"
    with pytest.raises(CurveUnclear, match=r"column 3 'R .kohm.' is 1e.03 times what column 2"):
        read(text(header, [0.1] * 10, [100 * g for g in UP], [1 / g for g in UP]))


def cycles(many, sigma, noise=0.0, seed=3):
    """Return cycles of a straight curve whose steps vary, in microsiemens."""
    rng = np.random.default_rng(seed)
    steps = rng.gamma(1 / sigma**2, sigma**2, (many, 100))
    levels = 2.0 + 0.02 * np.hstack([np.zeros((many, 1)), steps.cumsum(axis=1)])
    return levels * (1 + noise * rng.standard_normal(levels.shape))


@pytest.mark.parametrize(("sigma", "noise"), [(0.3, 0.0), (0.6, 0.0), (0.3, 0.002)])
def test_cycles_in_columns_give_their_mean_and_the_spread_of_their_steps(read, sigma, noise):
    found = cycles(20, sigma, noise)
    header = "\t".join(f"Cycle {n} (uS)" for n in range(20))
    told = read(text(header, *found))
    assert np.allclose(microsiemens(told.curves[0]), found.mean(axis=0), rtol=1e-4)
    ((way, spread),) = told.spreads
    assert way == "potentiation"
    # 20 cycles of 100 steps: the standard deviation of 2,000 gamma variates is known to 3 %, with noise to some more.
    assert spread.step_variation == pytest.approx(sigma, rel=0.15)
    assert spread.read_noise == pytest.approx(noise, abs=0.0006)


@pytest.mark.parametrize("many", [2, 5])
def test_noise_of_readings_is_seldom_taken_for_steps_that_vary(many):
    rng = np.random.default_rng(1)
    curve = 1e-4 + 5.8e-5 * (1 - 0.9 ** np.arange(32))
    drawn = [mean_and_spread(curve * (1 + 0.005 * rng.standard_normal((many, 32))))[1] for _ in range(300)]
    assert np.mean([spread.step_variation > 0 for spread in drawn]) < 0.05
    told = [spread.read_noise for spread in drawn if spread.read_noise]
    assert len(told) > 150
    assert np.median(told) == pytest.approx(0.005, rel=0.2)
    assert {spread.cycles for spread in drawn} == {many}


def test_what_is_understood_of_a_column_beside_two_curves_is_said_once(read):
    said = read(text("N\tLTP (uS)\tLTD (uS)", range(10), UP, DOWN)).said
    assert len(set(said)) == len(said)
    assert ("column 1", "'N' counts the pulses") in said


def test_numbered_columns_that_are_not_called_cycles_are_asked_about(read):
    table = text("G1 (uS)\tG2 (uS)\tG3 (uS)", *cycles(3, 0.1)[:, :10])
    with pytest.raises(CurveUnclear, match=r"may each be the curve; take one by .*--cycles columns"):
        read(table)
    assert len(read(table, Options(cycles="columns")).spreads) == 1
    assert read(table, Options(column=("G2 (uS)",))).spreads == ()


@pytest.mark.parametrize("numbered", [True, False])
def test_cycles_below_each_other_give_the_same_as_cycles_side_by_side(read, numbered):
    one = [UP, [1.1 * g for g in UP], [0.9 * g for g in UP]]
    side = read(text("cycle 1 (uS)\tcycle 2 (uS)\tcycle 3 (uS)", *one))
    stacked = [level for cycle in one for level in cycle]
    if numbered:
        below = read(text("cycle\tG (uS)", [1] * 10 + [2] * 10 + [3] * 10, stacked))
    else:
        with pytest.raises(CurveUnclear, match="--up 10 --cycles stacked"):
            read(text("G (uS)", stacked))
        below = read(text("G (uS)", stacked), Options(up=10, cycles="stacked"))
    assert below.curves == side.curves
    assert below.spreads == side.spreads


def test_cycles_of_different_length_are_refused(read):
    with pytest.raises(DataError, match="line 12: cycle 2 of potentiation has 9 readings, the first 10"):
        read(text("cycle\tG (uS)", [1] * 10 + [2] * 9, UP + UP[:9]))


def test_a_reading_left_out_closes_the_gap_or_is_filled_if_a_pulse_was_counted(read):
    broken = [*UP[:4], 9.91e37, *UP[4:]]
    assert microsiemens(read(text("G (uS)", broken), Options(leave_out=(6,))).curves[0]) == UP
    counted = text("n\tG (uS)", range(11), broken)
    filled = microsiemens(read(counted, Options(leave_out=(6,))).curves[0])
    assert filled == [*UP[:4], (UP[3] + UP[4]) / 2, *UP[4:]]


def test_readings_below_zero_within_noise_are_set_to_zero_only_on_request(read):
    table = text("G (uS)", [-0.01, *UP])
    with pytest.raises(CurveUnclear, match=r"line 2: .*negative, within noise of zero .*--zero-negative"):
        read(table)
    assert microsiemens(read(table, Options(zero_negative=True)).curves[0]) == [0.0, *UP]
    with pytest.raises(DataError, match="is negative, by more than noise explains"):
        read(text("G (uS)", [-1.0, *UP]), Options(zero_negative=True))


def test_lines_can_be_skipped_and_a_part_of_a_table_taken(read):
    table = "1 2 3\n" + text("n\tG (uS)", range(10), UP)
    with pytest.raises(DataError, match="line 1: numbers, '1 2 3'"):
        read(table)
    assert microsiemens(read(table, Options(skip=1)).curves[0]) == UP
    assert microsiemens(read(table, Options(skip=1, lines=(4, 8))).curves[0]) == UP[1:6]


def xlsx(sheets):
    """Write a workbook by hand: the smallest that the standard allows (ECMA-376)."""
    import io

    held = io.BytesIO()
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    doc = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    with zipfile.ZipFile(held, "w") as book:
        numbers = range(1, len(sheets) + 1)
        kinds = "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" '
            'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
            for n in numbers
        )
        book.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Override PartName="/xl/workbook.xml" '
            'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
            f"{kinds}</Types>",
        )
        rels = "http://schemas.openxmlformats.org/package/2006/relationships"
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{rels}">'
            f'<Relationship Id="r1" Type="{doc}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        named = "".join(
            f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in zip(numbers, sheets, strict=True)
        )
        book.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{doc}"><sheets>{named}</sheets></workbook>'
        )
        links = "".join(
            f'<Relationship Id="r{n}" Type="{doc}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
        )
        book.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{rels}">{links}</Relationships>')
        for n, table in zip(numbers, sheets.values(), strict=True):
            lines = "".join(f"<row>{''.join(_cell(cell) for cell in row)}</row>" for row in table)
            book.writestr(
                f"xl/worksheets/sheet{n}.xml", f'<worksheet xmlns="{main}"><sheetData>{lines}</sheetData></worksheet>'
            )
    return held.getvalue()


def _cell(value):
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
    return f"<c><v>{value!r}</v></c>"


SHEET = [["Device 4"], ["Puls", "Leitwert (µS)"], *[[n, level] for n, level in enumerate(UP)]]


def test_a_workbook_is_read_and_its_sheets_are_asked_about(read):
    assert microsiemens(read(xlsx({"Data": SHEET})).curves[0]) == UP
    both = xlsx({"Data": SHEET, "Calc": SHEET[:6], "Notes": [["by hand"]]})
    with pytest.raises(CurveUnclear, match=r"numbers in the sheets Data, Calc; take one by .*--sheet Data"):
        read(both)
    assert microsiemens(read(both, Options(sheet="Calc")).curves[0]) == UP[:4]
    with pytest.raises(DataError, match="has no sheet 'Dat'; it has Data, Calc, Notes"):
        read(both, Options(sheet="Dat"))


def test_a_workbook_without_its_library_names_the_extra(read, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(
        DataError, match=r"is a workbook, which needs python-calamine: pip install 'crossbar-hil\[excel\]'"
    ):
        read(xlsx({"Data": SHEET}))


def test_variables_of_matlab_are_columns(read, tmp_path):
    scipy.io.savemat(tmp_path / "m.mat", {"G_uS": np.array(UP), "n": np.arange(10), "note": "b7"})
    assert microsiemens(read((tmp_path / "m.mat").read_bytes()).curves[0]) == UP


def test_variables_of_matlab_7_3_are_columns_and_nothing_of_another_file_is_read(read, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["R_ohm"] = np.array(UP)[:, None]
    layout = h5py.VirtualLayout((10, 1), dtype=float)
    layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "R_ohm", shape=(10, 1))
    with h5py.File(tmp_path / "m.mat", "w", userblock_size=512) as file:
        file["G_uS"] = np.array(UP)[:, None]
        file["elsewhere"] = h5py.ExternalLink(tmp_path / "other.h5", "R_ohm")
        file["nowhere"] = h5py.SoftLink("/gone")
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("outside", (10, 1), float, external=[(tmp_path / "raw", 0, 80)])
    held = bytearray((tmp_path / "m.mat").read_bytes())
    held[:19] = b"MATLAB 7.3 MAT-file"
    assert microsiemens(read(bytes(held)).curves[0]) == UP


def test_an_encoding_that_is_not_known_is_named(read):
    with pytest.raises(DataError, match="encoding 'klingon' is not known"):
        read(text("G (uS)", UP), Options(encoding="klingon"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"separator": "dot"}, "--separator 'dot' is not known"),
        ({"decimal": "x"}, "--decimal 'x' is not known"),
        ({"up": 0}, "--up 0 must be at least 1"),
        ({"amplitude": -2.0, "width": 0.1}, "--amplitude -2 V must be above zero"),
        ({"depress_amplitude": 2.0, "width": 0.1}, "--depress-amplitude 2 V must be below zero"),
    ],
)
def test_options_that_make_no_sense_are_refused(values, message):
    with pytest.raises(DataError, match=message):
        Options(**values)


def test_pulses_that_differ_from_row_to_row_are_asked_about(read):
    rising = text("V_pulse (V)\tG (uS)", [1 + 0.1 * n for n in range(10)], UP)
    with pytest.raises(
        CurveUnclear, match=r"the pulses of column 1 'V_pulse .V.' are of 1 to 1\.9, and a curve is one of"
    ):
        read(rising)
    assert microsiemens(read(rising, Options(up=10)).curves[0]) == UP
    with pytest.raises(CurveUnclear, match="are of several widths"):
        read(text("width (ms)\tG (uS)", [1] * 5 + [2] * 5, UP))


def test_potentiation_by_negative_pulses_is_turned_only_if_somebody_says_so(read):
    table = text("V_pulse (V)\twidth (us)\tG (uS)", [-1.5] * 10 + [1.2] * 8, [10] * 18, UP + DOWN)
    with pytest.raises(
        DataError, match=r"line 2: depression by column 1 'V_pulse .V.', but 10 readings rise"
    ) as refusal:
        read(table)
    assert "--up 10 --down 8 --to my_chip.csv`" in str(refusal.value)
    found = read(table, Options(up=10, down=8)).curves
    assert [microsiemens(curve) for curve in found] == [UP, DOWN]
    assert [curve.pulse for curve in found] == [None, None]


def test_a_header_stands_apart_from_its_numbers(read):
    assert microsiemens(read("n\tG (uS)\n\n" + text("", range(10), UP).lstrip()).curves[0]) == UP


@pytest.mark.parametrize(("decimal", "factor"), [(".", 1e6), (",", 1e3)])
def test_thousands_are_grouped_if_somebody_says_that_the_sign_is_no_decimal_sign(read, decimal, factor):
    ohm = [f'"{500 - n},000"' for n in range(10)]
    table = "n,R (ohm)\n" + "\n".join(f"{n},{each}" for n, each in enumerate(ohm))
    with pytest.raises(CurveUnclear, match=r"500,000 may be 500\.000 or 500000"):
        read(table)
    # 500,000 ohm are 2 uS, 500 ohm are 2 mS.
    assert microsiemens(read(table, Options(decimal=decimal)).curves[0])[0] == pytest.approx(2e6 / factor, rel=1e-9)


@pytest.mark.parametrize("third", ["note", "R (ohm)", "x"])
def test_a_decimal_comma_torn_into_two_columns_is_noticed(read, third):
    table = f"n,G (uS),{third}\n" + "\n".join(f"{n},{level:.3f}".replace(".", ",") for n, level in enumerate(UP))
    with pytest.raises(CurveUnclear, match="may be one number with a decimal comma, 2,000 in line 2"):
        read(table)


def test_a_word_for_an_overflow_is_one(read):
    table = "n,G (uS)\n" + "\n".join(f"{n},{'OVRFLW' if n == 4 else level}" for n, level in enumerate(UP))
    with pytest.raises(CurveUnclear, match=r"line 6: .* inf is not finite; .*--leave-out 6 --to"):
        read(table)


def test_a_voltage_that_may_be_that_of_the_pulses_is_asked_about(read):
    with pytest.raises(CurveUnclear, match=r"holds 2 V, perhaps that of the pulses"):
        read(text("n\tV (V)\tI (nA)", range(10), [2.0] * 10, [100 * g for g in UP]))
    named = read(text("n\tVread (V)\tI (nA)", range(10), [2.0] * 10, [2000 * g for g in UP]))
    assert microsiemens(named.curves[0]) == UP


def test_an_option_adds_what_the_file_leaves_out_of_its_pulses(read):
    table = text("V_pulse (V)\twidth\tG (uS)", [2.0] * 10, [50] * 10, UP)
    assert read(table).curves[0].pulse is None
    assert read(table, Options(width=0.05)).curves[0].pulse == Pulse(2.0, 0.05)


@pytest.mark.parametrize("files", [3, pytest.param(8, marks=pytest.mark.campaign)])
@pytest.mark.parametrize("noise", [0.002, 0.01])
@pytest.mark.parametrize(
    ("up", "down", "cycles", "more"), [(32, 32, 2, 0), (20, 20, 4, 0), (24, 16, 3, 0), (20, 20, 2, 9)]
)
def test_the_command_offered_for_noisy_cycles_works_as_printed(read, up, down, cycles, more, noise, files):
    rng = np.random.default_rng(5)
    one = np.concatenate([160 - 60 * 0.9 ** np.arange(up), 100 + 60 * 0.88 ** np.arange(down)])
    for _ in range(files):
        values = np.tile(one, cycles + 1)[: cycles * (up + down) + more]
        file = text("G (uS)", values * (1 + noise * rng.standard_normal(len(values))))
        with pytest.raises(CurveUnclear, match="if these are potentiation and depression, say so by") as question:
            read(file)
        words = shlex.split(str(question.value).split("`")[1])
        said = dict(pairwise(words))
        lines = tuple(map(int, said["--lines"].split(":"))) if "--lines" in said else None
        told = Options(up=int(said["--up"]), down=int(said["--down"]), cycles=said.get("--cycles"), lines=lines)
        assert [curve.potentiation for curve in read(file, told).curves] == [True, False]
        assert (lines is not None) == bool(more)
        if not more:
            assert told.up + told.down == up + down
            assert abs(told.up - up) <= 2
