"""An RS-232 line: driver, pyvisa-py and pyserial at one end of a pseudo-terminal, an emulated 2400 at the other."""

import os
import socket
import sys
import threading
import tty
from contextlib import suppress

import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import make_emulated
from crossbar_hil.errors import ConfigError
from crossbar_hil.instrument import SourceSettings
from crossbar_hil.instruments.keithley2400 import Keithley2400

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of Unix")
SETTINGS = SourceSettings(range_v=2.0, compliance_a=1e-4, range_a=1e-5)


@pytest.fixture(params=["\r", "\n", "\r\n"], ids=["CR", "LF", "CRLF"])
def line(request):
    """Serve an emulated 2400 at a pseudo-terminal that ends messages in its own way."""
    ends = request.param
    near, far = os.openpty()
    tty.setraw(near)
    tty.setraw(far)
    with make_emulated(load_bench("emulated-single"), 1) as bench:
        _, host, port, _ = bench.resources["smu"].split("::")
        with socket.create_connection((host, int(port))) as there:
            there.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def to_instrument():  # which takes nothing else for the end of a message
                left = b""
                while content := os.read(near, 4096):
                    *whole, left = (left + content).split(ends.encode())
                    for line in whole:
                        there.sendall(line.replace(b"\n", b"?").replace(b"\r", b"?") + b"\n")

            def from_instrument():
                while content := there.recv(4096):
                    os.write(near, content.replace(b"\n", ends.encode()))

            for each in (to_instrument, from_instrument):
                threading.Thread(target=quietly(each), daemon=True).start()
            yield os.ttyname(far), ends
            there.shutdown(socket.SHUT_RDWR)
    os.close(far)
    os.close(near)


def quietly(work):
    def run():
        with suppress(OSError):  # the line is closed
            work()

    return run


def test_a_driver_works_over_rs_232(line):
    terminal, ends = line
    smu = Keithley2400.open(f"ASRL{terminal}::INSTR", name="smu", baud=9600, ends=ends, deadline_s=20.0)
    assert smu.identify().model == "2400"
    smu.prepare(SETTINGS)
    smu.enable()
    smu.set_voltage(0.1)
    smu.set_voltage(0.0)
    assert smu.changes() == []
    assert len(smu.pulse(1.0, 0.05, 3)) == 3
    smu.output_off()
    assert not smu.output_is_on()
    smu.close()


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"resource": "ASRL/dev/ttyUSB0::INSTR"}, r"baud must say how fast it is.*baud = 9600"),
        ({"resource": "GPIB0::16::INSTR", "baud": 9600}, "baud and ends are of an RS-232 line"),
        ({"resource": "GPIB0::16::INSTR", "ends": "CR"}, "baud and ends are of an RS-232 line"),
        ({"resource": "ASRL1::INSTR", "baud": 0}, "baud"),
        ({"deadline_s": 0}, r"deadline_s = 0 must be at least 0\.01"),  # in no time nobody is told to switch off
        ({"deadline_s": "2 min"}, r"deadline_s = .2 min. must be at most 60"),
    ],
)
def test_an_instrument_that_cannot_be_spoken_to_as_described_is_refused(table, told):
    with pytest.raises(ConfigError, match=told):
        load_bench("emulated-single", overrides={"kind": "hardware", "instruments": {"smu": table}})
