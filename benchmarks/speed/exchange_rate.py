"""Exchanges of our transport against bare PyVISA-py on the same kind of socket, to the same emulated instrument.

Both ask an emulated 2400 for its identity, interleaved in one run. Bare PyVISA-py is given TCP_NODELAY too: without
it Nagle's algorithm and delayed acknowledgements can cost tens of milliseconds an exchange.

    python benchmarks/speed/exchange_rate.py
"""

import socket
import statistics
import time

import pyvisa

from crossbar_hil import open_bench
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.instruments.transport.adapter import BenchAdapter
from crossbar_hil.sim_backend.emulation.models.keithley2400.model import EmulatedKeithley2400
from crossbar_hil.sim_backend.emulation.serving.server import InstrumentServer
from crossbar_hil.sim_backend.emulation.world.world import World

ROUNDS, EXCHANGES = 5, 200


def identity():
    with open_bench("simulated", seed=1) as chip, InstrumentServer(EmulatedKeithley2400(World(chip), "smu")) as server:
        ours = BenchAdapter(server.resource)
        manager = pyvisa.ResourceManager("@py")
        bare = manager.open_resource(server.resource, read_termination="\n", write_termination="\n")
        interface = manager.visalib.sessions[bare.session].interface
        interface.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def ask_ours():
            ours.write("*IDN?")
            return ours.read()

        took = {"crossbar-hil": [], "bare PyVISA-py": []}
        for _ in range(ROUNDS):
            for name, ask in (("crossbar-hil", ask_ours), ("bare PyVISA-py", lambda: bare.query("*IDN?"))):
                start = time.perf_counter()
                for _ in range(EXCHANGES):
                    ask()
                took[name].append((time.perf_counter() - start) / EXCHANGES)
        ours.close()
        bare.close()
        manager.close()
    ratios = [ours / bare for ours, bare in zip(*took.values(), strict=True)]
    return {
        "ours_us": 1e6 * statistics.median(took["crossbar-hil"]),
        "bare_us": 1e6 * statistics.median(took["bare PyVISA-py"]),
        "ratio": statistics.median(ratios),
        "ratio_low": min(ratios),
        "ratio_high": max(ratios),
    }


def studies():
    columns = {
        "": "{name}",
        "crossbar-hil": "{ours_us:.0f} us",
        "bare PyVISA-py": "{bare_us:.0f} us",
        "ratio": "{ratio:.2f} ({ratio_low:.2f} to {ratio_high:.2f})",
    }
    about = f"Median of {ROUNDS} rounds of {EXCHANGES} exchanges, lowest and highest."
    return {"speed_exchange": Study(about, columns, {"`*IDN?` of a 2400": identity}, repeatable=False)}


if __name__ == "__main__":
    main(__doc__, studies)
