"""Whether two processes would open the same connections."""

from pathlib import Path

from mdterm.app.fingerprint import fingerprint
from mdterm.app.settings import load_settings

KEY = "tok3n-that-nobody-may-see"


def printed(path: Path, text: str, *overrides: str, **environ: str) -> str:
    path = path / "config.toml"
    path.write_text(text)
    path.chmod(0o600)
    return fingerprint(load_settings(path, overrides, environ))


def test_the_same_settings_are_the_same_however_they_are_written(tmp_path: Path) -> None:
    one = printed(tmp_path, f'[providers.alltick]\ntoken = "{KEY}"\nplan = "premium"\n')
    assert one == printed(tmp_path, f'[providers.alltick]\nplan = "premium"\ntoken = "{KEY}"\n')
    assert one == printed(
        tmp_path, f'[providers.alltick]\ntoken = "{KEY}"\n', "providers.alltick.plan=premium"
    )
    assert KEY not in one


def test_what_no_connection_depends_on_does_not_count(tmp_path: Path) -> None:
    assert printed(tmp_path, "") == printed(tmp_path, 'theme = "light"\nfeed = "shared"\nfps = 3\n')


def test_every_difference_of_a_provider_counts(tmp_path: Path) -> None:
    found = {
        printed(tmp_path, ""),
        printed(tmp_path, f'providers.alltick.token = "{KEY}"'),
        printed(tmp_path, 'providers.alltick.token = "another"'),
        printed(tmp_path, 'providers.alltick.token = { env = "T" }'),
        printed(tmp_path, 'providers.alltick.token = { env = "T" }', T="1"),
        printed(tmp_path, 'providers.alltick.token = { env = "T" }', T="2"),
        printed(tmp_path, 'providers.alltick.token = { env = "U" }', T="2", U="2"),
        printed(tmp_path, "", MDTERM_ALLTICK_TOKEN=KEY),
        printed(tmp_path, 'providers.alltick.token = { command = ["pass", "a"] }'),
        printed(tmp_path, 'providers.alltick.token = { command = ["pass a"] }'),
        printed(tmp_path, 'providers.kiyotaka.region = "europe"'),
        printed(tmp_path, "", "providers.kiyotaka.region=singapore", "providers.kiyotaka.block_size=5"),
        printed(tmp_path, '[providers.second]\nkind = "alltick"\n'),
        printed(tmp_path, '[providers.jayx.symbols.BTCUSDT]\ntick = "0.1"\n'),
        printed(tmp_path, '[providers.jayx.symbols.BTCUSDT]\ntick = "0.01"\n'),
    }
    assert len(found) == 15


def test_no_command_is_run_for_it(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    printed(tmp_path, f'providers.alltick.token = {{ command = ["touch", "{mark}"] }}')
    assert not mark.exists()
