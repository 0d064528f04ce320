"""The 707B and 708B matrices: the exact lines on the wire, and how relays are counted."""

import re

import pytest
from pymeasure.test import expected_protocol

from crossbar_hil.errors import ConfigError, GarbledReply, InstrumentError
from crossbar_hil.instruments.keithley707b import Keithley707B, Keithley708B

ASK = 'print(channel.getclose("allslots"))'
NEXT = "print(errorqueue.next())"
NO_ERROR = "0.00000e+00\tQueue Is Empty\t0.00000e+00\t1.00000e+00"
MOVED = 'print(channel.getclose("allslots"), errorqueue.count)'


def moved(*actions, closed, errors=0):
    return " ".join([*actions, MOVED]), f"{closed}\t{errors:.5e}"


CARDS = "print(slot[1].idn, slot[2].idn, slot[3].idn, slot[4].idn, slot[5].idn, slot[6].idn)"
HELD = "7174,8x12 Low Current Matrix,01.00a,1000001"
SET = {
    "localnode.prompts=0": ("print(localnode.prompts)", "0.00000e+00"),
    "localnode.showerrors=0": ("print(localnode.showerrors)", "0.00000e+00"),
    "channel.connectrule=1": ("print(channel.connectrule)", "1.00000e+00"),
    "channel.connectsequential=0": ("print(channel.connectsequential)", "0.00000e+00"),
    'channel.setdelay("allslots", 0)': ('print(channel.getdelay("allslots"))', ",".join(["0.00000e+00"] * 96)),
}
BEGUN = [
    ("localnode.prompts=0", None),
    ("localnode.showerrors=0", None),
    (NEXT, NO_ERROR),
    (CARDS, "\t".join([HELD, *["Empty Slot"] * 5])),
]
WRITTEN = [
    pair for line, read in SET.items() for pair in ((line, None), ("print(errorqueue.count)", "0.00000e+00"), read)
]
PREPARED = [
    *BEGUN,
    *WRITTEN,
    (ASK, "nil"),
    moved('channel.open("allslots")', closed="nil"),
]


def matrix(*pairs, model=Keithley707B):
    return expected_protocol(model, list(pairs), name="matrix")


def closes(*names):
    return f'channel.close("{",".join(names)}")'


def opens(*names):
    return f'channel.open("{",".join(names)}")'


@pytest.mark.parametrize(
    ("slot", "port", "line", "name"), [(1, "A", 5, "1A05"), (6, "h", 12, "6H12"), (2, "3", 1, "2C01")]
)
def test_a_crosspoint_is_slot_letter_and_two_digits(slot, port, line, name):
    with matrix() as box:
        assert box.crosspoint(slot, port, line) == name


@pytest.mark.fault("R7")
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
    pairs[pairs.index((ASK, "nil"))] = (ASK, "1A01;1B02")
    with matrix(*pairs) as box:
        box.prepare()
        assert box.operations == 2


def test_a_slot_with_a_pseudocard_is_refused_because_it_has_no_relays():
    cards = "\t".join([HELD, "7174,Pseudo 7174,00.00a,????????", *["Empty Slot"] * 4])
    with matrix(*BEGUN[:-1], (CARDS, cards)) as box, pytest.raises(InstrumentError, match="pseudocard in slot 2"):
        box.prepare()


@pytest.mark.parametrize("place", range(len(SET)))
def test_a_setting_that_reads_back_otherwise_is_named(place):
    line, (query, _) = list(SET.items())[place]
    pairs = [*BEGUN, *WRITTEN[: 3 * place + 2], (query, "2.00000e+00")]
    with matrix(*pairs) as box, pytest.raises(InstrumentError, match=re.escape(f"set by {line} but reads back 2.0")):
        box.prepare()


def test_relays_that_stay_closed_are_an_error():
    with (
        matrix(*PREPARED[:-1], moved(opens("allslots"), closed="1H12")) as box,
        pytest.raises(InstrumentError, match="1H12 closed, expected"),
    ):
        box.prepare()


def test_what_is_not_wanted_opens_before_anything_closes_and_what_moves_is_counted():
    with matrix(
        *PREPARED,
        moved(closes("1A01", "1B02"), closed="1A01;1B02"),
        moved(opens("1B02"), closes("1C03"), closed="1A01;1C03"),
        moved(closed="1A01;1C03"),
        moved(opens("1A01", "1C03"), closed="nil"),
    ) as box:
        box.prepare()
        counted = []
        for names in (["1B02", "1a01"], ["1A01", "1C03"], ["1A01", "1C03"], []):
            box.connect(names)
            counted.append(box.operations)
    assert counted == [2, 4, 4, 6]


@pytest.mark.fault("R6", "R7")
def test_a_refused_connect_is_an_error_and_the_state_is_read_back_before_the_next():
    with matrix(
        *PREPARED,
        moved(closes("1A01"), closed="nil", errors=1),
        (NEXT, "1.11500e+03\tParameter error\t2.00000e+01\t1.00000e+00"),
        (NEXT, NO_ERROR),
        (ASK, "1H12"),
        moved(opens("1H12"), closes("1A01"), closed="1A01"),
    ) as box:
        box.prepare()
        with pytest.raises(
            InstrumentError, match=re.escape("""1115 (Parameter error) after 'channel.close("1A01")'""")
        ):
            box.connect(["1A01"])
        box.connect(["1A01"])
        assert box.operations == 2


@pytest.mark.fault("R6")
def test_relays_that_read_back_otherwise_are_an_error():
    with matrix(*PREPARED, moved(closes("1A01"), closed="1A01;1B01")) as box:
        box.prepare()
        with pytest.raises(InstrumentError, match="1A01, 1B01 closed"):
            box.connect(["1A01"])


@pytest.mark.parametrize("name", ["", "A05", "1A5", "1105", "7A01", "1I01", "1A13", "1A01,1A02", '1A01")'])
def test_a_name_that_is_no_crosspoint_is_refused_before_anything_is_sent(name):
    with matrix() as box, pytest.raises(ConfigError):
        box.connect(["1A01", name])


def test_disconnect_writes_only():
    with matrix(*PREPARED, moved(closes("1A01"), closed="1A01"), (opens("allslots"), None)) as box:
        box.prepare()
        box.connect(["1A01"])
        box.disconnect_all()
        assert box.operations == 2


def test_shutdown_opens_every_relay():
    with matrix((opens("allslots"), None)) as box:
        box.shutdown()


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


@pytest.mark.fault("T20")
def test_a_list_too_long_for_a_line_is_opened_first_and_then_closed():
    names = [f"{slot}{row}{column:02d}" for slot in (1, 2, 3) for row in "ABCDEFGH" for column in range(1, 13)]
    parts = [names[:180], names[180:]]
    with matrix(
        (ASK, "6H12"),
        (f"{opens('6H12')} {closes(*parts[0])}", None),
        moved(closes(*parts[1]), closed=";".join(names)),
    ) as box:
        box.connect(names)
        assert box.operations == 1 + len(names)
        assert max(len(line) for line, _ in box.adapter.comm_pairs) < 1000


@pytest.mark.fault("R3", "R4")
def test_the_extra_settling_time_is_the_users():
    with expected_protocol(
        Keithley707B,
        [(ASK, "nil"), moved(closes("1A01"), "delay(0.010000)", closed="1A01")],
        name="matrix",
        settle_s=0.01,
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
