"""The drivers against simulators that nobody of this project wrote; how to have those: foreign_simulators.txt.

Two kinds. Those of labmcp-keithley-smu (a 2400, a 2450 and a 2602B, 1 kOhm at each channel) keep state and have
physics, but know few commands. Those of QCoDeS are files for pyvisa-sim, with properties and fixed answers. What a
simulator does not know, the drivers refuse by name; with a memory for it (`Remembering`) they work it to the end.
"""

import re
import socketserver
import sys
import threading
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import yaml
from pydantic import ValidationError

from crossbar_hil.backend import Pulse
from crossbar_hil.bench.file import Bench
from crossbar_hil.bench.instruments import find_resources
from crossbar_hil.errors import DeadlineError, GarbledReply, InstrumentError, LimitError
from crossbar_hil.instrument import SourceSettings
from crossbar_hil.instruments.keithley2400 import Keithley2400
from crossbar_hil.instruments.keithley2450 import Keithley2450
from crossbar_hil.instruments.keithley2600 import Keithley2602B
from crossbar_hil.instruments.keithley3706a import Keithley3706A
from crossbar_hil.instruments.keysight34980a import Keysight34980A
from crossbar_hil.instruments.keysightb2200a import KeysightB2200A
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend
from crossbar_hil.sim_backend.emulation.models.keithley2400 import model as keithley2400
from crossbar_hil.sim_backend.emulation.models.keithley2450 import model as keithley2450
from crossbar_hil.sim_backend.emulation.models.keithley2600 import model as keithley2600
from crossbar_hil.sim_backend.emulation.serving.server import InstrumentServer
from crossbar_hil.sim_backend.emulation.world.world import World

SETTINGS = SourceSettings(range_v=2.0, compliance_a=1e-4, range_a=1e-4)
SHORT_S = 0.25
"""Deadline of an exchange that is meant to run out."""
MODELS = {"2400": Keithley2400, "2450": Keithley2450, "2600": Keithley2602B}
EMULATORS = {
    "2400": keithley2400.EmulatedKeithley2400,
    "2450": keithley2450.EmulatedKeithley2450,
    "2600": keithley2600.EmulatedKeithley2602B,
}


# ---------------------------------------------------------------------- where the simulators come from


@pytest.fixture(scope="module")
def labmcp():
    """The package labmcp-keithley-smu, its simulator and its driver, without the web server that it is made for."""
    if find_spec("labmcp") is None or find_spec("labmcp_keithley_smu") is None:
        pytest.skip("labmcp-keithley-smu is not installed (tests/instruments/foreign_simulators.txt)")
    with pytest.MonkeyPatch.context() as patch:
        if find_spec("fastmcp") is None:
            package, exceptions = ModuleType("labmcp"), ModuleType("fastmcp.exceptions")
            exceptions.ToolError = RuntimeError
            package.__path__ = list(find_spec("labmcp").submodule_search_locations)
            patch.setitem(sys.modules, "fastmcp", ModuleType("fastmcp"))
            patch.setitem(sys.modules, "fastmcp.exceptions", exceptions)
            patch.setitem(sys.modules, "labmcp", package)
            for name in ("errors", "transports"):
                vars(package).update(
                    (key, value) for key, value in vars(import_module(f"labmcp.{name}")).items() if key[0] != "_"
                )
        yield import_module("labmcp_keithley_smu.simulator"), import_module("labmcp_keithley_smu.driver")


@pytest.fixture(scope="module")
def qcodes_file():
    """Where QCoDeS has its files for pyvisa-sim; the package itself is not imported."""
    found = find_spec("qcodes")
    if found is None:
        pytest.skip("qcodes is not installed (tests/instruments/foreign_simulators.txt)")
    folder = Path(found.submodule_search_locations[0]) / "instrument" / "sims"
    return lambda name: f"{folder / name}.yaml@sim"


@contextmanager
def served(answer):
    """Serve a function from a line to an answer (or None) on loopback; yields the VISA resource and the lines seen."""
    seen = []

    class Session(socketserver.StreamRequestHandler):
        def handle(self):
            for line in self.rfile:
                seen.append(line.decode("ascii").rstrip("\n"))
                reply = answer(seen[-1])
                # Whoever asked may have gone; what it said before, such as "off", is acted on all the same.
                with suppress(ConnectionError):
                    self.wfile.write(b"" if reply is None else f"{reply}\n".encode("ascii"))

    # Its end waits until every line that was sent has been acted on.
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"TCPIP0::127.0.0.1::{server.server_address[1]}::SOCKET", seen
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def driven(dialect, answer):
    with served(answer) as (resource, seen):
        driver = MODELS[dialect].open(resource, name="smu", deadline_s=2.0)
        try:
            yield driver, seen
        finally:
            driver.close()


