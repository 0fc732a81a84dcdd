"""Settings: what wins, what is typed, and what a person is told."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mdterm.app import locations
from mdterm.app.settings import (
    AlltickSettings,
    ExtensionSettings,
    JayxSettings,
    KiyotakaSettings,
    Settings,
    SettingsError,
    load_settings,
    secret_of,
)

NO_ENVIRONMENT: dict[str, str] = {}
SECRET = "5ecretValueThatNobodySees"


class Written:
    """Writes a configuration and reads it back."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self, text: str, *overrides: str, environ: dict[str, str] | None = None) -> Settings:
        self.path.write_text(text, encoding="utf-8")
        self.path.chmod(0o600)
        return load_settings(self.path, overrides, NO_ENVIRONMENT if environ is None else environ)

    def refused(self, text: str, *overrides: str) -> SettingsError:
        with pytest.raises(SettingsError) as caught:
            self.load(text, *overrides)
        return caught.value


@pytest.fixture
def config(tmp_path: Path) -> Written:
    return Written(tmp_path / "config.toml")


def kiyotaka(settings: Settings, name: str = "kiyotaka") -> KiyotakaSettings:
    found = settings.providers[name]
    assert isinstance(found, KiyotakaSettings)
    return found


def jayx(settings: Settings, name: str = "jayx") -> JayxSettings:
    found = settings.providers[name]
    assert isinstance(found, JayxSettings)
    return found


def alltick(settings: Settings, name: str = "alltick") -> AlltickSettings:
    found = settings.providers[name]
    assert isinstance(found, AlltickSettings)
    return found


def test_every_provider_is_there_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locations, "config_file", lambda: tmp_path / "absent.toml")
    settings = load_settings(None, [], NO_ENVIRONMENT)
    assert set(settings.providers) == {"alltick", "kiyotaka", "jayx"}
    assert settings.with_credential == ()
    assert settings.watchlist == ()
    assert settings.fps == 10
    assert settings.origins == {}


def test_a_file_that_was_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such configuration file") as caught:
        load_settings(tmp_path / "absent.toml", [], NO_ENVIRONMENT)
    assert str(caught.value).startswith(str(tmp_path / "absent.toml"))
    assert caught.value.exit_status == 2


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path, [], NO_ENVIRONMENT)


EVERY_KEY = """
watchlist = ["kiyotaka:BINANCE_FUTURES:BTCUSDT", "second:700.HK", "sim:BTCUSDT"]
fps = 4
slow_link = true
theme = "light"
red_up = true
time_zone = "utc"
feed = "shared"
layout = "wide"
keys.quit = "x"
keys."next-symbol" = ["n", "right"]

[providers.alltick]
token = "a"
plan = "all-hk"
stock_url = "wss://one.example/stock"
generic_url = "ws://127.0.0.1:9001/generic"
stock_http_url = "https://one.example/stock"
generic_http_url = "http://127.0.0.1:9001/generic"

[providers.kiyotaka]
token = "k"
region = "europe"
book_url = "ws://127.0.0.1:9001/ws"
nonbook_url = "ws://127.0.0.1:9001/nonbook/ws"
rest_url = "http://127.0.0.1:9001"
auth_header = "X-Other-Key"
compression = "brotli"
block_size = 5
block_sizes."BINANCE_FUTURES:BTCUSDT" = 0.1
block_sizes."kiyotaka:BYBIT:BTCUSDT" = 2
liquidation_side = "order"
[providers.kiyotaka.channels.BLOCK_BOOK_SNAPSHOT]
max_depth = 500
update_frequency = "1s"
group_by_type = 1
quote = "COIN"
category = "*"
[providers.kiyotaka.channels]
TRADE_AGG = { batch_interval = "200ms" }

[providers.jayx]
api_key = "j"
url = "wss://stream.example:8443"
framing = "envelope"
envelope = ["event", "message"]
sio_path = "/io/"
sio_namespace = "/market"
precise = 2
rest_url = "https://rest.example"
tls_verify = false
symbols.BTCUSDT = { tick = 0.01, lot = "0.000001" }

[providers.second]
kind = "alltick"
token = "s"
"""


