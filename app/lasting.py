"""Whether a process of this user goes on when the user logs out, and what to do where it does not.

systemd-logind ends the processes of a session with it only where it is told to (KillUserProcesses); a service
of the user's own manager ends with the last session, unless the user may linger.
"""

import getpass
import shutil
import subprocess
from pathlib import Path
from typing import Final

_LINGER: Final = Path("/var/lib/systemd/linger")
_CGROUP: Final = Path("/proc/self/cgroup")
_ASK_S: Final = 1.0


def warning() -> str | None:
    """Return what to know before one logs out, None where the feed goes on or nothing is known."""
    try:
        cgroup = _CGROUP.read_text()
        lingers = (_LINGER / getpass.getuser()).exists()
    except (OSError, KeyError):
        return None
    return words(cgroup, lingers=lingers, kills=_kills() if "/session-" in cgroup else False)


def words(cgroup: str, *, lingers: bool, kills: bool) -> str | None:
    """Return what to know of a process in a control group, None where it outlives a logout."""
    if "/session-" in cgroup and kills:
        return (
            "this system ends it when you log out (KillUserProcesses=yes): run it as a service of yours, see "
            "docs/feed.md, or with `systemd-run --user --scope mdterm feed start`"
            + ("" if lingers else " after `loginctl enable-linger`")
        )
    if "/user@" in cgroup and not lingers:
        return "it ends with your last session: `loginctl enable-linger` lets it go on"
    return None


def _kills() -> bool:
    """Ask logind whether it ends what a session leaves."""
    program = shutil.which("loginctl")
    if program is None:
        return False
    try:
        told = subprocess.run(  # noqa: S603  what the path names as loginctl
            [program, "show-session", "--property=KillUserProcesses"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ASK_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return "KillUserProcesses=yes" in told.stdout