CHOSEN = {":SYST:LFR": "50", ":OUTP:INT:STAT": "0", "localnode.linefreq": "50", "smua.source.settling": "0"}
"""What the person at the instrument chose, by how it is asked for: the drivers ask, and leave it."""


class Chosen:
    """A simulator, and what the person at the instrument chose; a message of several commands is taken apart."""

    def __init__(self, simulator):
        self.simulator = simulator
        self.errors = simulator.errors if hasattr(simulator, "errors") else simulator.error_queue
        self.memory = dict(CHOSEN)

    def handle(self, line):
        commands = line.split(";") if line[0] in ":*" else re.split(r" (?=print\()", line)
        answers = [self.answer(each) for each in commands]
        return ";".join(each for each in answers if each is not None) or None

    def answer(self, line):
        several = re.fullmatch(r"print\(([\w.()]+(?:, [\w.()]+)+)\)", line)
        if several:
            return "\t".join(str(self.answer(f"print({each})")) for each in several[1].split(", "))
        asked = re.fullmatch(r"(\S+)\?|print\((.+)\)", line)
        name = (asked[1] or asked[2]) if asked else ""
        return self.known(line) if name not in CHOSEN else self.memory[name]

    def known(self, line):
        return self.simulator.handle(line)


class Remembering(Chosen):
    """A simulator, and a memory for what it does not know: a setting is answered as it was last set.

    It knows SCPI and TSP by their form only: ``HEADER VALUE`` and ``HEADER?``, ``path=value`` and ``print(path)``.
    """

    def known(self, line):
        before = len(self.errors)
        reply = self.simulator.handle(line)
        asked = re.fullmatch(r"(\S+)\?|print\((.+)\)", line)
        told = re.fullmatch(r"(\S+) (.+)|([\w.]+)=(.+)", line)
        if told:
            self.memory[told[1] or told[3]] = told[2] or told[4]
        unknown = len(self.errors) > before and re.match(r"-113|-285|-286", self.code(self.errors[-1]))
        if not unknown:
            return reply
        self.errors.pop()
        # What a TSP box has never heard of is nil.
        return self.memory.get(asked[1] or asked[2], "nil" if asked[2] else None) if asked else None

    @staticmethod
    def code(error):
        return error.partition(",")[0] if isinstance(error, str) else str(error[0])


def core_of(simulator):
    return simulator.core if hasattr(simulator, "core") else simulator.cores["smua"]


@pytest.fixture(params=MODELS)
def dialect(request):
    return request.param


# ---------------------------------------------------------------------- simulators with physics


@pytest.fixture
def whole(labmcp, dialect):
    """A driver on a simulator with a memory; yields its channel and the physics behind it."""
    simulator = labmcp[0].make_simulator(dialect)
    with driven(dialect, Remembering(simulator).handle) as (driver, _):
        yield driver.source_meters()[0], core_of(simulator)


def test_the_model_is_read_from_its_answer(labmcp, dialect):
    with driven(dialect, labmcp[0].make_simulator(dialect).handle) as (driver, _):
        identity = driver.identify()
    assert identity.model == {"2400": "2400", "2450": "2450", "2600": "2602B"}[dialect]
    assert identity.maker.upper().startswith("KEITHLEY INSTRUMENTS")


@pytest.mark.parametrize(
    ("dialect", "line"), [("2400", ":TRAC:FEED:CONT NEV"), ("2450", ":OUTP:INT:STAT OFF"), ("2600", "smua.reset()")]
)
def test_what_a_simulator_does_not_know_is_refused_by_name_with_the_output_off(labmcp, dialect, line):
    simulator = labmcp[0].make_simulator(dialect)
    core = core_of(simulator)
    core.output = True
    with driven(dialect, Chosen(simulator).handle) as (driver, _):
        channel = driver.source_meters()[0]
        with pytest.raises(InstrumentError, match=rf"smu reports error -(113|285).* after '{re.escape(line)}'"):
            channel.prepare(SETTINGS)
        with pytest.raises(LimitError, match="prepared"):
            channel.enable()
        assert not channel.output_is_on()
    assert not core.output


