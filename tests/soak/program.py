"""Hours of the whole dashboard, as a person runs it: its memory and processor time.

    python -m tests.soak.program [--seconds 3600] [--symbols 20] [--rate 5] [--faults SPEC]

The venue runs in a process of its own (``crowded.py``: by default 20 symbols, some 500 messages and 3,000
trades a second), the dashboard in a pseudoterminal of 200×50 that reads everything and answers at once. Now
and then another instrument is looked at. Told each minute is what the program's process holds, and at the
end how that compares with what it held after five minutes. Exit status 1 where it is a tenth more.
"""

import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.program.launch import TOKEN, command, environment
from tests.soak.crowd import crowd, parsed

COLUMNS, LINES = 200, 50
EARLY_S = 300.0
MOST_GROWTH = 0.10
NEXT_EVERY_S = 20.0


class Dashboard:
    """The program in a pseudoterminal; nobody looks at what it writes, but all of it is read."""

    def __init__(self, home: Path, arguments: list[str]) -> None:
        self._master, slave = os.openpty()
        os.set_blocking(self._master, False)
        subprocess.run(["stty", "cols", str(COLUMNS), "rows", str(LINES)], stdin=slave, check=True)
        with (home / "stderr").open("wb") as errors:
            self.process = subprocess.Popen(
                command(arguments, kind="terminal"),
                env=environment(home, {"MDTERM_KIYOTAKA_TOKEN": TOKEN}),
                cwd=home,
                stdin=slave,
                stdout=slave,
                stderr=errors,
                start_new_session=True,
            )
        os.close(slave)
        self._errors = home / "stderr"
        self.written = self.frames = 0

    def read(self, seconds: float) -> None:
        """Read what it writes for so long, and answer where the cursor is."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not select.select([self._master], [], [], left)[0]:
                return
            try:
                data = os.read(self._master, 65_536)
            except OSError:
                raise EOFError(f"it has ended: {self._errors.read_text()}") from None
            self.written += len(data)
            asked = data.count(b"\x1b[6n")
            self.frames += asked
            self.press("\x1b[1;1R" * asked)

    def press(self, keys: str) -> None:
        """Send keys."""
        os.write(self._master, keys.encode())

    def resident_mib(self) -> float:
        """Return the resident memory of its process."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 2**20

    def processor_s(self) -> float:
        """Return the processor time of its process."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        with suppress(EOFError):
            while self.process.poll() is None:
                self.read(1.0)
        self.process.wait(10.0)
        os.close(self._master)


def watch(shown: Dashboard, seconds: float) -> int:
    """Report every minute; return the exit status."""
    begun, early, minute, looked = time.monotonic(), 0.0, 0, 0
    while (passed := time.monotonic() - begun) < seconds:
        shown.read(min(NEXT_EVERY_S, seconds - passed))
        looked += 1
        shown.press("]")
        passed = time.monotonic() - begun
        early = early or (shown.resident_mib() if passed >= min(EARLY_S, seconds / 4) else 0.0)
        if passed // 60 > minute:
            minute = int(passed // 60)
            share, rate = shown.processor_s() / passed, shown.written / passed / 1000
            print(
                f"{passed:6.0f} s  {shown.resident_mib():6.1f} MiB  {share:5.1%} of a core  "
                f"{shown.frames / passed:4.1f} fps  {rate:5.1f} kB/s",
                flush=True,
            )
    late = shown.resident_mib()
    print(f"memory {early:.1f} → {late:.1f} MiB, {late / early - 1:+.1%}; {looked} times another instrument")
    return int(late > early * (1 + MOST_GROWTH))


def main() -> int:
    """Start venue and dashboard, and say what an hour costs."""
    options = parsed(__doc__, 3600.0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with crowd(options) as told, tempfile.TemporaryDirectory() as folder:
        settings = [f"--set={key}={value}" for key, value in told.items() if "." in key]
        home = Path(folder)
        found = subprocess.run(
            command(["symbols", "kiyotaka", *settings]),
            env=environment(home, {"MDTERM_KIYOTAKA_TOKEN": TOKEN}),
            capture_output=True,
            text=True,
            check=True,
        )
        shown = Dashboard(home, [*found.stdout.split(), *settings])
        try:
            return watch(shown, options.seconds)
        finally:
            shown.close()


if __name__ == "__main__":
    sys.exit(main())
