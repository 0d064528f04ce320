import pytest

from ..called import called


class Unconnected:
    """The connection of PyMeasure's `ProtocolAdapter`: the messages are in the adapter itself."""

    def close(self):
        pass


@pytest.fixture(autouse=True, scope="module")
def unconnected():
    """Spare each of two thousand adapters its MagicMock, which takes as long to make as all that is said to it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pymeasure.adapters.protocol.MagicMock", Unconnected)
        yield


@pytest.fixture(scope="module")
def called_instruments():
    """Have drivers call emulated instruments, where no socket is what a module is about."""
    with called():
        yield
