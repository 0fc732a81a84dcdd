"""Settings of all tests."""

import os

import pytest
from hypothesis import settings

# Machines that run tests are busy: how long an example takes says nothing.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes ``-n auto`` has: half of the time tests wait, for sockets and terminals."""
    cores = os.cpu_count() or 1
    return cores + cores // 2
