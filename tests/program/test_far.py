"""`mdterm ssh` through a real ssh daemon: the screen here, the feed there, and what becomes of the way."""

import os
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import feeding, screen
from tests.program.dashboard import channels_of, wait_for_truth
from tests.program.launch import TOKEN, environment, run
from tests.program.market import Market
from tests.program.slow_link import SlowLink
from tests.program.ssh import IS_THERE, Sshd
from tests.program.terminal import Terminal
from tests.program.venue import Venue

pytestmark = pytest.mark.skipif(not IS_THERE, reason="no sshd here")

KEY = {"MDTERM_KIYOTAKA_TOKEN": TOKEN}
SYMBOLS = ("BTCUSDT", "ETHUSDT")
LOST_S = 4.0


class Far:
    """Two homes, a server between them, and a link that can be cut."""

    def __init__(self, folder: Path, sshd: Sshd, link: SlowLink, venue: Venue) -> None:
        self.sshd, self.link, self.venue = sshd, link, venue
        self.here, self.there = folder / "here", folder / "there"
        self.here.mkdir()
        words = environment(self.there, KEY)
        env = " ".join(shlex.quote(f"{name}={value}") for name, value in words.items())
        program = f"{sys.executable} -m mdterm.app.main"
        self.remote = f"env -i {env} {program} {shlex.join(venue.options())}"

    def arguments(self, *addresses: str, remote: str | None = None, **options: str) -> list[str]:
        """Return the arguments of `mdterm ssh`."""
        called = ["--remote-command", remote or self.remote]
        return ["ssh", "127.0.0.1", *addresses, *called, "--", *self.sshd.options(self.link.port, **options)]

    def screen(self, *addresses: str, columns: int = 120, lines: int = 40) -> Terminal:
        """Open a screen here."""
        return Terminal(self.here, *self.arguments(*addresses), columns=columns, lines=lines)

    def refused(self, *, remote: str | None = None, **options: str) -> tuple[int, str]:
        """Return the status and the words of a screen that cannot be opened."""
        with Terminal(self.here, *self.arguments(remote=remote, **options)) as terminal:
            status = terminal.wait()
            assert not terminal.mode_changes, "a screen was opened"
            return status, terminal.words()


@pytest.fixture
def markets() -> list[Market]:
    return [
        Market(symbol, 0.1, price, seed=6) for symbol, price in zip(SYMBOLS, (61_800.0, 2_680.0), strict=True)
    ]


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    for name in ("sshd", "there"):
        (tmp_path / name).mkdir()
    with (
        Venue(block_sizes=dict.fromkeys(SYMBOLS, 0.1)) as venue,
        Sshd(tmp_path / "sshd") as sshd,
        SlowLink(sshd.port) as link,
        feeding.at(tmp_path / "there"),
    ):
        yield Far(tmp_path, sshd, link, venue)


def addresses(markets: list[Market]) -> list[str]:
    return [f"kiyotaka:{market.symbol}" for market in markets]


def word(terminal: Terminal, panel: str) -> str:
    return screen.state(terminal.lines(), panel).word


def leave(terminal: Terminal) -> None:
    terminal.press("q")
    assert terminal.wait() == 0
    assert terminal.words() == ""
    assert terminal.is_left()


def publish(far: Far, market: Market, trades: int) -> None:
    far.venue.publish(market.trade(trades) + market.book())