def test_a_source_is_prepared_read_and_switched_off_on_physics_of_others(whole):
    channel, core = whole
    channel.prepare(SETTINGS)
    assert not core.output
    assert core.limit["CURR"] == pytest.approx(1e-4, rel=1e-9)
    assert core.source_range["VOLT"] >= 2.0
    channel.enable()
    for volt in (0.05, -0.08):
        channel.set_voltage(volt)
        reading = channel.measure()
        assert reading.current_a == pytest.approx(volt / 1000, rel=1e-3)
        assert not reading.limited
        assert not channel.limit_tripped()
    channel.set_voltage(0.0)
    assert channel.measure().current_a == pytest.approx(0, abs=1e-8)
    channel.output_off()
    assert not channel.output_is_on()
    assert not core.output
    assert core.level["VOLT"] == 0


def test_a_current_beyond_the_limit_is_seen(whole):
    channel, _ = whole
    channel.prepare(SETTINGS)
    channel.enable()
    channel.set_voltage(-1.0)
    reading = channel.measure()
    assert reading.limited
    assert reading.current_a == pytest.approx(-1e-4, rel=1e-3)
    assert channel.limit_tripped()


@pytest.mark.fault("I5")
def test_a_simulator_that_ignores_a_limit_is_refused_by_name_and_its_output_stays_off(labmcp, dialect):
    path = {"2400": ":SENS:CURR:PROT", "2450": ":SOUR:VOLT:ILIM", "2600": "smua.source.limiti"}[dialect]
    simulator = labmcp[0].make_simulator(dialect)
    remembering = Remembering(simulator)
    before = core_of(simulator).limit["CURR"]

    def answer(line):
        ignored = line.startswith((f"{path} ", f"{path}="))
        return None if ignored else remembering.handle(line)

    with driven(dialect, answer) as (driver, seen):
        channel = driver.source_meters()[0]
        with pytest.raises(InstrumentError, match=rf"smu.*{re.escape(path)} .*reads back") as error:
            channel.prepare(SourceSettings(range_v=2.0, compliance_a=5e-5, range_a=5e-5))
        assert f"{before:g}" in str(error.value) or f"{before:.6E}" in str(error.value)
        with pytest.raises(Exception, match="prepared"):
            channel.enable()
    assert not any(line in {":OUTP ON", "smua.source.output=1"} for line in seen)


def test_a_voltage_that_a_simulator_refuses_is_named(whole):
    channel, core = whole
    channel.prepare(SETTINGS)
    channel.enable()
    core.source_range["VOLT"], core.max_v = 0.01, 0.01
    with pytest.raises(InstrumentError, match=r"-22[12]|1101"):
        channel.set_voltage(1.5)
    assert core.level["VOLT"] == 0


def test_a_pulse_that_a_simulator_cannot_send_is_an_error_and_the_output_goes_off(labmcp, dialect):
    simulator = labmcp[0].make_simulator(dialect)
    with driven(dialect, Remembering(simulator).handle) as (driver, _):
        channel = driver.source_meters()[0]
        channel.prepare(SETTINGS)
        channel.enable()
        assert core_of(simulator).output
        driver.adapter.deadline_s = SHORT_S
        with pytest.raises(InstrumentError, match=r"smu|TCPIP"):
            channel.pulse(0.05, 0.05)
    assert not core_of(simulator).output


def test_the_properties_of_a_2602b_work_a_simulator_as_it_is(labmcp):
    simulator = labmcp[0].make_simulator("2600")
    with driven("2600", simulator.handle) as (driver, _):
        smu = driver.ch_b
        smu.source_mode = "voltage"
        smu.compliance_current = 1e-4
        smu.measure_nplc = 0.1
        smu.source_voltage = 0.05
        smu.source_enabled = True
        assert (smu.source_mode, smu.source_enabled) == ("voltage", True)
        assert smu.compliance_current == pytest.approx(1e-4)
        assert smu.current == pytest.approx(5e-5, rel=1e-3)
        assert smu.compliance_tripped is False
        smu.source_voltage = 1
        assert smu.compliance_tripped is True
        with pytest.raises(InstrumentError, match="error 1101"):
            smu.parent.command("smub.source.levelv=1000")
        driver.source_meters()[1].output_off()
    assert not simulator.cores["smub"].output


