"""Curve files: what is understood, and which line is refused."""

import re

import pytest

from crossbar_hil import Pulse
from crossbar_hil.curves.files.options import Options
from crossbar_hil.curves.files.questions import CurveUnclear
from crossbar_hil.curves.reading import PLAIN, read_curves, understand
from crossbar_hil.errors import DataError

TABLE = "polarity,amplitude_v,width_s,pulse,conductance_siemens\n"


@pytest.fixture
def read(tmp_path):
    def reader(content, options=PLAIN):
        file = tmp_path / "curve.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return understand(file, options).curves

    return reader


# ---------------------------------------------------------------------- plain files


@pytest.mark.parametrize(
    "text",
    [
        "Conductance (S)\n4.5e-7\n5.1e-7\n5.2e-7\n",
        "Conductance (S)\n4.5e-7\n5.1e-7\n5.2e-7",
        "conductance_siemens\n4.5e-7\n5.1e-7\n5.2e-7\n",
        "G\n4.5e-7\n5.1e-7\n5.2e-7\n",
        "G [S]\n4.5e-7\n5.1e-7\n5.2e-7\n",
        "\ufeffConductance (S)\n4.5e-7\n5.1e-7\n5.2e-7\n",
        "G\n0.00000045\n0.00000051\n+5.2e-7\n",
        "G\r\n4.5e-7\r\n5.1e-7\r\n5.2e-7\r\n",
        "Conductance (S)\r\n4.5e-7\r\n5.1e-7\r\n5.2e-7\r\n\r\n\r\n",
        "# device 12\n# 2 V\nG\n4.5e-7\n# after lunch\n5.1e-7\n5.2e-7\n",
        "\n\n G\n 4.5e-7  \n\t5.1e-7\n5.2E-07\n\n",
        "pulse,conductance_siemens\n1,4.5e-7\n2,5.1e-7\n3,5.2e-7\n",
        "pulse, G\n0, 4.5e-7\n1, 5.1e-7\n2, 5.2e-7\n",
        "n G\n1 4.5e-7\n2   5.1e-7\n3\t5.2e-7\n",
        "Pulse number,Conductance (S)\n1,4.5e-7\n2,5.1e-7\n3,5.2e-7\n",
        "Pulse number Conductance (S)\n1 4.5e-7\n2 5.1e-7\n3 5.2e-7\n",
        "n\tG\n1\t4.5e-7\n2\t5.1e-7\n3\t5.2e-7\n",
        '"pulse","conductance (S)"\n1,4.5e-7\n2,5.1e-7\n3,5.2e-7\n',
        "n,G\n7,4.5e-7\n8,5.1e-7\n9,5.2e-7\n",
        "Conductance (uS)\n0.45\n0.51\n0.52\n",
        "pulse,g_us\n1,0.45\n2,0.51\n3,0.52\n",
        "time,conductance\n1.3,4.5e-7\n2.9,5.1e-7\n4.2,5.2e-7\n",
    ],
)
def test_every_way_a_lab_writes_a_column_gives_the_same_levels(read, text):
    (curve,) = read(text)
    assert curve.pulse is None
    assert curve.levels_siemens == (4.5e-7, 5.1e-7, 5.2e-7)


