import pytest

from ..called import called


@pytest.fixture(autouse=True, scope="module")
def _called():
    with called():
        yield