# ---------------------------------------------------------------------- the other way round


def test_a_driver_of_others_reads_our_emulators_as_ours_does(labmcp, dialect):
    curve = ConductanceCurve(np.array([1e-6, 2e-6]), Pulse(2.0, 0.05))
    world = World(SimulatedBackend(curve, np.zeros((4, 4)), scale=1.0))
    world.add_resistor("smu.a.hi", "lo", 1e3)
    _, driver = labmcp
    with InstrumentServer(EMULATORS[dialect](world, "smu")) as server:
        _, host, port, _ = server.resource.split("::")
        transport = sys.modules["labmcp"].open_transport(
            f"tcp://{host}:{port}", read_termination="\n", write_termination="\n", timeout=60.0
        )
        kind = {"2400": driver.Keithley2400, "2450": driver.Keithley2450, "2600": driver.Keithley2600}[dialect]
        theirs = kind(transport, transport.query("*IDN?"))
        try:
            theirs.configure("voltage", 0.05, 1e-4)
            theirs.raise_errors("configure")
            theirs.set_output(True)
            reading = theirs.read("voltage")
            theirs.set_level("voltage", 1.0)
            limited = theirs.read("voltage")
            theirs.set_output(False)
            theirs.raise_errors("reading")
            assert not theirs.output_state()
        finally:
            theirs.close()
    assert reading.voltage_v == pytest.approx(0.05, rel=1e-3)
    assert reading.current_a == pytest.approx(5e-5, rel=1e-3)
    assert not reading.in_compliance
    assert limited.in_compliance
    assert limited.current_a == pytest.approx(1e-4, rel=1e-2)
    assert not world.terminal("smu.a").on


# ---------------------------------------------------------------------- files for pyvisa-sim


@contextmanager
def simulated(kind, resource, library, name="it"):
    driver = kind.open(resource, name=name, visa=library, deadline_s=2.0)
    try:
        yield driver
    finally:
        driver.close()


@pytest.mark.parametrize(
    ("kind", "file", "resource", "model"),
    [
        (Keithley2602B, "Keithley_2600", "GPIB::2::INSTR", "2601B"),
        (Keithley3706A, "Keithley_3706A", "GPIB::6::INSTR", "3706A-SNFP"),
        (Keysight34980A, "keysight_34980A", "GPIB::1::INSTR", "34980A"),
        (KeysightB2200A, "keysight_b220x", "GPIB::1::INSTR", "B2200A"),
    ],
)
def test_the_files_of_qcodes_answer_as_their_models(qcodes_file, kind, file, resource, model):
    with simulated(kind, resource, qcodes_file(file)) as driver:
        assert driver.identify().model == model


def test_a_2602b_without_an_error_queue_is_refused_and_its_attributes_can_still_be_asked_for(qcodes_file):
    with simulated(Keithley2602B, "GPIB::1::INSTR", qcodes_file("Keithley_2600"), "smu") as driver:
        assert driver.ask("print(localnode.model)") == "2601B"
        assert driver.ch_a.source_mode == "current"
        assert driver.ch_b.source_enabled is False
        assert driver.ch_a.compliance_current == 0
        driver.adapter.deadline_s = SHORT_S
        with pytest.raises(DeadlineError, match=re.escape("print(errorqueue.next())")):
            driver.source_meters()[0].prepare(SETTINGS)


def test_a_2450_that_answers_to_settings_is_refused_and_its_command_set_can_be_asked_for(qcodes_file):
    with simulated(Keithley2450, "GPIB::1::INSTR", qcodes_file("Keithley_2450"), "smu") as driver:
        assert driver.language == "SCPI2400"
    with simulated(Keithley2450, "GPIB::2::INSTR", qcodes_file("Keithley_2450"), "smu") as driver:
        assert driver.language == "SCPI"
        with pytest.raises(GarbledReply, match="'ERROR'"):
            driver.prepare(SETTINGS)


def test_a_3706a_that_does_not_tell_what_is_closed_is_refused(qcodes_file):
    with simulated(Keithley3706A, "GPIB::11::INSTR", qcodes_file("Keithley_3706A"), "matrix") as matrix:
        matrix.write('channel.close("1105")')
        matrix.adapter.deadline_s = SHORT_S
        with pytest.raises(DeadlineError, match="getclose"):
            matrix.connect(["1206"])