def test_the_market_there_is_seen_here_and_what_a_cut_link_missed_is_there_afterwards(
    far: Far, markets: list[Market]
) -> None:
    first, second = markets
    with far.screen(*addresses(markets)) as terminal:
        far.venue.wait_subscribed(*channels_of([first]))
        for count in (50, 1, 3, 40):
            publish(far, first, count)
            wait_for_truth(terminal, first)
        # Another symbol, and back.
        terminal.press("]")
        far.venue.wait_subscribed(*channels_of([second]))
        publish(far, second, 30)
        wait_for_truth(terminal, second)
        terminal.press("[")
        wait_for_truth(terminal, first)
        assert far.link.connections == 1
        # The link dies; nothing is lost, for the feed there goes on.
        far.link.is_shut = True
        far.link.cut()
        terminal.wait_for(lambda lines: screen.state(lines, "TAPE").word == "RECONNECTING", LOST_S)
        terminal.wait_for(lambda lines: any("127.0.0.1" in line for line in lines))
        publish(far, first, 70)
        publish(far, second, 20)
        far.link.is_shut = False
        wait_for_truth(terminal, first, within=30)
        terminal.wait_for(lambda lines: screen.state(lines, "TAPE").word == "LIVE")
        assert screen.trade_count(terminal.lines()) == len(first.trades)
        assert far.link.connections >= 2
        publish(far, first, 5)
        wait_for_truth(terminal, first)
        leave(terminal)
    assert sorted(far.venue.sockets_opened) == ["book", "nonbook"]


def test_a_screen_that_comes_back_finds_everything_as_the_feed_has_it(
    far: Far, markets: list[Market]
) -> None:
    market = markets[0]
    with far.screen(*addresses(markets)) as terminal:
        far.venue.wait_subscribed(*channels_of([market]))
        publish(far, market, 50)
        wait_for_truth(terminal, market)
        terminal.signal(signal.SIGKILL)  # the laptop is gone
        terminal.process.wait(20)
    publish(far, market, 60)
    with far.screen(*addresses(markets), columns=80, lines=24) as terminal:
        wait_for_truth(terminal, market)
        assert screen.trade_count(terminal.lines()) == len(market.trades)
        leave(terminal)
    assert sorted(far.venue.sockets_opened) == ["book", "nonbook"]


def test_a_feed_that_dies_there_leaves_a_gap_and_one_that_was_stopped_is_left_alone(
    far: Far, markets: list[Market]
) -> None:
    market = markets[0]
    with far.screen(*addresses(markets)) as terminal:
        far.venue.wait_subscribed(*channels_of([market]))
        publish(far, market, 50)
        wait_for_truth(terminal, market)
        told = feeding.status(far.there)
        assert told is not None
        assert [one["role"] for one in told["clients"]] == ["screen"]
        feeding.kill(told["pid"])
        terminal.wait_for(lambda lines: screen.state(lines, "TAPE").word == "RECONNECTING", LOST_S)
        far.venue.wait_for(lambda: len(far.venue.sockets_opened) == 4)
        far.venue.wait_subscribed(*channels_of([market]))
        del market.trades[:]
        publish(far, market, 40)
        terminal.wait_for(lambda lines: screen.trade_count(lines) == len(market.trades))
        terminal.wait_for(lambda lines: screen.state(lines, "TAPE").word == "GAP")
        assert run(far.there, "feed", "stop").returncode == 0
        terminal.wait_for(lambda lines: any("feed was stopped" in line for line in lines))
        logins = far.link.connections
        terminal.wait_for(lambda _: far.link.connections > logins)
        assert feeding.status(far.there) is None
        feeding.start(far.there, *far.venue.options(), env=KEY)
        terminal.wait_for(lambda lines: screen.state(lines, "LADDER").word != "RECONNECTING", 40)
        far.venue.wait_subscribed(*channels_of([market]))
        far.venue.publish(market.book())
        terminal.wait_for(lambda lines: screen.state(lines, "LADDER").word == "LIVE")
        leave(terminal)


def test_the_daemon_that_ends_is_waited_for(far: Far, markets: list[Market]) -> None:
    market = markets[0]
    with far.screen(*addresses(markets)) as terminal:
        far.venue.wait_subscribed(*channels_of([market]))
        publish(far, market, 10)
        wait_for_truth(terminal, market)
        far.sshd.kill()
        far.link.cut()
        terminal.wait_for(lambda lines: screen.state(lines, "TAPE").word == "RECONNECTING", LOST_S)
        publish(far, market, 10)
        terminal.press("L")
        terminal.wait_for(lambda lines: any("127.0.0.1" in line for line in lines))
        terminal.press("\x1b")
        far.sshd.start()
        wait_for_truth(terminal, market, within=40)
        leave(terminal)


