import pytest

from crossbar_hil.testing import BackendContract


class TestTwoChannelsAtVirtualGround(BackendContract):
    @pytest.fixture
    def backend(self, fakes):
        with fakes.FakeBench(fakes.drawn_chip(3)).backend() as backend:
            yield backend


class TestOneGuardedSourceWithADivider(BackendContract):
    @pytest.fixture
    def backend(self, fakes):
        with fakes.FakeBench(fakes.drawn_chip(3), dual=False).backend() as backend:
            yield backend


class TestThreeRowsAndTwoColumns(BackendContract):
    @pytest.fixture
    def backend(self, fakes):
        with fakes.FakeBench(fakes.drawn_chip(3, rows=3, columns=2)).backend() as backend:
            yield backend
