"""The pytest plug-in: a backend for each test, from the bench that ``--bench`` names.

    def test_my_script(crossbar_backend):
        my_script.run(crossbar_backend)

Every test gets a fresh backend, made safe when the test ends. Without ``--bench`` it is the simulated chip of seed 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # a plug-in is imported by every pytest on the machine, so it must cost nothing
    from collections.abc import Iterator
    from typing import Any

    from crossbar_hil.backend import DeviceBackend


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--bench``, ``--bench-seed`` and ``--allow-loopback``."""
    group = parser.getgroup("crossbar-hil")
    group.addoption(
        "--bench",
        default="simulated",
        metavar="NAME_OR_FILE",
        help="bench behind the fixture crossbar_backend (default: simulated)",
    )
    group.addoption("--bench-seed", type=int, default=1, metavar="N", help="seed of its virtual chip (default: 1)")
    group.addoption(
        "--allow-loopback", action="store_true", help="take what answers on this machine for a real instrument"
    )


@pytest.fixture
def crossbar_backend(request: pytest.FixtureRequest) -> Iterator[DeviceBackend]:
    """Return a fresh backend of the bench that ``--bench`` names; only a real one has a guard process of its own."""
    from crossbar_hil.bench.file import load_bench  # noqa: PLC0415
    from crossbar_hil.bench.opening import open_backend  # noqa: PLC0415
    from crossbar_hil.guard.opening import open_bench  # noqa: PLC0415
    from crossbar_hil.owners.addresses import loopback_allowed  # noqa: PLC0415

    name, seed = request.config.getoption("--bench"), request.config.getoption("--bench-seed")
    bench = load_bench(name)
    with loopback_allowed(request.config.getoption("--allow-loopback")):
        opened = open_bench(name, seed=seed) if bench.kind == "hardware" else open_backend(bench, seed=seed)
    with opened as backend:
        yield backend


@pytest.fixture
def emulated_bench(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Return a fresh emulated bench, its instruments served on free ports of the loopback interface.

    ``emulated_bench.resources`` maps instrument names to VISA resources, ``emulated_bench.world`` is the circuit with
    its physical log. The bench is the one that ``--bench`` names if that is emulated, else the shipped ``emulated``.
    """
    from crossbar_hil.bench.file import load_bench  # noqa: PLC0415
    from crossbar_hil.bench.opening import make_emulated  # noqa: PLC0415

    bench = load_bench(request.config.getoption("--bench"))
    if bench.kind != "emulated":
        bench = load_bench("emulated")
    with make_emulated(bench, request.config.getoption("--bench-seed"), proven=True) as served:
        yield served