def test_every_key_is_read_into_its_type(config: Written) -> None:
    settings = config.load(EVERY_KEY)
    assert settings.watchlist == ("kiyotaka:BINANCE_FUTURES:BTCUSDT", "second:700.HK", "sim:BTCUSDT")
    assert (settings.fps, settings.slow_link, settings.theme) == (4.0, True, "light")
    assert (settings.red_up, settings.time_zone, settings.feed, settings.layout) == (
        True,
        "utc",
        "shared",
        "wide",
    )
    assert settings.keys == {"quit": ("x",), "next-symbol": ("n", "right")}

    one = alltick(settings)
    assert (one.name, one.kind, one.plan) == ("alltick", "alltick", "all-hk")
    assert (one.stock_url, one.generic_url) == ("wss://one.example/stock", "ws://127.0.0.1:9001/generic")
    assert one.stock_http_url == "https://one.example/stock"
    assert one.generic_http_url == "http://127.0.0.1:9001/generic"

    two = kiyotaka(settings)
    assert (two.region, two.book_url) == ("europe", "ws://127.0.0.1:9001/ws")
    assert (two.nonbook_url, two.rest_url) == ("ws://127.0.0.1:9001/nonbook/ws", "http://127.0.0.1:9001")
    assert (two.auth_header, two.compression, two.liquidation_side) == ("X-Other-Key", "brotli", "order")
    assert two.block_size == 5
    assert two.block_sizes == {"BINANCE_FUTURES:BTCUSDT": 0.1, "BYBIT:BTCUSDT": 2}
    book = two.channels["BLOCK_BOOK_SNAPSHOT"]
    assert (book.max_depth, book.update_frequency, book.group_by_type) == (500, "1s", True)
    assert (book.quote, book.category) == ("COIN", "*")
    assert two.channels["TRADE_AGG"].batch_interval == "200ms"

    three = jayx(settings)
    assert (three.url, three.framing) == ("wss://stream.example:8443", "envelope")
    assert (three.envelope, three.precise) == (("event", "message"), "2")
    assert (three.sio_path, three.sio_namespace) == ("/io/", "/market")
    assert (three.rest_url, three.tls_verify) == ("https://rest.example", False)
    assert three.symbols["BTCUSDT"].tick == Decimal("0.01")
    assert three.symbols["BTCUSDT"].lot == Decimal("0.000001")

    second = alltick(settings, "second")
    assert (second.name, second.kind) == ("second", "alltick")
    assert settings.with_credential == ("alltick", "kiyotaka", "jayx", "second")
    revealed = [secret.reveal() for each in settings.providers.values() if (secret := secret_of(each))]
    assert revealed == ["a", "k", "j", "s"]


# What wins


def test_a_flag_wins_over_the_file_and_the_file_over_the_default(config: Written) -> None:
    text = "fps = 5\n[providers.kiyotaka]\nregion = 'europe'\ncompression = 'brotli'\n"
    settings = config.load(text, "fps=20", "providers.kiyotaka.region=singapore")
    assert settings.fps == 20
    assert kiyotaka(settings).region == "singapore"
    assert kiyotaka(settings).compression == "brotli"
    origins = {key: origin.source for key, origin in settings.origins.items()}
    assert origins == {
        "fps": "flag",
        "providers.kiyotaka.region": "flag",
        "providers.kiyotaka.compression": "file",
    }
    assert settings.origins["providers.kiyotaka.compression"].line == 4


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("alltick", "MDTERM_ALLTICK_TOKEN"),
        ("kiyotaka", "MDTERM_KIYOTAKA_TOKEN"),
        ("jayx", "MDTERM_JAYX_API_KEY"),
    ],
)
def test_the_environment_serves_the_instance_named_like_its_kind(
    config: Written, name: str, variable: str
) -> None:
    key = "api_key" if name == "jayx" else "token"
    text = f"providers.{name}.{key} = 'of the file'\nproviders.other = {{ kind = '{name}', {key} = 'own' }}\n"
    settings = config.load(text, environ={variable: "of-the-environment"})
    secrets = {each: secret_of(settings.providers[each]) for each in (name, "other")}
    assert {each: secret.reveal() for each, secret in secrets.items() if secret} == {
        name: "of-the-environment",
        "other": "own",
    }
    assert settings.origins[f"providers.{name}.{key}"].source == "environment"
    assert settings.origins[f"providers.{name}.{key}"].place == variable


