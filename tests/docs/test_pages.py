"""The documentation is true: generated pages are fresh, links lead somewhere, every command shown works."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from mdterm.app.main import COMMANDS
from tests.program.launch import Running, environment
from tests.program.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SCREENS = {"watch", "replay", "panel"}
NEED_MORE = {
    *(
        "ssh",
        "tail",
        "once",
        "record",
        "replay",
        "export",
        "history",
        "symbols",
        "completion",
        "panel",
        "tmux",
    )
}
"""Commands that do nothing by their names alone: words name them so."""
ENDLESS_S = 5.0
"""How long a command that goes on for ever is looked at before it is ended."""
PROGRAM = (sys.executable, "-m", "mdterm.app.main")
STUB = """#!/bin/sh
exec {python} -m mdterm.app.main "$@"
"""


class Shown(NamedTuple):
    """A command as a page shows it."""

    page: str
    line: str


def shown() -> list[Shown]:
    """Return every shell command of every page that runs mdterm, continued lines joined, comments cut."""
    found = []
    for page in PAGES:
        for block in re.findall(r"```(?:console|sh|bash)\n(.*?)\n```", page.read_text("utf-8"), re.DOTALL):
            text = re.sub(r"[ \t]+#[^\n']*$", "", block, flags=re.MULTILINE)
            text = re.sub(r"(\||\\)\n\s*", lambda m: "| " if m[1] == "|" else " ", text)
            found += [Shown(page.name, line.strip()) for line in text.splitlines()]
    return [one for one in dict.fromkeys((*found, *in_words())) if call_of(one.line)]


def in_words() -> list[Shown]:
    """Return the commands that stand between words, as far as they are whole."""
    found = []
    for page in PAGES:
        text = re.sub(r"```.*?\n```", "", page.read_text("utf-8"), flags=re.DOTALL)
        for line in re.findall(r"`(mdterm [^`\n]*)`", text):
            words = line.split()
            is_named = words[1].startswith("-") or words[1] in COMMANDS
            if is_named and not (len(words) == 2 and words[1] in NEED_MORE):
                found.append(Shown(page.name, line))
    return found


def call_of(line: str) -> str | None:
    """Return the part of a line that calls mdterm, None where none does."""
    parts = (part.strip() for part in re.split(r"&&|[|>&]", line))
    return next((part for part in parts if re.match(r"mdterm\b", part)), None)


def verb_of(line: str) -> str:
    """Return the command that a line calls; the dashboard where it names none."""
    words = [word for word in (call_of(line) or "").split()[1:] if not word.startswith("-")]
    return words[0] if words and words[0] in COMMANDS else "watch"


@pytest.fixture(scope="session")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a configuration that leads all three providers to a simulated venue."""
    home = tmp_path_factory.mktemp("venue")
    with Running(home, "simulate", "--providers", "kiyotaka,alltick,jayx") as running:
        endpoints = json.loads(running.wait_for(lambda lines: lines[0] if lines else None))["providers"]
        tables = []
        for name, keys in endpoints.items():
            secret = {"jayx": "api_key"}.get(name, "token")
            plan = 'plan = "professional"\n' if name == "alltick" else ""
            urls = "".join(f'{key} = "{url}"\n' for key, url in keys.items())
            tables.append(f'[providers.{name}]\n{secret} = {{ env = "SIMULATED" }}\n{plan}{urls}')
        config = home / "config.toml"
        config.write_text('watchlist = ["kiyotaka:BTCUSDT"]\n' + "\n".join(tables))
        yield config


