import pytest

from crossbar_hil.sim_backend.emulation.scpi import kinds
from crossbar_hil.sim_backend.emulation.scpi.instrument import EmulatedScpiInstrument
from crossbar_hil.sim_backend.emulation.scpi.stored import Row, commands

ROWS = (
    Row(":WAIT:GAIN", kinds.number(0.0, 10.0, 1.0, unit="V")),
    Row(":LINE{1-4}:STATe", kinds.FLAG, True, kept=True),
    Row(":LINE{1-4}:USE", kinds.choices("INPut", "OUTPut"), "OUTP"),
    Row(":LABel", kinds.text(4)),
    Row(":SORT", kinds.in_order("VOLTage", "CURRent", "TIME"), ("TIME",)),
    Row(":CLEan", kinds.ACTION),
    Row(":OPTion", kinds.CONSTANT, "0"),
)


class Box(EmulatedScpiInstrument):
    commands = commands(ROWS)
    accepts_units = True

    def reset(self):
        self.stored = {}


@pytest.fixture
def box(talk):
    return talk(Box)


def test_a_row_answers_its_default_and_then_what_was_set(box):
    assert box.ask(":WAIT:GAIN?;:LINE3:STAT?;:LAB?;:SORT?;:OPT?") == '+1.000000E+00;1;"";TIME;0'
    box.say(":WAIT:GAIN 20 mV", ":LINE3:STAT OFF", ":LINE2:USE OUTP,INP", ":LAB 'a\"b'", ":SORT TIME,VOLT", ":CLE")
    assert box.ask(":WAIT:GAIN?;:LINE3:STAT?;:LAB?;:SORT?") == '+2.000000E-02;0;"a""b";VOLT,TIME'
    assert box.ask(":LINE2:STAT?;:LINE2:USE?;:LINE1:USE?") == "1;OUTP,INP;OUTP"
    assert box.error() == 0


def test_a_number_answers_for_its_bounds_by_name(box):
    assert box.ask(":WAIT:GAIN? MIN;:WAIT:GAIN? MAX;:WAIT:GAIN? DEF") == "+0.000000E+00;+1.000000E+01;+1.000000E+00"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (":WAIT:GAIN 11", -222),
        (":WAIT:GAIN? 3", -224),
        (":WAIT:GAIN", -109),
        (":LINE5:STAT 1", -114),
        (":LINE1:USE BOTH", -141),
        (":LAB 'abcde'", -223),
        (":LAB? MIN", -108),
        (":CLE 1", -108),
        (":CLE?", -113),
        (":OPT 1", -113),
    ],
)
def test_what_does_not_fit_a_row_is_refused(box, message, code):
    assert box.refused(message) == code


def test_reset_forgets_what_is_not_kept(box):
    box.say(":WAIT:GAIN 3", ":LINE1:STAT OFF", "*RST")
    assert box.ask(":WAIT:GAIN?;:LINE1:STAT?") == "+1.000000E+00;0"