def test_an_empty_variable_is_no_variable(config: Written) -> None:
    settings = config.load("providers.kiyotaka.token = 'file'", environ={"MDTERM_KIYOTAKA_TOKEN": " "})
    secret = secret_of(settings.providers["kiyotaka"])
    assert secret is not None
    assert secret.reveal() == "file"


def test_a_flag_may_name_a_quoted_key(config: Written) -> None:
    override = 'providers.kiyotaka.block_sizes."BINANCE_FUTURES:A=B" = 0.5'
    assert kiyotaka(config.load("", override)).block_sizes == {"BINANCE_FUTURES:A=B": 0.5}


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("theme=dark", "theme", "dark"),
        ("theme='dark'", "theme", "dark"),
        ("theme=7", "theme", "7"),
        ("theme=a=b", "theme", "a=b"),
        ("slow_link=true", "slow_link", True),
        ("fps=7", "fps", 7.0),
        ('watchlist=["sim:BTCUSDT"]', "watchlist", ("sim:BTCUSDT",)),
        ("keys.quit=x", "keys", {"quit": ("x",)}),
        ("keys.sort.board=['x']", "keys", {"sort.board": ("x",)}),
    ],
)
def test_a_flag_is_a_toml_value_or_else_text(config: Written, override: str, key: str, value: Any) -> None:
    assert getattr(config.load("", override), key) == value


def test_a_flag_cannot_smuggle_a_second_key(config: Written) -> None:
    error = config.refused("", "fps=1\nslow_link=true")
    assert "fps" in str(error)


@pytest.mark.parametrize("override", ["fps", "=1", "a..b=1", ".=1", "a b=1", "[x]\na=1"])
def test_a_flag_that_is_no_pair_is_explained(config: Written, override: str) -> None:
    assert "--set" in str(config.refused("", override))


@pytest.mark.parametrize(
    "override",
    [
        f"providers.kiyotaka.token={SECRET}",
        f"providers.kiyotaka.token.env={SECRET}",
        f"providers.jayx.api_key={SECRET}",
        f"token={SECRET}",
        f'providers.kiyotaka={{token="{SECRET}"}}',
        f'providers={{x={{y=[{{api_key="{SECRET}"}}]}}}}',
    ],
)
def test_a_secret_is_not_taken_from_the_command_line(config: Written, override: str) -> None:
    words = str(config.refused("", override))
    assert SECRET not in words
    assert "process list" in words
    assert "MDTERM_KIYOTAKA_TOKEN" in words