def test_the_default_watchlist_is_the_other_machines(far: Far, markets: list[Market]) -> None:
    config = far.there / "config" / "mdterm"
    config.mkdir(parents=True)
    (config / "config.toml").write_text('watchlist = ["kiyotaka:ETHUSDT", "kiyotaka:BTCUSDT"]\n')
    mine = far.here / "config" / "mdterm"
    mine.mkdir(parents=True)
    (mine / "config.toml").write_text('watchlist = ["sim:BTCUSDT"]\ntheme = "light"\n')
    with far.screen() as terminal:
        far.venue.wait_subscribed(*channels_of([markets[1]]))
        publish(far, markets[1], 10)
        wait_for_truth(terminal, markets[1])
        assert terminal.ground(0, 20) not in ("default", "000000")  # the theme of here
        terminal.wait_for(lambda lines: any("2 BTCUSDT" in line for line in lines))
        leave(terminal)


def test_a_host_whose_key_changed_is_not_trusted(far: Far) -> None:
    known = far.here / "known_hosts"
    (far.here / "other").mkdir()
    with Sshd(far.here / "other") as other:
        host = (far.here / "other" / "host.pub").read_text().split(" ", 2)
        known.write_text(f"[127.0.0.1]:{far.link.port} {host[0]} {host[1]}\n")
        assert other.port
    status, words = far.refused(StrictHostKeyChecking="yes", UserKnownHostsFile=str(known), LogLevel="INFO")
    assert status == 4
    assert words.startswith("mdterm: 127.0.0.1 cannot be reached: ")
    assert "Host key verification failed." in words


def test_who_is_not_let_in_hears_why(far: Far) -> None:
    status, words = far.refused(IdentityFile="/dev/null", PubkeyAuthentication="no")
    assert status == 4
    assert "Permission denied" in words


def test_what_ssh_asks_is_answered_before_there_is_a_screen(far: Far, markets: list[Market]) -> None:
    known = str(far.here / "known_hosts")
    asks = {"StrictHostKeyChecking": "ask", "UserKnownHostsFile": known}
    arguments = far.arguments(*addresses(markets), **asks)
    with Terminal(far.here, *arguments, columns=120, lines=40) as terminal:
        terminal.wait_for(lambda lines: any("continue connecting" in line for line in lines))
        assert not terminal.mode_changes
        terminal.press("yes\n")
        far.venue.wait_subscribed(*channels_of(markets[:1]))
        publish(far, markets[0], 10)
        wait_for_truth(terminal, markets[0])
        # Afterwards nothing is asked: where it would be, that is why the panels stand still.
        Path(known).unlink()
        far.link.cut()
        terminal.wait_for(lambda lines: any("RECONNECTING" in line and "try 2" in line for line in lines))
        terminal.press("L")
        terminal.wait_for(lambda lines: any("Host key verification failed" in line for line in lines))
        terminal.press("L")
        terminal.wait_for(lambda lines: screen.has_panel(lines, "CHART"))
        assert word(terminal, "TAPE") == "RECONNECTING"
        leave(terminal)


def test_a_machine_that_is_not_there_is_told(far: Far) -> None:
    far.link.is_shut = True
    status, words = far.refused()
    assert status == 4
    assert words.startswith("mdterm: 127.0.0.1 cannot be reached: ")


@pytest.mark.parametrize("remote", ["mdterm-is-not-here", "/nowhere/mdterm"])
def test_where_mdterm_is_not_installed_it_is_told_how(far: Far, remote: str) -> None:
    status, words = far.refused(remote=remote)
    assert status == 2
    assert words.startswith("mdterm: mdterm cannot be run on 127.0.0.1 (")
    assert "pipx install mdterm" in words
    assert "--remote-command" in words


