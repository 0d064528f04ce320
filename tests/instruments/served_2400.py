"""A fixture for tests that others wrote against a real 2400: an emulated one with open terminals."""

import pytest
from pymeasure.adapters import VISAAdapter

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.sim_backend.emulation.models.keithley2400.model import EmulatedKeithley2400
from crossbar_hil.sim_backend.emulation.serving.server import InstrumentServer
from crossbar_hil.sim_backend.emulation.world.world import World


@pytest.fixture(scope="session")
def connected_device_address():
    chip = open_backend(load_bench("simulated"), seed=1)
    with InstrumentServer(EmulatedKeithley2400(World(chip), "smu")) as server:
        yield VISAAdapter(server.resource, visa_library="@py", read_termination="\n", write_termination="\n")
