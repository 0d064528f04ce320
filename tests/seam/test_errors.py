"""The tree of errors."""

import pytest

from crossbar_hil import CrossbarError, errors


@pytest.mark.parametrize(
    "name", ["ConfigError", "DataError", "RunError", "BackendError", "LimitError", "ChipStateUnknown"]
)
def test_every_error_is_caught_as_a_crossbar_error(name):
    assert issubclass(getattr(errors, name), CrossbarError)


@pytest.mark.parametrize("name", ["ConfigError", "DataError", "LimitError"])
def test_a_wrong_value_is_also_a_value_error(name):
    assert issubclass(getattr(errors, name), ValueError)


@pytest.mark.parametrize("name", ["LimitError", "ChipStateUnknown"])
def test_a_refusal_of_the_device_is_caught_as_a_backend_error(name):
    assert issubclass(getattr(errors, name), errors.BackendError)


def test_wrong_data_is_not_the_devices_fault():
    assert not issubclass(errors.DataError, errors.BackendError)
