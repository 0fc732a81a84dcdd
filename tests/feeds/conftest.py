"""Fixtures and settings of the feed's tests."""

import pytest
from hypothesis import settings

from tests.feeds.support import FakeClock

# Machines that run tests are busy: how long an example takes says nothing.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
