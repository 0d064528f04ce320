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

    from crossbar_hil.backend import DeviceBackend


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--bench`` and ``--bench-seed``."""
    group = parser.getgroup("crossbar-hil")
    group.addoption(
        "--bench",
        default="simulated",
        metavar="NAME_OR_FILE",
        help="bench behind the fixture crossbar_backend (default: simulated)",
    )
    group.addoption("--bench-seed", type=int, default=1, metavar="N", help="seed of its virtual chip (default: 1)")


@pytest.fixture
def crossbar_backend(request: pytest.FixtureRequest) -> Iterator[DeviceBackend]:
    """Return a fresh backend of the bench that ``--bench`` names."""
    from crossbar_hil.bench import open_bench  # noqa: PLC0415

    with open_bench(request.config.getoption("--bench"), seed=request.config.getoption("--bench-seed")) as backend:
        yield backend
