from importlib import resources

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import ConfigError
from crossbar_hil.sim_backend.emulation.bench import EmulatedBench
from crossbar_hil.sim_backend.emulation.models.keysight34980a.model import EmulatedKeysight34980A


@pytest.fixture
def matrix(world):
    return EmulatedKeysight34980A(world, "matrix", installed=(1, 2))


def ask(matrix, message):
    return matrix.receive(message).decode().rstrip("\n")


def test_a_channel_is_slot_row_and_two_digits_of_column(world, matrix):
    assert matrix.receive("ROUT:CLOS (@1203)") == b""
    assert world.closed("matrix") == {("matrix.row.1.2", "matrix.column.1.3")}


def test_the_second_matrix_of_a_module_has_columns_of_its_own(world, matrix):
    matrix.receive("ROUT:CLOS (@2503)")
    assert world.closed("matrix") == {("matrix.row.2.5", "matrix.column.2.19")}


@pytest.mark.parametrize("rows", ["124", "568"])
def test_the_chip_hangs_on_that_of_the_two_matrices_which_the_ports_are_on(tmp_path, rows):
    text = (resources.files("crossbar_hil.data") / "benches" / "emulated.toml").read_text(encoding="utf-8")
    ports = dict(zip("ABC", rows, strict=True))
    for old, new in {"keithley707b": "keysight34980a", **{f'"{a}"': f'"{b}"' for a, b in ports.items()}}.items():
        text = text.replace(old, new)
    (tmp_path / "lab.toml").write_text(text, encoding="utf-8")
    bench = EmulatedBench(load_bench(str(tmp_path / "lab.toml")), np.random.default_rng(1))
    drive, meter, ground = rows
    lines = ",".join((f"1{drive}01", f"1{meter}05", f"1{ground}02:1{ground}04", f"1{ground}06:1{ground}08"))
    assert bench.instruments["matrix"].receive(f"ROUT:CLOS (@{lines})") == b""
    smu = bench.instruments["smu"]
    smu.receive("for _, each in pairs({smua, smub}) do each.source.func = 1 each.source.output = 1 end")
    smu.receive("smua.source.levelv = 0.1")
    current_a = float(smu.receive("print(smub.measure.i())"))
    assert current_a == pytest.approx(-0.1 * bench.world.chip.conductances[0, 0], rel=1e-3)


def test_close_open_and_their_queries(matrix):
    matrix.receive("ROUT:CLOS (@1103,1204)")
    assert ask(matrix, "ROUT:CLOS? (@1102:1104,1204);:ROUT:OPEN? (@1103,1101)") == "0,1,0,1;0,1"
    matrix.receive("ROUT:OPEN (@1103)")
    assert ask(matrix, "ROUT:CLOS? (@1103,1204)") == "0,1"


def test_exclusive_close_opens_the_modules_of_the_list_first_and_only_those(world, matrix):
    matrix.receive("ROUT:CLOS (@1101,1102,2101)")
    start = len(world.log.of("relays"))
    before = world.clock.now()
    matrix.receive("ROUT:CLOS:EXCL (@1102,1205)")
    moves = world.log.of("relays")[start:]
    assert [(len(each["opened"]), len(each["closed"])) for each in moves] == [(2, 0), (0, 2)]
    assert ask(matrix, "ROUT:CLOS? (@1101,1102,1205,2101)") == "0,1,1,1"
    assert world.clock.now() - before == pytest.approx(8e-3)


def test_open_all_takes_a_slot(matrix):
    matrix.receive("ROUT:CLOS (@1101,2101)")
    matrix.receive("ROUT:OPEN:ALL 2")
    assert ask(matrix, "ROUT:CLOS? (@1101,2101)") == "1,0"
    matrix.receive("ROUT:OPEN:ALL")
    assert ask(matrix, "ROUT:CLOS? (@1101,2101)") == "0,0"


@pytest.mark.parametrize("wrong", ["1117", "1901", "1100", "3101", "0101", "110", "11011", "1!1!1", "1105:1101"])
def test_with_an_illegal_channel_no_relay_moves(world, matrix, wrong):
    matrix.receive(f"ROUT:CLOS (@1101,{wrong})")
    assert not world.closed("matrix")
    assert ask(matrix, ":SYST:ERR?;*ESR?") == '-222,"Parameter data out of range";144'


def test_slots_say_what_they_hold(matrix):
    assert ask(matrix, "SYST:CTYP? 1").startswith("Agilent Technologies,34932A,")
    assert ask(matrix, "SYST:CTYP? 3").split(",")[1] == "0"


def test_relay_cycles_are_counted_and_can_be_cleared(matrix):
    for _ in range(2):
        matrix.receive("ROUT:CLOS (@1101);:ROUT:OPEN:ALL")
    assert ask(matrix, "DIAG:REL:CYCL? (@1101,1102)") == "+2,+0"
    matrix.receive("DIAG:REL:CYCL:CLE (@1101,1102)")
    assert ask(matrix, "DIAG:REL:CYCL? (@1101)") == "+0"


