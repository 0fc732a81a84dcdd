"""`mdterm symbols`: one address a line, from tables where there are some and from the provider elsewhere."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mdterm.app.main import main
from mdterm.feeds.kiyotaka.http import KiyotakaHistory
from mdterm.feeds.sim.faults import parse_faults
from mdterm.feeds.sim.venue import VenueConfig, VenueThread

Run = Callable[..., tuple[int, list[str], str]]
CONFIG = """
[providers.jayx.symbols.ETHUSDT]
tick = 0.01
lot = 0.001
[providers.jayx.symbols.BTCUSDT]
tick = 0.1
lot = 0.001
[providers.desk]
kind = "kiyotaka"
token = "another-s3cret"
"""


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run `mdterm symbols` in this process; return status, lines and words."""
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    path.chmod(0o600)
    monkeypatch.delenv("MDTERM_KIYOTAKA_TOKEN", raising=False)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def run_main(*arguments: str) -> tuple[int, list[str], str]:
        try:
            status = main(["--config", str(path), "symbols", *arguments])
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        out, err = capfd.readouterr()
        return status, out.splitlines(), err

    return run_main


@pytest.fixture
def venue(request: pytest.FixtureRequest) -> Iterator[str]:
    """Serve a market with the faults of the parameter; give the address of its REST service."""
    thread = VenueThread(VenueConfig(faults=parse_faults(getattr(request, "param", ""))))
    try:
        yield thread.start()["providers.kiyotaka.rest_url"]
    finally:
        thread.stop()


def test_the_simulated_market_tells_its_own(run: Run) -> None:
    status, lines, err = run("sim")
    assert (status, err) == (0, "")
    assert {"sim:BTCUSDT", "sim:ETHUSDT"} < set(lines)
    assert run("sim", "eth") == (0, ["sim:ETHUSDT"], "")


def test_alltick_has_a_table_that_needs_no_key(run: Run) -> None:
    status, lines, err = run("alltick")
    assert (status, err) == (0, "")
    assert len(lines) > 100
    assert all(line.startswith("alltick:") for line in lines)
    assert run("alltick", "xauusd")[1][0] == "alltick:GOLD"
    assert run("alltick", "tencent")[1] == ["alltick:700.HK"]
    assert run("alltick", "1234.hk")[1] == ["alltick:1234.HK"]


def test_jayx_has_what_is_configured(run: Run) -> None:
    assert run("jayx") == (0, ["jayx:ETHUSDT", "jayx:BTCUSDT"], "")
    assert run("jayx", "btc") == (0, ["jayx:BTCUSDT"], "")


def test_what_is_not_found_is_no_failure(run: Run) -> None:
    assert run("sim", "nothing is called so") == (0, [], "")


def test_another_instance_of_a_provider_is_asked_under_its_own_name(run: Run, venue: str) -> None:
    status, lines, err = run("--set", f"providers.desk.rest_url={venue}", "desk", "btc", "usdt")
    assert (status, err) == (0, "")
    assert lines
    assert lines[0].startswith("desk:")
    assert lines[0].endswith(":BTCUSDT")


@pytest.mark.parametrize("venue", ["refuse:rest=401"], indirect=True)
def test_a_refused_key_ends_with_3(run: Run, venue: str) -> None:
    status, lines, err = run("--set", f"providers.desk.rest_url={venue}", "desk")
    assert (status, lines) == (3, [])
    assert err.startswith("mdterm: provider 'desk': the key is not accepted")
    assert "another-s3cret" not in err


def test_an_unreachable_service_ends_with_4(run: Run) -> None:
    status, lines, err = run("--set", "providers.desk.rest_url=http://127.0.0.1:1", "desk")
    assert (status, lines) == (4, [])
    assert "another-s3cret" not in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nobody"], "there is no provider 'nobody'"),
        (["kiyotaka"], "has no key"),
        ([], "PROVIDER"),
    ],
)
def test_wrong_usage_ends_with_2(run: Run, arguments: list[str], words: str) -> None:
    status, lines, err = run(*arguments)
    assert (status, lines) == (2, [])
    assert words in err


def test_what_a_provider_answers_reaches_no_terminal_raw(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def search(self: KiyotakaHistory, query: str) -> list[str]:
        return ["desk:A\x1b[2J", "desk:B\u202eX", "desk:" + "C" * 1000]

    monkeypatch.setattr(KiyotakaHistory, "search", search)
    status, lines, err = run("desk")
    assert (status, err) == (0, "")
    assert lines[:2] == ["desk:A·[2J", "desk:B·X"]
    assert len(lines[2]) == 200