def test_a_34980a_with_other_modules_is_refused_by_name(qcodes_file):
    with simulated(Keysight34980A, "GPIB::1::INSTR", qcodes_file("keysight_34980A"), "matrix") as matrix:
        assert matrix.slot_1.card == "Agilent Technologies,34934A-8x64,AB10000000,1.00"
        assert matrix.slot_2.card == "Agilent Technologies,0,0,0"
        with pytest.raises(InstrumentError, match="matrix has no 34932A in slots 1 to 8"):
            matrix.prepare()


def test_the_cards_of_a_b2200a_are_set_and_read_back_and_what_it_does_not_take_is_named(qcodes_file):
    with simulated(KeysightB2200A, "GPIB::1::INSTR", qcodes_file("keysight_b220x"), "matrix") as matrix:
        matrix.check_errors()
        for rule, sequence in (("SROU", "NSEQ"), ("FREE", "BBM")):
            matrix.apply(f":CONN:RULE 0,{rule}", f":CONN:SEQ 0,{sequence}")
            assert (matrix.card_0.connection_rule, matrix.card_0.connection_sequence) == (rule, sequence)
        matrix.apply(":BIAS 0,0", ":AGND 0,0", ":COUP 0,0")
        assert (matrix.card_0.ground_enabled, matrix.card_0.couple_enabled) == (False, False)
        assert matrix.connected() == {"00248", "01012"}  # what the file answers, whatever was done
        with pytest.raises(InstrumentError, match=r"matrix reports error 1, Command error after ':CONN:RULE 0,ANY'"):
            matrix.apply(":CONN:RULE 0,ANY")
        matrix.adapter.deadline_s = SHORT_S
        with pytest.raises(DeadlineError, match=":FUNC"):
            matrix.prepare()


# ---------------------------------------------------------------------- pyvisa-sim as such

PROPERTIES = {
    **dict.fromkeys(
        (":SOUR:CLE:AUTO", ":SYST:RSEN", ":SENS:CURR:PROT:RSYN", ":SENS:RES:OCOM", ":SENS:AVER", ":SYST:AZER:CACH"),
        ("str", "0"),
    ),
    **dict.fromkeys((":CALC:STAT", ":CALC2:NULL:STAT"), ("str", "0")),
    **dict.fromkeys(
        (":SOUR:DEL:AUTO", ":SOUR:VOLT:RANG:AUTO", ":SENS:CURR:RANG:AUTO", ":SENS:FUNC:CONC", ":SYST:AZER"),
        ("str", "1"),
    ),
    **dict.fromkeys((":ARM:SOUR", ":TRIG:SOUR"), ("str", "IMM")),
    **dict.fromkeys((":ARM:DIR", ":TRIG:DIR"), ("str", "ACC")),
    **dict.fromkeys((":ARM:OUTP", ":TRIG:INP", ":TRIG:OUTP"), ("str", "NONE")),
    **dict.fromkeys((":FORM", ":FORM:SREG"), ("str", "ASC")),
    **dict.fromkeys((":ARM:COUN", ":TRIG:COUN", ":SENS:CURR:NPLC", ":SOUR:LIST:VOLT:STAR"), ("float", 1.0)),
    **dict.fromkeys((":SOUR:VOLT", ":SOUR:VOLT:TRIG", ":SOUR:DEL", ":TRIG:DEL"), ("float", 0.0)),
    ":SOUR:FUNC": ("str", "VOLT"),
    ":SOUR:VOLT:MODE": ("str", "FIX"),
    ":SOUR:VOLT:RANG": ("float", 21.0),
    ":SOUR:VOLT:PROT": ("float", 210.0),
    ":SOUR:SWE:RANG": ("str", "BEST"),
    ":SOUR:SWE:DIR": ("str", "UP"),
    ":SOUR:SWE:CAB": ("str", "NEV"),
    ":SENS:CURR:PROT": ("float", 1.05e-4),
    ":SENS:CURR:RANG": ("float", 1.05e-4),
    ":SENS:FUNC": ("str", "'CURR:DC'"),
    ":SENS:RES:MODE": ("str", "AUTO"),
    ":SENS:AVER:TCON": ("str", "REP"),
    ":SENS:AVER:COUN": ("float", 10.0),
    ":TRAC:FEED:CONT": ("str", "NEV"),
    ":ARM:TIM": ("float", 0.1),
    ":SYST:RCM": ("str", "SING"),
    ":SYST:LFR": ("float", 50.0),
    ":SYST:GUAR": ("str", "CABL"),
    ":FORM:ELEM": ("str", "VOLT,CURR,RES,TIME,STAT"),
    ":FORM:BORD": ("str", "NORM"),
    ":OUTP": ("str", "OFF"),
    ":OUTP:SMOD": ("str", "NORM"),
    ":ROUT:TERM": ("str", "FRON"),
}
"""Settings of a 2400 after a reset (user's manual, pages 1-17, 1-18 and chapter 18)."""


