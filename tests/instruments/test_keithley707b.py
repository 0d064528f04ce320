"""The 707B and 708B matrices: the exact lines on the wire, and how relays are counted."""

import pytest
from pymeasure.test import expected_protocol

from crossbar_hil.errors import ConfigError, GarbledReply, InstrumentError
from crossbar_hil.instruments.keithley707b import Keithley707B, Keithley708B

ASK = 'print(channel.getclose("allslots"))'
BOTH = 'print(errorqueue.count, channel.getclose("allslots"))'
NEXT = "print(errorqueue.next())"
NO_ERROR = "0.00000e+00\tQueue Is Empty\t0.00000e+00\t1.00000e+00"
PREPARED = [
    ("localnode.prompts=0 localnode.showerrors=0 errorqueue.clear()", None),
    (ASK, "nil"),
    ('channel.open("allslots") channel.connectrule=1 delay(0.004000)', None),
    (BOTH, "0.00000e+00\tnil"),
    ("print(channel.connectrule)", "1.00000e+00"),
]


def matrix(*pairs, model=Keithley707B):
    return expected_protocol(model, list(pairs), name="matrix")


def closes(*names):
    return (f'channel.exclusiveclose("{",".join(names)}") delay(0.004000)', None)


@pytest.mark.parametrize(
    ("slot", "port", "line", "name"), [(1, "A", 5, "1A05"), (6, "h", 12, "6H12"), (2, "3", 1, "2C01")]
)
def test_a_crosspoint_is_slot_letter_and_two_digits(slot, port, line, name):
    with matrix() as box:
        assert box.crosspoint(slot, port, line) == name


@pytest.mark.parametrize(
    ("model", "slot", "port", "line", "word"),
    [
        (Keithley707B, 7, "A", 1, "slot 7: slots are 1 to 6"),
        (Keithley707B, 0, "A", 1, "slot 0"),
        (Keithley708B, 2, "A", 1, "slots are 1 to 1"),
        (Keithley707B, 1, "I", 1, "row 9: rows are 1 to 8"),
        (Keithley707B, 1, "A", 13, "columns are 1 to 12"),
        (Keithley707B, 1, "A", 0, "column 0"),
        (Keithley707B, 1, "", 1, "port ''"),
    ],
)
def test_a_crosspoint_that_the_model_lacks_is_refused(model, slot, port, line, word):
    with matrix(model=model) as box, pytest.raises(ConfigError, match=word):
        box.crosspoint(slot, port, line)


def test_prepare_opens_every_relay_and_sets_break_before_make():
    with matrix(*PREPARED) as box:
        box.prepare()
        assert box.operations == 0


def test_prepare_counts_the_relays_that_it_opens():
    pairs = list(PREPARED)
    pairs[1] = (ASK, "1A01;1B02")
    with matrix(*pairs) as box:
        box.prepare()
        assert box.operations == 2


def test_another_connect_rule_is_an_error():
    pairs = [*PREPARED[:-1], ("print(channel.connectrule)", "2.00000e+00")]
    with matrix(*pairs) as box, pytest.raises(InstrumentError, match="connect rule 2"):
        box.prepare()


def test_connect_is_one_exchange_and_counts_what_moves():
    with matrix(
        *PREPARED,
        closes("1A01", "1B02"),
        (BOTH, "0.00000e+00\t1A01;1B02"),
        closes("1A01", "1C03"),
        (BOTH, "0.00000e+00\t1A01;1C03"),
        closes("1A01", "1C03"),
        (BOTH, "0.00000e+00\t1A01;1C03"),
        ('channel.open("allslots") delay(0.004000)', None),
        (BOTH, "0.00000e+00\tnil"),
    ) as box:
        box.prepare()
        moved = []
        for names in (["1B02", "1a01"], ["1A01", "1C03"], ["1A01", "1C03"], []):
            box.connect(names)
            moved.append(box.operations)
    assert moved == [2, 4, 4, 6]


