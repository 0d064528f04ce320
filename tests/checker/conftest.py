"""The modules that no package holds: the checker itself, and what makes runs for it to judge."""

import importlib
import importlib.util
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # as when checker.py is run


@pytest.fixture(scope="session")
def checker():
    return importlib.import_module("checker")


@pytest.fixture(scope="session")
def rehearsals():
    return importlib.import_module("rehearsal")


@pytest.fixture(scope="session")
def fakes():
    """Instruments on the emulated world, of the tests of the drivers."""
    name = "fakes_on_world"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE.parent / "drivers" / f"{name}.py")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]
