"""What leaves the screen: the clipboard's sequence, tables of every panel, files that overwrite nothing."""

import base64
import csv
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from mdterm.app.clipboard import LONGEST, copy_sequence
from mdterm.app.dashboard import Dashboard
from mdterm.app.sheets import csv_of, save, sheets_of
from mdterm.feeds.frames import Curve, LadderFrame, PlotFrame, TapeFrame
from tests.app.standing import make_account, make_chart, make_derivatives, make_quotes


class FakeSink:
    """A terminal that takes everything."""

    def __init__(self) -> None:
        self.written = ""

    def write(self, data: str) -> None:
        self.written += data

    def is_drained(self) -> bool:
        return True


def clip_of(sequence: str) -> str:
    """Return what a terminal would put into its clipboard."""
    found = re.search(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", sequence)
    assert found is not None
    return base64.b64decode(found[1]).decode()


@pytest.mark.parametrize("text", ["61 722.4", "▲ größer\n▼ kleiner", "", "\x1b]0;evil\x07"])
def test_a_terminal_gets_exactly_the_text(text: str) -> None:
    sequence = copy_sequence(text, {})
    assert clip_of(sequence) == text
    assert sequence.startswith("\x1b]52;c;")
    assert sequence.count("\x1b") == 1  # nothing of the text can end the sequence


def test_in_tmux_both_ways_are_taken() -> None:
    plain, _, passed = copy_sequence("x", {"TMUX": "/tmp/tmux-0/default,1,0"}).partition("\x1bPtmux;")
    assert clip_of(plain) == "x"
    assert passed == "\x1b" + plain + "\x1b\\"  # every escape doubled, as tmux wants it


def test_in_screen_it_is_passed_through() -> None:
    assert copy_sequence("x", {"STY": "1.host"}) == f"\x1bP{copy_sequence('x', {})}\x1b\\"


def test_what_no_terminal_takes_is_refused_with_words() -> None:
    assert clip_of(copy_sequence("x" * (LONGEST // 4 * 3), {}))
    with pytest.raises(ValueError, match="more than terminals take"):
        copy_sequence("x" * LONGEST, {})


def test_a_file_is_private_and_overwrites_nothing(tmp_path: Path) -> None:
    first = save("1", tmp_path, "mdterm-tape-../x", "csv")
    second = save("2", tmp_path, "mdterm-tape-../x", "csv")
    assert (first.name, second.name) == ("mdterm-tape-.._x.csv", "mdterm-tape-.._x-2.csv")
    assert (first.read_text(), second.read_text()) == ("1", "2")
    assert first.parent == tmp_path
    assert stat.S_IMODE(first.stat().st_mode) == 0o600


def test_every_panel_has_its_table() -> None:
    names = [
        sheet.name
        for frame in (make_chart(), make_derivatives(), make_quotes(), make_account())
        for sheet in sheets_of(frame)
    ]
    assert names == ["chart-1m", "liquidations", "profile", "watchlist", "balances", "orders"]


@pytest.mark.parametrize("make", [make_chart, make_derivatives, make_quotes, make_account])
def test_every_row_is_as_wide_as_the_head(make: Any) -> None:
    for sheet in sheets_of(make()):
        head, *rows = list(csv.reader(csv_of(sheet).splitlines()))
        assert rows
        assert {len(row) for row in rows} == {len(head)}


def test_a_chart_gives_its_bars_in_full_digits() -> None:
    frame = make_chart()
    (sheet,) = sheets_of(frame)
    rows = list(csv.DictReader(csv_of(sheet).splitlines()))
    assert [float(row["close"]) for row in rows] == [bar.close for bar in frame.bars]
    assert rows[0]["time"].endswith("Z")


def test_a_plot_gives_the_points_of_its_curves() -> None:
    curves = [Curve("bids", [99.0, 100.5], [3.0, 1.0]), Curve("asks", [101.0], [2.5])]
    (depth,) = sheets_of(PlotFrame("sim:X", "depth", "1m", curves, 1, 3, 3))
    assert csv_of(depth).splitlines() == [
        "curve,price,value", "bids,99.0,3.0", "bids,100.5,1.0", "asks,101.0,2.5",
    ]  # fmt: skip
    (cvd,) = sheets_of(PlotFrame("sim:X", "cvd", "1m", [Curve("cvd", [1_763_596_800.25], [-4.0])], 1, 3, 1))
    assert csv_of(cvd).splitlines()[1] == "cvd,2025-11-20T00:00:00.250000Z,-4.0"
    assert sheets_of(PlotFrame("sim:X", "history", "1m", [Curve("close", [], [])], 1, 3, 0)) == []


async def test_the_keys_copy_and_write(
    port: Any, instruments: Any, clock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.delenv("STY", raising=False)
    app = Dashboard(port, instruments, clock=clock)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.pause()
        sink = FakeSink()
        app.outlet.open(sink)
        app.board.tape.focus()
        await pilot.pause()
        app.credit.answered()
        await pilot.press("Y")
        clip = clip_of(sink.written)
        tape, ladder = app.board.tape.frame, app.board.ladder.frame
        assert isinstance(tape, TapeFrame)
        assert isinstance(ladder, LadderFrame)
        assert "TAPE" in clip.splitlines()[0]
        assert f"{tape.rows[0].price:,.1f}".replace(",", " ") in clip.splitlines()[2]
        await pilot.press("e", "E")
        await pilot.pause()
    written = sorted(path.name for path in tmp_path.iterdir())
    assert [name.split("-")[1] + name[-4:] for name in written] == ["screen.svg", "screen.txt", "tape.csv"]
    rows = list(csv.DictReader((tmp_path / written[2]).read_text().splitlines()))
    assert [float(row["price"]) for row in rows] == [one.price for one in tape.rows]
    assert "LADDER" in (tmp_path / written[1]).read_text()
    assert any("clipboard" in notice.words for notice in app.notices.kept)
