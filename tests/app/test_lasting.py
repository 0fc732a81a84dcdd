"""What is said of a logout: only what is true of this system."""

import pytest

from mdterm.app.lasting import words

SESSION = "0::/user.slice/user-1000.slice/session-3.scope\n"
SERVICE = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/mdterm-feed.service\n"


@pytest.mark.parametrize("cgroup", ["", "0::/\n", "0::/system.slice/ssh.service\n"])
def test_outside_of_logind_nothing_is_known(cgroup: str) -> None:
    assert words(cgroup, lingers=False, kills=True) is None


def test_a_session_ends_its_processes_only_where_it_is_told_to() -> None:
    assert words(SESSION, lingers=False, kills=False) is None
    told = words(SESSION, lingers=False, kills=True)
    assert told is not None
    assert "KillUserProcesses" in told
    assert "enable-linger" in told
    told = words(SESSION, lingers=True, kills=True)  # lingering does not save what a session leaves
    assert told is not None
    assert "enable-linger" not in told


def test_a_service_goes_on_where_its_user_lingers() -> None:
    assert words(SERVICE, lingers=True, kills=True) is None
    told = words(SERVICE, lingers=False, kills=False)
    assert told is not None
    assert "loginctl enable-linger" in told
