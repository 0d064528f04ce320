"""The 3706A: what differs from the 707B on the wire."""

import pytest
from pymeasure.test import expected_protocol

from crossbar_hil.errors import ConfigError
from crossbar_hil.instruments.keithley3706a import Keithley3706A

ASK = 'print(channel.getclose("allslots"))'


def matrix(*pairs):
    return expected_protocol(Keithley3706A, list(pairs), name="matrix")


@pytest.mark.parametrize(
    ("slot", "port", "line", "name"), [(1, "A", 5, "1105"), (6, "6", 16, "6616"), (3, "2", 1, "3201")]
)
def test_a_crosspoint_is_slot_row_number_and_two_digits(slot, port, line, name):
    with matrix() as box:
        assert box.crosspoint(slot, port, line) == name


@pytest.mark.parametrize(("slot", "port", "line"), [(7, "A", 1), (1, "G", 1), (1, "7", 1), (1, "A", 17)])
def test_a_crosspoint_that_the_card_lacks_is_refused(slot, port, line):
    with matrix() as box, pytest.raises(ConfigError, match="matrix has no"):
        box.crosspoint(slot, port, line)


def test_crosspoints_are_closed_in_one_list():
    with matrix(
        (ASK, "nil"),
        (
            'channel.close("1105,1206") print(channel.getclose("allslots"), errorqueue.count)',
            "1105;1206\t0.00000e+00",
        ),
    ) as box:
        box.connect(["1206", "1105"])
        assert box.operations == 2


@pytest.mark.parametrize("name", ["1A05", "1705", "1100", "1117", "11055", "1911"])
def test_a_name_that_is_no_crosspoint_is_refused(name):
    with matrix() as box, pytest.raises(ConfigError):
        box.connect([name])


@pytest.mark.parametrize(
    ("reply", "names"),
    [
        ("nil", set()),
        ("1105;1206", {"1105", "1206"}),
        ("1105,1911", {"1105", "1911"}),
        ("5003(5033);5101", {"5003", "5033", "5101"}),
    ],
)
def test_closed_relays_are_read_in_both_styles_of_the_manual(reply, names):
    with matrix((ASK, reply)) as box:
        assert box.connected() == names


def test_the_identity_of_a_real_box_is_taken_apart():
    with matrix(("*IDN?", "KEITHLEY INSTRUMENTS INC.,MODEL 3706A-SNFP,04447336,01.56a")) as box:
        assert box.identify().model == "3706A-SNFP"