def test_a_refused_connect_is_an_error_and_the_state_is_read_back_before_the_next():
    with matrix(
        *PREPARED,
        closes("1A01"),
        (BOTH, "1.00000e+00\tnil"),
        (NEXT, "1.11500e+03\tParameter error\t2.00000e+01\t1.00000e+00"),
        (NEXT, NO_ERROR),
        (ASK, "1H12"),
        closes("1A01"),
        (BOTH, "0.00000e+00\t1A01"),
    ) as box:
        box.prepare()
        with pytest.raises(InstrumentError, match="1115"):
            box.connect(["1A01"])
        box.connect(["1A01"])
        assert box.operations == 2


def test_relays_that_read_back_otherwise_are_an_error():
    with matrix(*PREPARED, closes("1A01"), (BOTH, "0.00000e+00\t1A01;1B01")) as box:
        box.prepare()
        with pytest.raises(InstrumentError, match="1A01, 1B01 closed"):
            box.connect(["1A01"])


@pytest.mark.parametrize("name", ["", "A05", "1A5", "1105", "7A01", "1I01", "1A13", "1A01,1A02", '1A01")'])
def test_a_name_that_is_no_crosspoint_is_refused_before_anything_is_sent(name):
    with matrix() as box, pytest.raises(ConfigError):
        box.connect(["1A01", name])


def test_disconnect_writes_only():
    with matrix(*PREPARED, closes("1A01"), (BOTH, "0.00000e+00\t1A01"), ('channel.open("allslots")', None)) as box:
        box.prepare()
        box.connect(["1A01"])
        box.disconnect_all()
        assert box.operations == 2


@pytest.mark.parametrize(
    ("reply", "names"),
    [
        ("nil", set()),
        ("1A01", {"1A01"}),
        ("1A01;1B02", {"1A01", "1B02"}),
        ("1A01, 1B02", {"1A01", "1B02"}),
        ("1A01,1B02;6H12", {"1A01", "1B02", "6H12"}),
    ],
)
def test_closed_relays_are_read(reply, names):
    with matrix((ASK, reply)) as box:
        assert box.connected() == names


@pytest.mark.parametrize("reply", ["0.00000e+00", "true", "1A01;;", "1A01\t1A02", "TSP>"])
def test_an_answer_that_is_no_list_of_relays_is_garbled(reply):
    with matrix((ASK, reply)) as box, pytest.raises(GarbledReply, match="matrix"):
        box.connected()


def test_a_list_too_long_for_a_line_is_opened_first_and_then_closed():
    names = [f"{slot}{row}{column:02d}" for slot in (1, 2, 3) for row in "ABCDEFGH" for column in range(1, 13)]
    parts = [names[:180], names[180:]]
    with matrix(
        (ASK, "6H12"),
        ('channel.open("6H12") delay(0.004000)', None),
        (BOTH, "0.00000e+00\tnil"),
        (f'channel.close("{",".join(parts[0])}") delay(0.004000)', None),
        (BOTH, f"0.00000e+00\t{';'.join(parts[0])}"),
        (f'channel.close("{",".join(parts[1])}") delay(0.004000)', None),
        (BOTH, f"0.00000e+00\t{';'.join(names)}"),
    ) as box:
        box.connect(names)
        assert box.operations == 1 + len(names)
        assert max(len(line) for line, _ in box.adapter.comm_pairs) < 1000


def test_the_extra_settling_time_is_the_users():
    with expected_protocol(
        Keithley707B,
        [(ASK, "nil"), ('channel.exclusiveclose("1A01")', None), (BOTH, "0.00000e+00\t1A01")],
        name="matrix",
        settle_s=0,
    ) as box:
        box.connect(["1A01"])


def test_the_driver_reads_a_box_of_pyvisa_sim(tmp_path):
    description = tmp_path / "matrix.yaml"
    description.write_text(
        r"""
spec: "1.0"
devices:
  matrix:
    eom:
      GPIB INSTR:
        q: "\n"
        r: "\n"
    error: ERROR
    dialogues:
      - q: "*IDN?"
        r: "KEITHLEY INSTRUMENTS INC.,MODEL 707B,1234567,01.10b"
      - q: 'print(channel.getclose("allslots"))'
        r: "1A01;1B02"
resources:
  GPIB0::16::INSTR:
    device: matrix
"""
    )
    box = Keithley707B.open("GPIB0::16::INSTR", name="matrix", visa=f"{description}@sim")
    assert box.identify().model == "707B"
    assert box.connected() == {"1A01", "1B02"}
    box.close()