# What a person is told


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("fsp = 1", 1, "fsp", "did you mean fps?"),
        ("# x\n\nTheme = 'a'", 3, "Theme", "did you mean theme?"),
        (
            "[providers.kiyotaka]\nregion = 'europe'\nregoin = 'x'",
            3,
            "providers.kiyotaka.regoin",
            "mean region?",
        ),
        ("providers.alltick = { plan = 'basic', url = 'x' }", 1, "providers.alltick.url", "stock_url"),
        ("[providers.kiyotka]", 1, "providers.kiyotka", "did you mean kiyotaka?"),
        ("[providers.mine]\ntoken = 'x'", 1, "providers.mine", "kind = one of alltick, kiyotaka, jayx"),
        ("[providers.mine]\nkind = 'alltik'", 2, "providers.mine.kind", "did you mean alltick?"),
        ("[providers.mine]\nkind = 1", 2, "providers.mine.kind", "expected a string"),
        ("[providers.sim]\nkind = 'jayx'", 1, "providers.sim", "simulated"),
        ("[providers.'a:b']\nkind = 'jayx'", 1, 'providers."a:b"', "letters"),
        ("providers = 1", 1, "providers", "expected a table"),
        ("providers.jayx = 1", 1, "providers.jayx", "expected a table"),
        ("provider.jayx.url = 'ws://x'", 1, "provider", "did you mean providers?"),
        ("\nfps = 'fast'", 2, "fps", "expected a number from 0.1 to 60, got a string"),
        ("fps = 0", 1, "fps", "from 0.1 to 60"),
        ("fps = nan", 1, "fps", "from 0.1 to 60"),
        ("slow_link = 1", 1, "slow_link", "expected true or false, got a whole number"),
        ("theme = ''", 1, "theme", "expected a name"),
        ("theme = 2026-01-01", 1, "theme", "got a date or time"),
        ("time_zone = 'Mars/Base'", 1, "time_zone", "Asia/Tokyo"),
        ("feed = 'other'", 1, "feed", "one of auto, own or shared"),
        ("watchlist = 'sim:BTC'", 1, "watchlist", "expected a list of strings, got a string"),
        ("watchlist = [\n'sim:BTC',\n'BTC']", 3, "watchlist", "BTC"),
        ("watchlist = [\n'sim:BTC',\n'kiyotak:BTC']", 3, "watchlist", "did you mean kiyotaka?"),
        ("keys.quit = 1", 1, "keys.quit", "expected a key or a list of keys, got a whole number"),
        ("keys.quit = ['']", 1, "keys.quit", "expected a key"),
        ("[providers.alltick]\nplan = 'gold'", 2, "providers.alltick.plan", "one of free, basic,"),
        ("[providers.alltick]\nstock_url = 'http://x'", 2, "providers.alltick.stock_url", "ws:// or wss://"),
        ("[providers.alltick]\nstock_url = 'ws://x?token=1'", 2, "providers.alltick.stock_url", "ws:// or"),
        (
            "[providers.kiyotaka]\nblock_size = 'big'",
            2,
            "providers.kiyotaka.block_size",
            "auto or a number above 0",
        ),
        (
            "[providers.kiyotaka.block_sizes]\n'BYBIT:A' = 'x'",
            2,
            'providers.kiyotaka.block_sizes."BYBIT:A"',
            "expected a number above 0, got a string",
        ),
        (
            "[providers.kiyotaka]\nblock_size = inf",
            2,
            "providers.kiyotaka.block_size",
            "auto or a number above 0",
        ),
        ("[providers.kiyotaka]\nblock_sizes = 1", 2, "providers.kiyotaka.block_sizes", "expected a table"),
        (
            "[providers.kiyotaka.channels]\nTRADES = {}",
            2,
            "providers.kiyotaka.channels.TRADES",
            "mean TRADE?",
        ),
        (
            "[providers.kiyotaka.channels]\nTRADE = 1",
            2,
            "providers.kiyotaka.channels.TRADE",
            "expected a table",
        ),
        (
            "[providers.kiyotaka.channels.TRADE_AGG]\n\nbatch_interval = 200",
            3,
            "providers.kiyotaka.channels.TRADE_AGG.batch_interval",
            'such as "200ms"',
        ),
        (
            "[providers.kiyotaka.channels.TRADE_AGG]\nbatch_intervall = '1s'",
            2,
            "providers.kiyotaka.channels.TRADE_AGG.batch_intervall",
            "mean batch_interval?",
        ),
        ("[providers.jayx]\nenvelope = ['event']", 2, "providers.jayx.envelope", "two names"),
        ("[providers.jayx.symbols.A]\ntick = 0", 2, "providers.jayx.symbols.A.tick", "above 0"),
        ("[providers.jayx.symbols.A]\ntick = 'NaN'", 2, "providers.jayx.symbols.A.tick", "above 0"),
        ("[providers.jayx.symbols.A]\ntick = true", 2, "providers.jayx.symbols.A.tick", "above 0"),
        ("[providers.jayx]\napi_key = 1", 2, "providers.jayx.api_key", "{ env ="),
        ("[providers.jayx]\napi_key = ''", 2, "providers.jayx.api_key", "not empty"),
        ("[providers.jayx]\napi_key = { var = 'X' }", 2, "providers.jayx.api_key", "{ env ="),
        ("[providers.jayx]\napi_key = { command = 'pass x' }", 2, "providers.jayx.api_key", "command = ["),
        ("[providers.jayx]\napi_key = { command = [] }", 2, "providers.jayx.api_key", "command = ["),
        ("[providers.jayx]\nname = 'x'", 2, "providers.jayx.name", "unknown key"),
    ],
)
def test_a_fault_names_file_line_key_and_remedy(
    config: Written, text: str, line: int, key: str, words: str
) -> None:
    error = config.refused(text)
    assert (error.path, error.line, error.key) == (config.path, line, key)
    assert str(error).startswith(f"{config.path}:{line}: {key}: ")
    assert words in str(error)
    assert len(error.problems) == 1


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"a = 1\nb = = 2\n", 2, "Invalid value"),
        (b"a = 1\na = 2\n", 2, "Cannot overwrite"),
        (b"a = 1\n\ns = '''x\n", 4, "end of the file"),
        (b"a = 1\n\xff\n", 2, "UTF-8"),
        (b"[t\n", 1, "Expected"),
    ],
)
def test_a_broken_file_names_its_line(config: Written, content: bytes, line: int, words: str) -> None:
    config.path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load_settings(config.path, [], NO_ENVIRONMENT)
    assert str(caught.value).startswith(f"{config.path}:{line}: ")
    assert words in str(caught.value)


