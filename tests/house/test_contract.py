import pytest

from crossbar_hil.guard.opening import open_bench
from crossbar_hil.testing import BackendContract


@pytest.mark.fault("V20")
class TestSimulatedChip(BackendContract):
    """The contract on the bench of the command line, by default the simulated one."""


class TestSinhCells(BackendContract):
    @pytest.fixture
    def backend(self):
        with open_bench(seed=3, overrides={"chip": {"cell": "sinh", "cell_options": {"b_per_v": 3.0}}}) as backend:
            yield backend


class TestOneOutputOfThreeRows(BackendContract):
    @pytest.fixture
    def backend(self):
        with open_bench(seed=4, overrides={"chip": {"rows": 3, "columns": 2}}) as backend:
            yield backend