def a_2400(folder, *, fixed=()):
    """Write a 2400 for pyvisa-sim that keeps its settings, but for the fixed ones, and measures 25 uA."""
    replies = {"*IDN?": "KEITHLEY INSTRUMENTS INC.,MODEL 2400,1234567,C30", ":SENS:CURR:PROT:TRIP?": "0"}
    replies |= {":READ?": "+1.000000E-01,+2.500000E-05,+2.150800E+04"}
    replies |= dict.fromkeys(("*RST", "*CLS", ":ABOR", ":SENS:FUNC:OFF:ALL"))
    properties = {}
    for header, (kind, default) in PROPERTIES.items():
        shape = "{:.6E}" if kind == "float" else "{}"
        properties[header] = {"default": default, "getter": {"q": f"{header}?", "r": shape}, "specs": {"type": kind}}
        properties[header]["setter"] = {"q": f"{header} {{}}"}
        if header in fixed:
            del properties[header]
            replies |= {f"{header}?": shape.format(default), **dict.fromkeys(fixed[header])}
    device = {
        "eom": {"GPIB INSTR": {"q": "\n", "r": "\n"}, "TCPIP SOCKET": {"q": "\n", "r": "\n"}},
        "error": {"error_queue": [{"q": ":SYST:ERR?", "default": '0,"No error"', "command_error": '-113,"No header"'}]},
        "dialogues": [{"q": line} | ({} if reply is None else {"r": reply}) for line, reply in replies.items()],
        "properties": properties,
    }
    resources = {"GPIB0::24::INSTR": {"device": "smu"}, "TCPIP0::localhost::5025::SOCKET": {"device": "smu"}}
    path = folder / "smu.yaml"
    path.write_text(yaml.safe_dump({"spec": "1.1", "devices": {"smu": device}, "resources": resources}))
    return f"{path}@sim"


@pytest.mark.parametrize("resource", ["GPIB0::24::INSTR", "TCPIP0::localhost::5025::SOCKET"])
def test_a_2400_of_pyvisa_sim_is_prepared_and_read_to_the_end(tmp_path, resource):
    with simulated(Keithley2400, resource, a_2400(tmp_path), "smu") as smu:
        assert smu.identify().serial == "1234567"
        smu.prepare(SETTINGS)
        smu.enable()
        smu.set_voltage(0.1)
        assert smu.source_voltage == pytest.approx(0.1)
        assert smu.measure().current_a == pytest.approx(2.5e-5)
        smu.output_off()
        assert not smu.output_is_on()
        assert smu.source_voltage == 0


def test_a_fixed_limit_is_refused_by_name(tmp_path):
    library = a_2400(tmp_path, fixed={":SENS:CURR:PROT": [":SENS:CURR:PROT 5.000000000e-05"]})
    with simulated(Keithley2400, "GPIB0::24::INSTR", library, "smu") as smu:
        with pytest.raises(InstrumentError, match=r"smu: :SENS:CURR:PROT reads back 1\.050000E-04, expected 5e-05"):
            smu.prepare(SourceSettings(range_v=2.0, compliance_a=5e-5, range_a=5e-5))
        assert not smu.output_is_on()


def bench(kind, library):
    tables = {"smu": {"driver": "keithley2400", "resource": "GPIB0::24::INSTR", "visa": library}}
    return Bench.model_validate({"name": "mine", "backend": "chip", "kind": kind, "instruments": tables})


def test_a_bench_file_may_name_a_library_of_pyvisa_sim(tmp_path):
    found = find_resources(bench("emulated", a_2400(tmp_path)), np.random.default_rng(1), None)
    assert found == {"smu": "GPIB0::24::INSTR"}


def test_a_bench_of_pyvisa_sim_is_never_hardware(tmp_path):
    with pytest.raises(ValidationError, match=r"visa .*@sim' is a simulation, which goes with kind emulated"):
        bench("hardware", a_2400(tmp_path))