@pytest.mark.parametrize("text", ["4.5e-7\n5.1e-7\n5.2e-7\n", "1,4.5e-7\n2,5.1e-7\n", "# 2 V\n4.5e-7\n5.1e-7\n"])
def test_numbers_that_nothing_names_are_siemens_only_if_somebody_says_so(read, text):
    with pytest.raises(DataError, match=r"`crossbar-hil curve .*--unit S --to my_chip\.csv` if they are siemens"):
        read(text)
    assert read(text, Options(unit="S"))[0].levels_siemens[:2] == (4.5e-7, 5.1e-7)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("G\n4.5e-7\nabc\n5e-7\n", 3, "'abc' is not a number"),
        ("4.5e-7\nabc\n5e-7\n", 2, "'abc' is not a number"),
        ("G\n4.5e-7\n\n5e-7\n", 3, "an empty line leaves a gap in the curve"),
        ("# a\n# b\nG\n4.5e-7\nnan\n", 5, "conductance nan is not finite"),
        ("G\nnan\n4.5e-7\n", 2, "conductance nan is not finite"),
        ("G\n4.5e-7\ninf\n", 3, "conductance inf is not finite"),
        ("G\n4.5e-7\n-5e-7\n", 3, "conductance -5e-07 S is negative"),
        ("G (S)\n4.5e-7\n0.45\n", 3, "conductance 0.45 S exceeds 0.1 S; the column must be in S"),
        ("Conductance (S)\n0.45\n0.51\n", 2, "conductance 0.45 S exceeds 0.1 S"),
        ("pulse,G (S)\n1,2,4.5e-7\n2,2,5e-7\n", 1, "2 column(s) in the header of a table of 3"),
        ("4.5e-7\n2,5e-7\n", 2, "2 column(s) after lines of 1"),
        ("G\n1,4.5e-7\n5e-7\n", 1, "1 column(s) in the header of a table of 2"),
        ("n,G\n1,4.5e-7\n5e-7\n2,5e-7\n", 3, "1 column(s) after lines of 2"),
        ("n,G\n1,4.5e-7\n3,5e-7\n", 3, "pulse number 3, expected 2; the curve must have no gap"),
        ("n,G\n1,4.5e-7\n1,5e-7\n2,6e-7\n", 3, "pulse number 1, expected 2"),
        ("G\r\n4.5e-7\r\n\r\nx\r\n", 3, "an empty line leaves a gap"),
        ("n,G\n1,4.5e-7\n2,\n3,5e-7\n", 3, "conductance of column 2 'G' is missing"),
        ("x,4.5e-7\n2,5e-7\n", 1, "'x' is not a number"),
        ("Resistance (ohm)\n0.045\n0.051\n", 2, "exceeds 0.1 S; the column must be in ohm"),
        ("Resistance (ohm)\n0\n0.051\n", 2, "conductance inf is not finite"),
        ("pulse,g_us\n1,4.5e-7\n2,5e-7\n", 3, "5e-13 S is the largest and below 1e-12 S"),
        ("# ok\n\nG\n4.5e-7\n# gap follows\n\n5e-7\n", 6, "an empty line leaves a gap"),
        ("G\n4.5e-7\n9.91e37\n5e-7\n", 3, "9.91e+37 is what instruments write for an overflow, no reading"),
    ],
)
def test_a_wrong_line_of_a_plain_file_is_refused_with_its_number(read, text, line, message):
    with pytest.raises(DataError) as refusal:
        read(text)
    assert f"curve.csv, line {line}: " in str(refusal.value)
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "message", "settled"),
    [
        ("pulse,current_a\n1,4.5e-8\n2,5e-8\n", "at which voltage they were read", Options(voltage=0.1)),
        ("pulse,Resistance\n1,2\n2,1.6\n", "has no unit, and its numbers, up to 2,", Options(unit="Mohm")),
        ("Conductance\n0.45\n0.51\n", "has no unit, and its numbers, up to 0.51,", Options(unit="uS")),
        ("Conductance (?S)\n0.45\n0.51\n", "has the unit '?S', which is not known here", Options(unit="uS")),
        ("Conductance (a.u.)\n0.45\n0.51\n", "holds shares or an arbitrary unit", Options(unit="uS")),
        ("value\n0.45\n0.51\n", "the name says neither conductance nor resistance nor current", Options(unit="uS")),
        ("0,451\n1,477\n", "line 1 can be read as 0.451 by", Options(separator="none", decimal=",", unit="uS")),
        ("n;G (nS)\n1;4.508\n2;5.100\n", "4.508 may be 4.508 or 4508", Options(decimal=".")),
        ("n;G (nS)\n1;4,508\n2;5,100\n", "4,508 may be 4.508 or 4508", Options(decimal=",")),
        ("G (uS),R (Mohm),G2 (uS)\n0.45,2,0.5\n0.5,1.9,0.6\n", "may each be the curve", Options(column=("G (uS)",))),
        ("G (S)\n6e-7\n5e-7\n4e-7\n", "holds no potentiation curve: its 3 conductances fall", Options(down=3)),
    ],
)
def test_what_a_file_leaves_open_is_asked_in_one_sentence_and_settled_by_its_option(read, text, message, settled):
    with pytest.raises(CurveUnclear, match=re.escape(message)) as question:
        read(text)
    assert "`crossbar-hil curve " in str(question.value)
    assert "--to my_chip.csv`" in str(question.value)
    assert len(read(text, settled)[0].levels_siemens) >= 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no data"),
        ("\n\n  \n", "holds no data"),
        ("# only a comment\n", "holds no data"),
        ("\ufeff", "holds no data"),
        ("Conductance (S)\n", "holds no numbers"),
        ("G\n4.5e-7\n", "at least 2 needed"),
        ("Conductance (S)\n4.5e-7\n", "at least 2 needed"),
        (TABLE, "holds a header and no data"),
        (TABLE + "potentiation,2,0.05,1,4.5e-7\n", "at least 2 needed"),
    ],
)
def test_a_file_without_a_curve_is_refused_by_name(read, text, message):
    with pytest.raises(DataError, match=message) as refusal:
        read(text)
    assert "curve.csv" in str(refusal.value)


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n\x00\xff", b"\xff\xfe4\x00.\x005", b"4.5\x00\x01\x02", bytes(range(256))]
)
def test_a_binary_file_is_refused_as_one(read, content):
    with pytest.raises(DataError, match="is not a text file"):
        read(content)


