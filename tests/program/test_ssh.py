"""Through a real ssh daemon: behind a client that takes nothing waits one frame set, not a megabyte."""

import pytest

from tests.benchmarks import link


@pytest.mark.skipif(not link.is_possible(), reason="no ssh here")
def test_a_stopped_ssh_client_is_owed_one_frame_set() -> None:
    sets, late = link.unanswered_behind_a_stopped_client()
    assert sets <= 1
    assert late < 16_384