def test_a_byte_order_mark_is_no_fault(config: Written) -> None:
    config.path.write_bytes(b"\xef\xbb\xbffps = 3\n")
    assert load_settings(config.path, [], NO_ENVIRONMENT).fps == 3


def test_all_faults_are_told_in_the_order_of_the_file(config: Written) -> None:
    error = config.refused("fps = 'x'\nlayuot = 1\n[providers.jayx]\nurl = 1\n", "red_up=perhaps")
    assert [(each.line, each.key) for each in error.problems] == [
        (1, "fps"),
        (2, "layuot"),
        (4, "providers.jayx.url"),
        (None, "red_up"),
    ]
    assert str(error).splitlines()[3].startswith("--set: red_up: expected true or false")


def test_a_key_with_an_escape_sequence_is_spelt_out(config: Written) -> None:
    words = str(config.refused('"\\u001b[31m" = 1'))
    assert "\x1b" not in words
    assert "\\x1b" in words


def test_words_hold_no_secret_that_stands_in_the_wrong_place(config: Written) -> None:
    places = ("tokn", "fps", "providers.kiyotaka.region", "providers.kiyotaka.tokne", "providers.jayx.url")
    error = config.refused("".join(f"{key} = '{SECRET}'\n" for key in places))
    assert len(error.problems) == len(places)
    assert SECRET not in str(error)


def test_a_caller_can_refuse_a_value_with_its_place(config: Written) -> None:
    settings = config.load("\ntheme = 'nosuch'\n", "layout=odd")
    assert str(settings.error("theme", "no such theme")) == f"{config.path}:2: theme: no such theme"
    assert str(settings.error("layout", "no such layout")) == "--set: layout: no such layout"
    assert (
        str(settings.error("providers.jayx.symbols.A.tick", "needed"))
        == "providers.jayx.symbols.A.tick: needed"
    )


# Secrets in the file


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_secret_that_others_can_read_is_refused(config: Written, mode: int) -> None:
    config.load(text := f"fps = 5\n[providers.kiyotaka]\ntoken = '{SECRET}'\n")
    config.path.chmod(mode)
    for environ in (NO_ENVIRONMENT, {"MDTERM_KIYOTAKA_TOKEN": "other"}):
        with pytest.raises(SettingsError, match="chmod 600") as caught:
            load_settings(config.path, [], environ)
        assert caught.value.line == text.splitlines().index(f"token = '{SECRET}'") + 1
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize("text", ["fps = 5", "providers.jayx.api_key = { env = 'X' }"])
def test_a_file_without_a_literal_secret_may_be_open(config: Written, text: str) -> None:
    config.load(text)
    config.path.chmod(0o644)
    load_settings(config.path, [], NO_ENVIRONMENT)


def test_loading_resolves_no_secret(config: Written, tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    settings = config.load(f"providers.jayx.api_key = {{ command = ['touch', '{witness}'] }}")
    assert secret_of(settings.providers["jayx"]) is not None
    assert not witness.exists()


def test_a_provider_of_another_package_checks_its_own_keys(
    config: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mdterm.app.settings._extension_kinds", lambda: ["acme"])
    settings = config.load(
        f"[providers.acme]\ntoken = '{SECRET}'\nanything = [1]\n[providers.b]\nkind = 'acme'\n"
    )
    acme = settings.providers["acme"]
    assert isinstance(acme, ExtensionSettings)
    assert acme.options["anything"] == [1]
    assert SECRET not in repr(acme)
    assert settings.with_credential == ("acme",)
    assert settings.providers["b"].kind == "acme"