def test_the_settling_time_is_an_option(world):
    matrix = EmulatedKeysight34980A(world, "slow", settle_s=0.02)
    matrix.receive("ROUT:CLOS (@8101)")
    assert world.clock.now() == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("model", "channel", "row", "column"),
    [
        # 34934A user's guide, page 168: each layout numbers its crosspoints row by row from 101.
        ("34934A-4x128", 101, 1, 1),
        ("34934A-4x128", 301, 2, 1),
        ("34934A-4x128", 828, 4, 128),
        ("34934A-8x64", 203, 2, 3),
        ("34934A-8x64", 864, 8, 64),
        ("34934A-16x32", 151, 2, 1),
        ("34934A-16x32", 882, 16, 32),
    ],
)
def test_a_34934a_counts_channels_by_its_layout(world, model, channel, row, column):
    matrix = EmulatedKeysight34980A(world, "matrix", modules={3: model})
    matrix.receive(f"ROUT:CLOS (@3{channel})")
    assert world.closed("matrix") == {(f"matrix.row.3.{row}", f"matrix.column.3.{column}")}
    assert ask(matrix, f"ROUT:CLOS? (@3{channel})") == "1"


@pytest.mark.parametrize(
    ("model", "wrong"), [("34934A-4x128", 229), ("34934A-8x64", 165), ("34934A-16x32", 133), ("34931A", 109)]
)
def test_a_channel_beyond_the_columns_of_its_module_is_refused(world, model, wrong):
    matrix = EmulatedKeysight34980A(world, "matrix", modules={1: model})
    matrix.receive(f"ROUT:CLOS (@1{wrong})")
    assert ask(matrix, "SYST:ERR?").startswith("-222,")


def test_a_frame_cannot_hold_an_unknown_module(world):
    with pytest.raises(ConfigError, match="slot 1 cannot hold '34000X'"):
        EmulatedKeysight34980A(world, "matrix", modules={1: "34000X"})


def test_channels_921_and_922_reach_the_analog_bus(world, matrix):
    matrix.receive("ROUT:CLOS (@1921,2922)")
    assert world.closed("matrix") == {("matrix.row.1.5", "matrix.abus.1"), ("matrix.row.2.6", "matrix.abus.2")}
    matrix.receive("ROUT:OPEN:ABUS 1")
    assert ask(matrix, "ROUT:CLOS? (@1921,2922)") == "0,1"
    matrix.receive("ROUT:OPEN:ABUS ALL")
    assert ask(matrix, "ROUT:CLOS? (@2922)") == "0"


def test_a_channel_delay_passes_when_its_relay_closes(world, matrix):
    matrix.receive("ROUT:CHAN:DEL 0.5,(@1101:1103)")
    assert ask(matrix, "ROUT:CHAN:DEL? (@1103,1104)") == "+5.000000E-01,+0.000000E+00"
    matrix.receive("ROUT:CLOS (@1102)")
    assert world.clock.now() == pytest.approx(0.504)
    matrix.receive("ROUT:OPEN (@1102)")
    assert world.clock.now() == pytest.approx(0.508)


def test_only_a_34934a_has_row_protection(world):
    matrix = EmulatedKeysight34980A(world, "matrix", modules={1: "34932A", 2: "34934A-8x64"})
    matrix.receive("SYST:MOD:ROW:PROT 2,FIX")
    assert ask(matrix, "SYST:MOD:ROW:PROT? 2;:SYST:MOD:TERM:TYPE? 2;:SYST:CTYP? 2").split(",")[1] == "34934A-8x64"
    assert ask(matrix, "SYST:MOD:ROW:PROT? 2") == "FIX"
    matrix.receive("SYST:MOD:ROW:PROT 1,FIX")
    assert ask(matrix, "SYST:ERR?").startswith("-241,")


def test_clock_and_display_outlive_a_reset(matrix):
    matrix.receive("SYST:DATE 2020,1,2;:SYST:TIME 10,20,30;:DISP:TEXT 'busy';*RST")
    assert ask(matrix, "SYST:DATE?;TIME?;:DISP:TEXT?") == '+2020,+01,+02;10,20,30.000;"busy"'
    matrix.receive("DISP:TEXT:CLE")
    assert ask(matrix, "DISP:TEXT?") == '""'


@pytest.mark.parametrize(
    "message",
    [
        "SYST:COMM:LAN:DHCP?",
        "MEM:STAT:NAME 1,one",
        "CAL:SEC:STAT OFF",
        "INST:DMM:CONN",
        "ROUT:SEQ:CAT?",
        "ROUT:CHAN:LAB? (@2101)",
    ],
)
def test_what_no_crossbar_lab_touches_is_an_undefined_header(matrix, message):
    matrix.receive(message)
    assert ask(matrix, "SYST:ERR?").startswith("-113,")
