"""A real ssh server on loopback that lets only this test in, and how to log in to it."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

from tests.program.launch import WITHIN_S

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
TOOLS = ("ssh", "ssh-keygen", "tmux")
IS_THERE = SSHD is not None and all(shutil.which(tool) for tool in TOOLS)
MAY_BE_MISSING = "TOOLS_ARE_THERE" not in os.environ
"""Whether a test may be skipped for want of them: CI promises that it need not."""


class Sshd:
    """The server, with keys of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("host", "user"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)],
                check=True,
                stdin=subprocess.DEVNULL,
            )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where the server shuts its helpers in
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        settings = {
            "Port": self.port,
            "ListenAddress": "127.0.0.1",
            "HostKey": folder / "host",
            "AuthorizedKeysFile": folder / "user.pub",
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "PermitRootLogin": "prohibit-password",
        }
        config = folder / "sshd_config"
        config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        self.start()

    def start(self) -> None:
        """Listen; after ``kill`` on the same port as before."""
        assert SSHD is not None
        with (self._folder / "sshd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [SSHD, "-D", "-e", "-f", str(self._folder / "sshd_config")],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        self._wait()

    def kill(self) -> None:
        """Listen no more; sessions that are there go on."""
        self._process.kill()
        self._process.wait(WITHIN_S)

    def _wait(self) -> None:
        until = time.monotonic() + WITHIN_S
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self._process.poll() is None, (self._folder / "sshd.log").read_text()
            time.sleep(0.02)
        raise AssertionError("the ssh server does not listen")

    def options(self, port: int | None = None, **more: str) -> list[str]:
        """Return the client's options that log in to here, or through a port that leads here.

        ``more`` are ``-o`` options; they count before the others.
        """
        words = {
            **more,
            "StrictHostKeyChecking": more.get("StrictHostKeyChecking", "no"),
            "UserKnownHostsFile": more.get("UserKnownHostsFile", "/dev/null"),
            "LogLevel": "ERROR",
            "IdentitiesOnly": "yes",
            "ControlPath": "none",
        }
        told = [part for name, value in words.items() for part in ("-o", f"{name}={value}")]
        return ["-F", "none", *told, "-i", str(self._folder / "user"), "-p", str(port or self.port)]

    def client(self, remote: str, port: int | None = None) -> list[str]:
        """Return the argument vector of a client with a terminal that runs ``remote`` there."""
        return ["ssh", *self.options(port), "-tt", "127.0.0.1", remote]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.wait(WITHIN_S)
