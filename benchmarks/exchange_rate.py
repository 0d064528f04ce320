"""Exchanges of our transport against bare PyVISA-py on the same kind of socket, to the same emulated instrument.

Both ask an emulated 2400 for its identity, interleaved in one run. Bare PyVISA-py is given TCP_NODELAY too: without
it Nagle's algorithm and delayed acknowledgements can cost tens of milliseconds an exchange.

    python benchmarks/exchange_rate.py
"""

import socket
import statistics
import time

import pyvisa

from crossbar_hil import open_bench
from crossbar_hil.instruments.transport.adapter import BenchAdapter
from crossbar_hil.sim_backend.emulation.models.keithley2400.model import EmulatedKeithley2400
from crossbar_hil.sim_backend.emulation.serving.server import InstrumentServer
from crossbar_hil.sim_backend.emulation.world.world import World

ROUNDS, EXCHANGES = 15, 200


def main():
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
    for name, each in took.items():
        middle = statistics.median(each)
        print(f"{name:15} {1e6 * middle:7.0f} us an exchange, {1 / middle:7.0f} a second")
    ratios = [a / b for a, b in zip(took["crossbar-hil"], took["bare PyVISA-py"], strict=True)]
    print(f"ratio of times  {statistics.median(ratios):7.2f} median, {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main()
