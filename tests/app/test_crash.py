"""An error that nobody foresaw: told in a line, reported in a file, and no value of the program in either."""

import stat
from pathlib import Path
from typing import Any, NoReturn

import pytest

from mdterm.app import group
from mdterm.app.crash import KEPT, report
from mdterm.app.dashboard import Dashboard

TOKEN = "planted-token-0123456789"


def fail_with(words: str) -> NoReturn:
    secret_local = TOKEN  # what a traceback with locals would show
    raise RuntimeError(words if secret_local else "")


def error_of(words: str) -> RuntimeError:
    try:
        fail_with(words)
    except RuntimeError as error:
        return error


def test_a_report_tells_where_and_holds_no_value(tmp_path: Path) -> None:
    path = report(error_of(f"cannot read {TOKEN}"), {TOKEN}, tmp_path / "state")
    text = path.read_text()
    assert "fail_with" in text
    assert "RuntimeError: cannot read •••" in text
    assert TOKEN not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_only_the_newest_reports_are_kept(tmp_path: Path) -> None:
    for second in range(30):
        (tmp_path / f"crash-20200101T0000{second:02d}Z-1.txt").write_text("old")
    newest = report(error_of("x"), (), tmp_path)
    kept = sorted(tmp_path.glob("crash-*.txt"))
    assert len(kept) == KEPT
    assert newest in kept
    assert kept[0].name > "crash-20200101T000020Z"


def test_the_command_line_tells_of_it_and_ends_with_70(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash(*args: Any, obj: Any, **options: Any) -> None:
        obj.secrets.add(TOKEN)
        fail_with(f"no {TOKEN}")

    monkeypatch.setattr(group.cli, "main", crash)
    monkeypatch.setattr("mdterm.app.locations.state_folder", lambda: tmp_path)
    monkeypatch.setattr("signal.signal", lambda *args: None)
    assert group.run(["tail"]) == group.CRASHED
    told = capsys.readouterr()
    (written,) = tmp_path.glob("crash-*.txt")
    assert told.out == ""
    assert str(written) in told.err
    assert "RuntimeError: no •••" in told.err
    assert "Traceback" not in told.err
    assert TOKEN not in told.err + written.read_text()


def test_where_no_report_can_be_written_the_words_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("mdterm.app.locations.state_folder", lambda: tmp_path / "file" / "below")
    monkeypatch.setattr(group.cli, "main", lambda **options: fail_with("x"))
    monkeypatch.setattr("signal.signal", lambda *args: None)
    assert group.run(["tail"]) == group.CRASHED
    assert "fail_with" in capsys.readouterr().err


def test_the_screen_hands_the_error_on_and_prints_no_locals(
    port: Any, instruments: Any, clock: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    app = Dashboard(port, instruments, clock=clock)
    app.board.bind_views = lambda: fail_with("in the screen")  # type: ignore[method-assign]
    app.run(headless=True, size=(80, 24))
    assert str(app._exception) == "in the screen"
    told = capfd.readouterr()
    assert TOKEN not in told.out + told.err
    assert "locals" not in told.out + told.err