def test_a_binary_file_that_happens_to_be_text_is_refused(read):
    with pytest.raises(DataError):
        read(b"\x00\x01,\x02\n\x03,\x04\n")


def test_a_field_without_end_is_refused(read):
    with pytest.raises(DataError):
        read("1" * 200_000 + ",1\n")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv cannot be read: No such file"):
        read_curves(tmp_path / "none.csv")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_curves(tmp_path)


# ---------------------------------------------------------------------- tables


def test_a_table_gives_each_curve_its_pulse_in_the_order_of_the_file(read):
    curves = read(
        TABLE + "potentiation,2,0.05,1,4.5e-7\npotentiation,2,0.05,2,5e-7\n"
        "depression,-2.8,0.01,1,3.9e-7\ndepression,-2.8,0.01,2,1e-7\n"
    )
    assert [curve.pulse for curve in curves] == [Pulse(2.0, 0.05), Pulse(-2.8, 0.01)]
    assert [curve.levels_siemens for curve in curves] == [(4.5e-7, 5e-7), (3.9e-7, 1e-7)]


def test_columns_of_a_table_are_found_by_name_and_others_ignored(read):
    (curve,) = read(
        "note,pulse,conductance_siemens,width_s,uncertainty_siemens,polarity,amplitude_v\n"
        "a,1,4.5e-7,0.05,9,potentiation,2\nb,2,5e-7,0.05,9,potentiation,2\n"
    )
    assert curve.pulse == Pulse(2.0, 0.05)
    assert curve.levels_siemens == (4.5e-7, 5e-7)


def test_curves_of_a_table_may_be_interleaved(read):
    first, second = read(
        TABLE + "potentiation,2,0.05,1,4e-7\npotentiation,2,0.01,1,4.1e-7\n"
        "potentiation,2,0.05,2,5e-7\npotentiation,2,0.01,2,5.1e-7\n"
    )
    assert (first.levels_siemens, second.levels_siemens) == ((4e-7, 5e-7), (4.1e-7, 5.1e-7))


FIRST = "potentiation,2,0.05,1,4.5e-7\n"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (TABLE.replace("conductance_siemens", "conductance_us") + FIRST, 1, "no column conductance_siemens in"),
        (TABLE + FIRST + "potentiation,2,0.05,3,5e-7\n", 3, "pulse number 3, expected 2; the curve must have no gap"),
        (TABLE + FIRST + "potentiation,2,0.05,1,5e-7\n", 3, "pulse number 1, expected 2"),
        (TABLE + "potentiation,2,0.05,0,5e-7\n", 2, "pulse number 0, expected 1"),
        (TABLE + FIRST + "\n" + FIRST, 3, "an empty line leaves a gap"),
        (TABLE + "# note\n" + FIRST + "potentiation,2,0.05,2\n", 4, "4 columns, the header has 5"),
        (TABLE + "potentiation,-2,0.05,1,5e-7\n", 2, "potentiation by -2 V; potentiation is positive"),
        (TABLE + "depression,2,0.05,1,5e-7\n", 2, "depression by 2 V; potentiation is positive, depression negative"),
        (TABLE + "up,2,0.05,1,5e-7\n", 2, "up by 2 V"),
        (TABLE + "potentiation,2,0,1,5e-7\n", 2, "pulse width 0.0 s must be finite and above zero"),
        (TABLE + "depression,0,0.05,1,5e-7\n", 2, "pulse amplitude 0.0 V must be finite and not zero"),
        (TABLE + "potentiation,two,0.05,1,5e-7\n", 2, "amplitude_v 'two' is not a number"),
        (TABLE + "potentiation,2,50 ms,1,5e-7\n", 2, "width_s '50 ms' is not a number"),
        (TABLE + FIRST + "potentiation,2,0.05,2,-5e-7\n", 3, "conductance -5e-07 S is negative"),
        (TABLE + FIRST + "potentiation,2,0.05,2,0.5\n", 3, "conductance 0.5 S exceeds 0.1 S"),
    ],
)
def test_a_wrong_line_of_a_table_is_refused_with_its_number(read, text, line, message):
    with pytest.raises(DataError) as refusal:
        read(text)
    assert f"curve.csv, line {line}: " in str(refusal.value)
    assert message in str(refusal.value)