def test_what_mdterm_says_there_is_told_with_its_status(far: Far) -> None:
    status, words = far.refused(remote=f"{far.remote} --set=nonsense=1")
    assert status == 2
    assert words.startswith("mdterm: on 127.0.0.1: ")


def test_another_version_of_the_port_is_told(far: Far) -> None:
    said = "b'\\\\0mdterm port\\\\n' + len(b).to_bytes(4, 'big') + b"
    body = "b = b'\\\\x83\\\\xa4type\\\\xa7refusal\\\\xa5words\\\\xa9version 9\\\\xa6status\\\\x02'"
    script = f"import os; {body}; os.write(1, {said}); os.read(0, 1)"
    status, words = far.refused(remote=f'{sys.executable} -c "{script}"')
    assert (status, words) == (2, "mdterm: version 9\n")


def test_a_shell_that_talks_does_no_harm(far: Far, markets: list[Market]) -> None:
    arguments = far.arguments(*addresses(markets), remote=f"echo Welcome; printf '\\0\\0'; {far.remote}")
    with Terminal(far.here, *arguments, columns=80, lines=24) as terminal:
        far.venue.wait_subscribed(*channels_of(markets[:1]))
        publish(far, markets[0], 10)
        wait_for_truth(terminal, markets[0])
        leave(terminal)


def test_no_key_of_a_provider_crosses(far: Far, markets: list[Market]) -> None:
    """What the other machine says is kept before ssh makes it unreadable."""
    tap = far.here / "tap"
    # The login carries the environment of this test's own making; everything after it is mdterm's.
    arguments = far.arguments(
        *addresses(markets), remote=f"{far.remote} 2>&1 feed --stdio | tee {tap}; exit; :"
    )
    log = far.here / "log"
    with Terminal(far.here, "--log-file", str(log), "--log-level", "debug", *arguments) as terminal:
        far.venue.wait_subscribed(*channels_of(markets[:1]))
        publish(far, markets[0], 10)
        wait_for_truth(terminal, markets[0])
        leave(terminal)
    assert far.venue.tokens == [TOKEN, TOKEN]
    said = tap.read_bytes()
    assert b"mdterm port" in said
    assert TOKEN.encode() not in said + _plain(said) + bytes(terminal.received) + log.read_bytes()
    for path in far.here.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes(), path


def _plain(said: bytes) -> bytes:
    """Return what was said, decompressed."""
    import zlib

    start = said.index(b"mdterm port\n") + len(b"mdterm port\n")
    length = int.from_bytes(said[start : start + 4], "big")
    plain = zlib.decompressobj(-zlib.MAX_WBITS).decompress(said[start + 4 + length :])
    assert b"frames" in plain or b"changes" in plain
    return plain


def test_over_a_thin_link_one_frame_set_is_under_way(far: Far, markets: list[Market]) -> None:
    market = markets[0]
    far.link.bytes_per_s, far.link.delay_s = 10_000, 0.1
    with far.screen(*addresses(markets)) as terminal:
        far.venue.wait_subscribed(*channels_of([market]))
        for _ in range(40):
            publish(far, market, 20)
            terminal.wait_for_frame()
        # Nothing has piled up: the newest book stands a moment later.
        publish(far, market, 20)
        wait_for_truth(terminal, market, within=3)
        leave(terminal)


def test_ssh_that_is_not_installed_and_hosts_that_are_none(tmp_path: Path) -> None:
    done = run(tmp_path, "ssh", "somewhere", env={"PATH": str(tmp_path)})
    assert (done.returncode, done.stderr) == (
        2,
        "mdterm: ssh was not found: install an OpenSSH client (package openssh-client)\n",
    )
    done = run(tmp_path, "ssh", "", env=dict(os.environ))
    assert done.returncode == 2
    assert "is no host" in done.stderr
