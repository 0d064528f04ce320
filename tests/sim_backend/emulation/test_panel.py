"""A bench whose matrix is a person, rehearsed: the emulated circuit follows what was confirmed, and nothing else."""

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import ConfigError, InstrumentError
from crossbar_hil.sim_backend.emulation.bench import EmulatedBench

ROWS, COLUMNS = [3, 1], [5, 6]


def bench_by_hand(panel="answers", **more):
    """The shipped bench, 2 x 2, with a person in place of its relays."""
    tables = {
        "instruments": {"matrix": {"driver": "manual"}},
        "wiring": {"rows": ROWS, "columns": COLUMNS},
        "chip": {"rows": 2, "columns": 2},
        "emulation": {"panel": panel},
    }
    return load_bench("emulated", overrides=tables | more)


@pytest.fixture
def emulated():
    with EmulatedBench(bench_by_hand("asks"), np.random.default_rng(1)) as made:
        yield made


def opened(emulated, answers, told):
    return open_backend(
        bench_by_hand("asks"), seed=0, resources=emulated.resources, ask=lambda _: answers.pop(0), tell=told.append
    )


def test_it_reads_the_chip_that_relays_read():
    """The conductances that the bench with relays reads of the same seed, and nobody is asked."""
    told = []
    by_relays = load_bench(
        "emulated", overrides={"wiring": {"rows": ROWS, "columns": COLUMNS}, "chip": {"rows": 2, "columns": 2}}
    )
    with open_backend(by_relays, seed=3) as chip:
        known = chip.read_conductances(0.1)
    with open_backend(bench_by_hand(), seed=3, ask=lambda _: pytest.fail("asked"), tell=told.append) as chip:
        assert np.allclose(chip.read_conductances(0.1), known, rtol=1e-6)
    assert "  connect  A (drive) - 3 (row 1 of the chip)" in "\n".join(told).splitlines()
    assert "  connect  B (meter) - 6 (column 2 of the chip)" in "\n".join(told).splitlines()


def test_the_circuit_follows_what_the_person_confirmed(emulated):
    answers, told = ["", "y", "no"], []
    backend = opened(emulated, answers, told)
    with pytest.raises(InstrumentError, match="'no' is no confirmation"):
        backend.read_conductances(0.1)
    # Off, then the first connections, and not the second ones, which nobody made; to make safe nobody answers any more.
    moved = [event for event in emulated.world.log.of("relays") if event["matrix"] == "matrix"]
    assert len(moved) == 1
    joined = {tuple(each) for each in moved[0]["closed"]}
    row = "matrix.row.1.1", "matrix.column.1.3"
    other = "matrix.row.1.1", "matrix.column.1.1"
    assert (row in joined) != (other in joined)  # the drive, port A, on one of the two rows
    assert emulated.world.closed("matrix") == joined
    backend.owned.close()


def test_a_panel_says_what_it_does_not_know(emulated):
    panel = emulated.instruments["matrix"]
    assert panel.receive("ANSWERS?") == b"no\n"
    assert panel.receive("CONNECT A-1,2:3-12") == b"done\n"
    assert panel.receive("CONNECTED?") == b"2:3-12,A-1\n"
    assert panel.receive("CONNECT x").startswith(b"no crosspoint is called")
    assert panel.receive("*IDN?") == b"no such command\n"
    assert panel.receive("CONNECT") == b"done\n"
    assert panel.receive("CONNECTED?") == b"nothing\n"


def test_a_person_at_a_real_bench_has_no_address():
    with pytest.raises(ConfigError, match=r"instruments\.matrix is moved by hand, so it has no resource"):
        bench_by_hand(
            kind="hardware", instruments={"matrix": {"driver": "manual", "resource": "TCPIP::1.2.3.4::1::SOCKET"}}
        )