@pytest.fixture(scope="session")
def recording(venue: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a short recording, under the names that the pages use."""
    folder = tmp_path_factory.mktemp("recording")
    done = subprocess.run(
        [*PROGRAM, "--config", str(venue), "record", "kiyotaka:BTCUSDT", "-o", "day.mdj", "--seconds", "3"],
        cwd=folder,
        env=environment(folder, {"SIMULATED": "sim"}),
        check=False,
        capture_output=True,
        timeout=60,
    )
    assert (folder / "day.mdj").exists(), done.stderr
    return folder / "day.mdj"


@pytest.mark.parametrize("one", shown(), ids=lambda one: f"{one.page}: {one.line}")
def test_a_command_of_the_documentation_works(
    one: Shown, tmp_path: Path, venue: Path, recording: Path
) -> None:
    for tool in ("jq", "pass", "duckdb"):
        if re.search(rf"\b{tool}\b", one.line) and shutil.which(tool) is None:
            assert tool != "jq" or "TOOLS_ARE_THERE" not in os.environ
            pytest.skip(f"{tool} is not here")
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "mdterm").write_text(STUB.format(python=sys.executable))
    (bin_ / "mdterm").chmod(0o755)
    home = environment(tmp_path, {"SIMULATED": "sim"})
    home["PATH"] = f"{bin_}:{os.environ['PATH']}"
    home["TMUX_TMPDIR"] = str(tmp_path)
    config = tmp_path / "config" / "mdterm" / "config.toml"
    if "config init" not in one.line:
        config.parent.mkdir(parents=True)
        shutil.copy(venue, config)
    for name in ("day.mdj", "today.mdj", "x.mdj"):
        if "record" not in one.line:
            shutil.copy(recording, tmp_path / name)
    begun = time.gmtime(recording.stat().st_mtime - 1)
    line = one.line.replace("--at 14:05", f"--at {time.strftime('%H:%M:%S', begun)}").rstrip("& ")
    # Nothing was kept here of a machine that has just come to be.
    right = (0, 4) if re.search(r"--offline|feed (status|log)", line) else (0,)
    play = "simulate --play" in line
    if play:
        (tmp_path / "recording.ndjson").write_text(
            '{"type":"trade","symbol":"X","ts":1,"price":1.0,"size":1.0,"side":"buy"}\n'
        )
        subprocess.run(["gzip", "recording.ndjson"], cwd=tmp_path, check=True)
    if "--keys" in line:
        with Terminal(tmp_path, env=home, run=["sh", "-c", f"exec {line}"]) as terminal:
            terminal.wait_for(lambda rows: any("Ctrl+C ends" in row for row in rows), 40)
            terminal.press("\x03")
            assert terminal.wait() == 0, terminal.picture()
        return
    if verb_of(line) in SCREENS and not re.search(r"--(tail|version|help)\b", line):
        title = line.split()[2].upper() if verb_of(line) == "panel" else "LADDER"
        try:
            with Terminal(
                tmp_path, env=home, run=["sh", "-c", f"exec {line}"], columns=120, lines=40
            ) as terminal:
                terminal.wait_for(lambda rows: any(title in row for row in rows), 40)
                terminal.press("q")
                assert terminal.wait() == 0, terminal.picture()
        finally:
            end_what_began(line, home)
        return
    process = subprocess.Popen(
        ["sh", "-c", line],
        cwd=tmp_path,
        env=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=ENDLESS_S)
        assert process.returncode in right, (process.returncode, out[-500:], err[-500:])
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)
        out, err = process.communicate(timeout=20)
        assert process.returncode in (0, 143, -signal.SIGTERM), (process.returncode, out[-500:], err[-500:])
    finally:
        end_what_began(line, home)
    assert b"Traceback" not in err
    assert right == (0, 4) or b"mdterm: " not in err, err


def end_what_began(line: str, home: dict[str, str]) -> None:
    """End the shared feed and the window of tmux that a command may have begun."""
    if verb_of(line) == "tmux" and "--run" in line:
        subprocess.run(["tmux", "kill-server"], env=home, check=False, capture_output=True)
    if "feed start" in line or verb_of(line) in ("panel", "tmux"):
        subprocess.run([*PROGRAM, "feed", "stop"], env=home, check=True, capture_output=True)


def blocks(page: str, language: str) -> list[str]:
    """Return the code of a page in one language."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    return re.findall(rf"```{language}\n(.*?)\n```", text, re.DOTALL)


@pytest.fixture
def shell(tmp_path: Path, venue: Path) -> dict[str, str]:
    """Give an environment whose home leads mdterm to the simulated venue."""
    (tmp_path / "config" / "mdterm").mkdir(parents=True)
    shutil.copy(venue, tmp_path / "config" / "mdterm" / "config.toml")
    (tmp_path / "mdterm").write_text(STUB.format(python=sys.executable))
    (tmp_path / "mdterm").chmod(0o755)
    home = environment(tmp_path, {"SIMULATED": "sim"})
    return home | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


@pytest.mark.parametrize("number", [0, 1])
def test_a_status_bar_of_tmux_shows_the_market(number: int, tmp_path: Path, shell: dict[str, str]) -> None:
    if shutil.which("tmux") is None or shutil.which("jq") is None:
        pytest.skip("tmux or jq is not here")
    told = [r"BTCUSDT \d{5}(\.\d)? .*bid \d", r"BTC \d{5}(\.\d)?\s*$"][number]
    server = ["tmux", "-S", str(tmp_path / "tmux"), "-f", str(tmp_path / "tmux.conf")]
    (tmp_path / "tmux.conf").write_text(blocks("recipes.md", "tmux")[number] + "\n")
    feeding = next(one for one in blocks("recipes.md", "sh") if "while read" in one) if number else "true &"
    assert feeding.endswith("&"), "it goes on beside the shell"
    feeder = subprocess.Popen(
        ["sh", "-c", f"{feeding}\nwait"], env=shell, cwd=tmp_path, start_new_session=True
    )
    try:
        session = [*server, "new-session", "sleep 60"]
        with Terminal(tmp_path, env=shell, run=session, columns=120, lines=10) as terminal:
            terminal.wait_for(lambda rows: re.search(told, rows[-1]), 40)
            subprocess.run([*server, "kill-server"], env=shell, check=True, capture_output=True)
            terminal.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(feeder.pid, signal.SIGTERM)
        feeder.wait(20)


def test_the_generated_pages_are_what_the_program_says() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "reference.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("page", PAGES, ids=lambda one: one.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


def test_every_page_is_reached_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert {page.name for page in PAGES[1:]} <= set(re.findall(r"\(docs/([\w.]+)\)", readme))
