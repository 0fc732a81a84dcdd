"""Settings written out as TOML: the commented file of `config init`, and what is in force."""

import importlib.metadata
import re
import textwrap
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal, get_origin, get_type_hints

import msgspec

from mdterm.app.secrets import Secret
from mdterm.app.settings import Settings
from mdterm.app.settings_problems import expected, printable
from mdterm.app.settings_schema import (
    BUILT_IN,
    SECRET_KEYS,
    SECRET_VARIABLES,
    ChannelSettings,
    ExtensionSettings,
    GeneralSettings,
    ProviderSettings,
    SymbolSettings,
)
from mdterm.app.settings_sources import dotted

# Where the program decides when the key is absent, the template shows what one might write.
_EXAMPLES: dict[str, Any] = {
    "watchlist": ["kiyotaka:BINANCE_FUTURES:BTCUSDT", "kiyotaka:BINANCE_FUTURES:ETHUSDT"],
    "theme": "dark",
    "theme_dir": "themes",
    "layout": "trader",
    "block_sizes": {"BINANCE_FUTURES:BTCUSDT": 5.0},
    "channels": {
        "TRADE_AGG": ChannelSettings(batch_interval="1s"),
        "BLOCK_BOOK_SNAPSHOT": ChannelSettings(
            max_depth=500, update_frequency="500ms", group_by_type=False, quote="COIN", category="*"
        ),
    },
    "symbols": {"BTCUSDT": SymbolSettings(tick=Decimal("0.01"), lot=Decimal("0.000001"))},
    "keys": {"quit": ["q"]},
    "groups": {"majors": ["kiyotaka:BINANCE_FUTURES:BTCUSDT", "kiyotaka:BINANCE_FUTURES:ETHUSDT"]},
}
_TABLES = ("groups", "keys")
"""The general keys that are tables: they stand behind the others, as TOML demands."""


def template() -> str:
    """Write the commented configuration that documents every key."""
    return "\n".join(_template_lines()) + "\n"


def _template_lines() -> Iterator[str]:
    yield from (
        "# mdterm's configuration. It is yours: mdterm only reads it.",
        "# Every key is shown with its default or an example; take away the # to set it.",
        "# A flag wins over the environment, the environment over this file: mdterm --set fps=4",
        "# `mdterm config check` finds mistakes, `mdterm config show` says what is in force and why.",
        "",
    )
    defaults = GeneralSettings()
    for key, hint in _hints(GeneralSettings):
        if key not in _TABLES:
            yield from _comment(hint)
            value = getattr(defaults, key)
            yield f"# {key} = {toml(_EXAMPLES.get(key, value) if value in (None, ()) else value)}"
            yield ""
    for table in _TABLES:
        yield from _comment(dict(_hints(GeneralSettings))[table])
        yield f"[{table}]"
        yield from (f"# {key} = {toml(value)}" for key, value in _EXAMPLES[table].items())
        yield from ("",) if table != _TABLES[-1] else ()
    connectable = {entry.name for entry in importlib.metadata.entry_points(group="mdterm.providers")}
    for kind, struct in BUILT_IN.items():
        yield from ("", "", f"[providers.{kind}]")
        if kind not in connectable:
            yield "# This version reads these keys but cannot connect to this provider yet."
        yield from _provider_lines(kind, struct())
    yield from (
        "",
        "# A second account of a provider is a table with a name of its own, with which its addresses begin:",
        "#   [providers.desk2]",
        '#   kind = "kiyotaka"',
    )


def _provider_lines(kind: str, defaults: ProviderSettings) -> Iterator[str]:
    tables = []
    for key, hint in _hints(type(defaults)):
        if key in ("name", "kind"):
            continue
        value = getattr(defaults, key)
        if isinstance(value, dict):
            tables.append((key, hint))
            continue
        yield from _comment(hint)
        if key in SECRET_KEYS:
            yield f'# Also {{ env = "NAME" }}, {{ command = ["pass", "show", "{kind}"] }}, or the environment'
            yield f"# variable {SECRET_VARIABLES[kind][1]}. A key in this file is for your eyes: chmod 600."
            yield f'# {key} = "…"'
        else:
            yield f"# {key} = {toml(_example(hint) if value is None else value)}"
    for key, hint in tables:
        yield ""
        yield from _comment(hint)
        plain = {
            name: value for name, value in _EXAMPLES[key].items() if not isinstance(value, msgspec.Struct)
        }
        if plain:
            yield f"[providers.{kind}.{key}]"
            yield from (f"# {dotted((name,))} = {toml(value)}" for name, value in plain.items())
        for name, value in _EXAMPLES[key].items():
            if isinstance(value, msgspec.Struct):
                yield f"[providers.{kind}.{key}.{name}]"
                yield from _struct_lines(value)


