"""A command imports what it needs and no more; the feeds know nothing of screens."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mdterm.app.main import COMMANDS, DEFAULT

ROOT = Path(__file__).resolve().parents[1]
SCREEN = {"textual", "rich", "plotext"}


def modules_after(code: str, tmp_path: Path) -> set[str]:
    """Run `code` in a fresh interpreter and name the top-level packages that are then imported."""
    report = tmp_path / "modules.json"
    program = (
        "import atexit, json, sys\n"
        f"atexit.register(lambda: open({str(report)!r}, 'w').write(json.dumps(list(sys.modules))))\n" + code
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return set(json.loads(report.read_text()))


def packages_after_command(arguments: list[str], tmp_path: Path) -> set[str]:
    code = f"sys.argv = {['mdterm', *arguments]!r}\nfrom mdterm.app.main import main\nmain()\n"
    return {name.partition(".")[0] for name in modules_after(code, tmp_path)}


def feeds_modules() -> list[str]:
    return sorted(
        ".".join(("mdterm", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
        for path in (ROOT / "feeds").rglob("*.py")
    )


def test_every_module_of_the_feeds_lives_without_a_screen(tmp_path: Path) -> None:
    names = feeds_modules()
    assert "mdterm.feeds.events" in names
    code = "import importlib\n" + "".join(f"importlib.import_module({name!r})\n" for name in names)
    imported = modules_after(code, tmp_path)
    assert set(names) <= imported
    assert {name.partition(".")[0] for name in imported} & SCREEN == set()
    assert [
        name for name in imported if name.startswith(("mdterm.app", "mdterm.widgets", "mdterm.themes"))
    ] == []


NETWORK = {"websockets", "httpx", "uvloop"}


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["--version"], SCREEN | NETWORK | {"click", "msgspec", "asyncio"}),
        (["--help"], SCREEN | NETWORK),
        (["config", "path"], SCREEN | NETWORK),
        (["completion", "bash"], SCREEN | NETWORK),
        *(([name, "--help"], SCREEN) for name in COMMANDS if name != DEFAULT),
    ],
)
def test_a_command_imports_only_what_it_needs(
    arguments: list[str], unwanted: set[str], tmp_path: Path
) -> None:
    assert packages_after_command(arguments, tmp_path) & unwanted == set()


def test_the_board_is_painted_without_what_makes_its_frames(tmp_path: Path) -> None:
    code = (
        "import mdterm.app.attach, mdterm.app.dashboard, mdterm.app.keeping, mdterm.feeds.kiyotaka.feed\n"
        "import mdterm.feeds.thread\n"
    )
    imported = modules_after(code, tmp_path)
    late = {"websockets", "httpx", "uvloop", "email.message", "sqlite3", "hashlib", "brotli"}
    late |= {
        f"mdterm.feeds.{name}"
        for name in ("runtime", "market", "attached", "kiyotaka.codec", "store", "flow", "tape")
    }
    screens = {f"mdterm.app.{name}" for name in ("help", "palette", "finder", "logscreen", "alertscreen")}
    assert "mdterm.app.board" in imported
    assert imported & (late | screens) == set()