def _struct_lines(example: msgspec.Struct) -> Iterator[str]:
    for key, hint in _hints(type(example)):
        value = getattr(example, key)
        if value is not None:
            yield f"# {key} = {toml(value)}  # {_description(hint)}"


def effective(settings: Settings) -> str:
    """Write what is in force, with the source of each value; of a secret at most 4 characters."""
    return "\n".join(_effective_lines(settings)) + "\n"


def _effective_lines(settings: Settings) -> Iterator[str]:
    yield f"# read from {printable(str(settings.path))}" + ("" if settings.path.exists() else " (absent)")
    for key, _ in _hints(GeneralSettings):
        if key not in _TABLES:
            yield _line(settings, (key,), getattr(settings, key))
    for table in _TABLES:
        if named := getattr(settings, table):
            yield from ("", f"[{table}]")
            yield from (_line(settings, (table, name), value) for name, value in named.items())
    for name, provider in settings.providers.items():
        if isinstance(provider, ExtensionSettings):
            fields = {"kind": provider.kind, **provider.options}
        else:
            fields = {key: getattr(provider, key) for key, _ in _hints(type(provider)) if key != "name"}
            if provider.name == provider.kind:
                del fields["kind"]
        yield from _table_lines(settings, ("providers", name), fields)


def _table_lines(settings: Settings, at: tuple[str, ...], fields: dict[str, Any]) -> Iterator[str]:
    """Write one table: its own values first, then the tables in it, as TOML demands."""
    plain = {key: value for key, value in fields.items() if not isinstance(value, dict | msgspec.Struct)}
    if plain:
        yield from ("", f"[{printable(dotted(at))}]")
        yield from (_line(settings, (*at, key), value) for key, value in plain.items())
    for key, value in fields.items():
        if isinstance(value, msgspec.Struct):
            inner = {
                name: each for name in value.__struct_fields__ if (each := getattr(value, name)) is not None
            }
            yield from _table_lines(settings, (*at, key), inner)
        elif isinstance(value, dict):
            yield from _table_lines(settings, (*at, key), value)


def _line(settings: Settings, path: tuple[str, ...], value: Any) -> str:
    origin = settings.origins.get(dotted(path))
    source = "default" if origin is None else printable(origin.place)
    key = printable(dotted(path[-1:]))
    if value is None:
        return f"# {key} is not set"
    if isinstance(value, Secret):
        return f"{key} = {_shown(value, is_named=origin is not None and origin.source == 'file')}  # {source}"
    return f"{key} = {toml(value)}  # {source}"


def _shown(secret: Secret, *, is_named: bool) -> str:
    """Write a secret as the file does where that tells nothing, else masked."""
    if secret.program is not None:
        return f'{{ command = [{toml(secret.program)}, "…"] }}'
    if secret.variable_name is not None and is_named:
        return f"{{ env = {toml(secret.variable_name)} }}"
    return toml(secret.masked())


def toml(value: Any) -> str:
    """Write a value as TOML, one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Decimal):
        return f'"{value:f}"'
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{dotted((key,))} = {toml(each)}" for key, each in value.items()) + " }"
    return _string(_without_password(str(value)))


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'


def _without_password(text: str) -> str:
    """Strike out the password that a URL may carry."""
    return re.sub(r"(?<=://)[^/@\s]+@", "…@", text)


def _hints(struct: type[msgspec.Struct]) -> list[tuple[str, Any]]:
    return list(get_type_hints(struct, include_extras=True).items())


def _description(hint: Any) -> str:
    said = (each.description for each in getattr(hint, "__metadata__", ()) if isinstance(each, msgspec.Meta))
    return next((text for text in said if text), "")


def _example(hint: Any) -> str:
    """Return the address or name that stands behind a key which is not set."""
    given = (each.examples for each in hint.__metadata__ if isinstance(each, msgspec.Meta))
    return next(str(examples[0]) for examples in given if examples)


def _comment(hint: Any) -> list[str]:
    text = _description(hint)
    inner = getattr(hint, "__origin__", hint)
    if get_origin(inner) is Literal:
        text += f" ({expected(inner)})"
    return textwrap.wrap(text[:1].upper() + text[1:] + ".", 100, initial_indent="# ", subsequent_indent="# ")
