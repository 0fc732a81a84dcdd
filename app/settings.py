"""Read the configuration: flag > environment > file > default, typed, with the place of every fault."""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, get_origin, get_type_hints

import msgspec

from mdterm.app import locations
from mdterm.app.secrets import Secret
from mdterm.app.settings_problems import Problem, SettingsError, expected, found, nearest
from mdterm.app.settings_schema import (
    BUILT_IN,
    CHANNEL_KINDS,
    SECRET_KEYS,
    SECRET_VARIABLES,
    AlltickSettings,
    ChannelSettings,
    ExtensionSettings,
    GeneralSettings,
    JayxSettings,
    KiyotakaSettings,
    ProviderSettings,
    SymbolSettings,
)
from mdterm.app.settings_sources import Origin, Sources, dotted
from mdterm.app.toml_lines import KeyPath
from mdterm.feeds.address import AddressError, parse_address

__all__ = [
    "AlltickSettings",
    "ChannelSettings",
    "ExtensionSettings",
    "JayxSettings",
    "KiyotakaSettings",
    "Origin",
    "Problem",
    "ProviderSettings",
    "Settings",
    "SettingsError",
    "SymbolSettings",
    "load_settings",
    "secret_of",
]

# The simulated venue is addressed like a provider but has no table: it needs no key and no URL.
SIMULATED = "sim"
_INSTANCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class Settings(GeneralSettings, frozen=True, kw_only=True):
    """All settings in force. `origins` names the source of each dotted key that is not a default."""

    path: Path
    providers: dict[str, ProviderSettings]
    origins: dict[str, Origin]

    @property
    def with_credential(self) -> tuple[str, ...]:
        """Name the provider instances that have a key or token; whether it resolves is not asked."""
        return tuple(name for name, each in self.providers.items() if secret_of(each) is not None)

    def error(self, key: str, message: str) -> SettingsError:
        """Make the error for a value that only its user can judge, with the place it came from."""
        origin = self.origins.get(key)
        return SettingsError.of(
            [origin.problem(message, key, self.path) if origin else Problem(message, key)]
        )


def secret_of(provider: ProviderSettings) -> Secret | None:
    """Return the provider's key or token as configured, unresolved."""
    if isinstance(provider, ExtensionSettings):
        return next((each for each in provider.options.values() if isinstance(each, Secret)), None)
    return provider.api_key if isinstance(provider, JayxSettings) else provider.token


def load_settings(path: Path | None, overrides: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Read the file at `path` (None: the user's own, which may be absent) under `overrides` (`KEY=VALUE`).

    Raise SettingsError with every fault found. No secret is resolved here.
    """
    sources = Sources(locations.config_file() if path is None else path)
    sources.read_file(must_exist=path is not None)
    for override in overrides:
        sources.override(override)
    return _Reading(sources, environ).settings()


class _Reading:
    """Turns the tree of values into settings, gathering origins and faults."""

    def __init__(self, sources: Sources, environ: Mapping[str, str]) -> None:
        self.sources = sources
        self.environ = environ
        self.origins: dict[str, Origin] = {}
        self.literal_secrets: list[KeyPath] = []

    def settings(self) -> Settings:
        general = dict(self.sources.values)
        providers = self.providers(general.pop("providers", {}))
        fields = self.table(GeneralSettings, general, (), also_known=("providers",))
        self.check_addresses(("watchlist",), fields.get("watchlist", ()), providers)
        for name, addresses in fields.get("groups", {}).items():
            self.check_addresses(("groups", name), addresses, providers)
        self.check_time_zone(fields.get("time_zone"))
        self.check_privacy()
        if problems := self.sources.problems:
            raise SettingsError.of(sorted(problems, key=lambda each: (each.line is None, each.line or 0)))
        return Settings(path=self.sources.path, providers=providers, origins=self.origins, **fields)

    # Tables

    def providers(self, raw: object) -> dict[str, ProviderSettings]:
        if not isinstance(raw, dict):
            self.sources.fault(("providers",), f"expected a table, got {found(raw)}")
            raw = {}
        names = [*BUILT_IN, *(each for each in raw if each not in BUILT_IN)]
        read = {name: self.provider(name, raw.get(name, {})) for name in names}
        return {name: each for name, each in read.items() if each is not None}

    def provider(self, name: str, raw: object) -> ProviderSettings | None:
        at: KeyPath = ("providers", name)
        if not isinstance(raw, dict):
            self.sources.fault(at, f"expected a table, got {found(raw)}")
            return None
        kind = raw.get("kind", name)
        if fault := name_fault(name):
            self.sources.fault(at, fault)
            return None
        if fault := kind_fault(kind, is_given="kind" in raw):
            self.sources.fault((*at, "kind") if "kind" in raw else at, fault)
            return None
        if "kind" in raw:
            self.remember((*at, "kind"))
        fields = {key: value for key, value in raw.items() if key != "kind"}
        self.add_secret_of_environment(name, kind, fields)
        if kind not in BUILT_IN:
            return self.extension(name, kind, fields)
        struct = BUILT_IN[kind]
        return struct(name=name, kind=kind, **self.table(struct, fields, at, hidden=("name", "kind")))

    def add_secret_of_environment(self, name: str, kind: str, fields: dict[str, Any]) -> None:
        """Put the environment's secret before the file's, for the instance named like its kind."""
        if name != kind or kind not in SECRET_VARIABLES:
            return
        key, variable = SECRET_VARIABLES[kind]
        if not self.environ.get(variable, "").strip():
            return
        if key in fields:
            self.secret(fields[key], ("providers", name, key))
        fields[key] = Secret.variable(variable, self.environ)

    def extension(self, name: str, kind: str, fields: dict[str, Any]) -> ExtensionSettings:
        options = {}
        for key, value in fields.items():
            path = ("providers", name, key)
            options[key] = self.secret(value, path) if key in SECRET_KEYS else value
            self.remember(path)
        return ExtensionSettings(name=name, kind=kind, options=options)

    def table(
        self,
        struct: type[msgspec.Struct],
        raw: Mapping[str, Any],
        at: KeyPath,
        hidden: Iterable[str] = (),
        also_known: Iterable[str] = (),
    ) -> dict[str, Any]:
        """Read one table against a struct; return the fields that are given and right."""
        hints = get_type_hints(struct, include_extras=True)
        known = [key for key in hints if key not in hidden]
        fields: dict[str, Any] = {}
        for key, value in raw.items():
            if key not in known:
                self.sources.fault((*at, key), f"unknown key{nearest(key, [*known, *also_known])}")
            elif (read := self.value(hints[key], value, (*at, key))) is not None:
                fields[key] = read
        return fields

    # Values

    def value(self, hint: Any, value: Any, path: KeyPath) -> Any:
        """Read one value as its type, None after a fault."""
        if path[-1] in SECRET_KEYS:
            return self.secret(value, path)
        inner = getattr(hint, "__origin__", hint)
        if get_origin(inner) is not dict:
            return self.leaf(hint, value, path)
        if not isinstance(value, dict):
            self.sources.fault(path, f"expected a table, got {found(value)}")
            return None
        return self.mapping(inner.__args__[1], value, path)

    def mapping(self, hint: Any, raw: dict[str, Any], path: KeyPath) -> dict[str, Any]:
        """Read a table whose keys are the user's own words."""
        if path == ("keys",):
            return self.bindings(raw, path)
        read: dict[str, Any] = {}
        for key, value in raw.items():
            at = (*path, key)
            if path[-1] == "channels" and key not in CHANNEL_KINDS:
                self.sources.fault(at, f"unknown kind of channel{nearest(key, CHANNEL_KINDS)}")
            elif not (isinstance(hint, type) and issubclass(hint, msgspec.Struct)):
                if (leaf := self.leaf(hint, value, at)) is not None:
                    read[key] = leaf
            elif isinstance(value, dict):
                read[key] = hint(**self.table(hint, value, at))
            else:
                self.sources.fault(at, f"expected a table, got {found(value)}")
        if path[-1] == "block_sizes":
            # The whole address is what people have at hand; the instance's own name adds nothing.
            short = {key.removeprefix(f"{path[-2]}:"): key for key in read}
            for name, key in short.items():
                self.origins[dotted((*path, name))] = self.origins.pop(dotted((*path, key)))
            return {name: read[key] for name, key in short.items()}
        return read

    def bindings(self, raw: dict[str, Any], path: KeyPath) -> dict[str, tuple[str, ...]]:
        """Read `id = "key"` and `id = ["key", …]`; a bare dotted id arrives as nested tables."""
        read: dict[str, tuple[str, ...]] = {}
        for key, value in raw.items():
            at = (*path, key)
            if isinstance(value, dict):
                read |= {f"{key}.{inner}": keys for inner, keys in self.bindings(value, at).items()}
            elif isinstance(value, str) and value:
                self.remember(at)
                read[key] = (value,)
            elif isinstance(value, list) and all(isinstance(each, str) and each for each in value):
                self.remember(at)
                read[key] = tuple(value)
            else:
                self.sources.fault(at, f"expected a key or a list of keys, got {found(value)}")
        return read

    def leaf(self, hint: Any, value: Any, path: KeyPath) -> Any:
        first_error = ""
        for candidate in (value, *self.other_readings(value, path)):
            try:
                read = msgspec.convert(candidate, hint)
                if isinstance(read, Decimal) and not (read.is_finite() and read > 0):
                    raise msgspec.ValidationError("not a size")
            except msgspec.ValidationError as error:
                first_error = first_error or str(error)
            else:
                self.remember(path)
                return read
        # msgspec says "got" for a wrong type only; of a right type it is the value that is wrong.
        is_wrong_type = "got `" in first_error
        self.sources.fault(
            path, f"expected {expected(hint)}" + (f", got {found(value)}" if is_wrong_type else "")
        )
        return None

    def other_readings(self, value: Any, path: KeyPath) -> Iterable[Any]:
        """Give the other things a value may mean: a flag's bare text, or a number where the wire has text."""
        if (text := self.sources.flag_text(path)) is not None:
            yield text
        if path[-1] == "precise" and isinstance(value, int) and not isinstance(value, bool):
            yield str(value)
        if path[-1] == "group_by_type" and value in (0, 1, "0", "1"):
            yield bool(int(value))
        if path[-1] == "max_depth" and isinstance(value, str) and value.isascii() and value.isdigit():
            yield int(value[:18])

    def secret(self, value: object, path: KeyPath) -> Secret | None:
        """Read a literal, `{ env = "NAME" }` or `{ command = ["program", …] }`."""
        self.remember(path)
        if isinstance(value, Secret):
            self.origins[dotted(path)] = Origin("environment", value.variable_name or "")
            return value
        if isinstance(value, str) and value.strip():
            self.literal_secrets.append(path)
            return Secret.literal(value)
        if isinstance(value, dict) and len(value) == 1:
            variable, argv = value.get("env"), value.get("command")
            if isinstance(variable, str) and variable:
                return Secret.variable(variable, self.environ)
            if isinstance(argv, list) and argv and all(isinstance(each, str) for each in argv) and argv[0]:
                return Secret.command(argv)
        self.sources.fault(
            path,
            'expected a string that is not empty, { env = "NAME" } or { command = ["program", "argument"] }',
        )
        return None

    def remember(self, path: KeyPath) -> None:
        self.origins[dotted(path)] = self.sources.origin(path)

    # What takes more than one value to judge

    def check_addresses(
        self, at: KeyPath, addresses: Sequence[str], providers: Mapping[str, ProviderSettings]
    ) -> None:
        for index, text in enumerate(addresses):
            try:
                name = parse_address(text).provider
            except AddressError as error:
                self.sources.fault((*at, index), str(error))
            else:
                if name not in providers and name != SIMULATED:
                    hint = nearest(name, [*providers, SIMULATED])
                    self.sources.fault((*at, index), f"{text} names an unknown provider{hint}")

    def check_time_zone(self, name: str | None) -> None:
        if name is None or name in ("local", "utc"):
            return
        import zoneinfo

        try:
            zoneinfo.ZoneInfo(name)
        except (OSError, ValueError, KeyError):  # "../x", "x\0" and "Mars/Base" fail in different ways
            words = 'expected "local", "utc" or a time zone that this machine knows, such as "Asia/Tokyo"'
            self.sources.fault(("time_zone",), words)

    def check_privacy(self) -> None:
        if not self.sources.is_open_to_others:
            return
        for path in self.literal_secrets:
            self.sources.fault(
                path,
                "a secret in a file that other users of this machine can read; run "
                f'`chmod 600 {self.sources.path}`, or use {{ env = "NAME" }} or {{ command = […] }}',
            )


def name_fault(name: str) -> str | None:
    """Say why no provider can have this name, None if one can."""
    if name == SIMULATED:
        return "sim is the built-in simulated venue and has no settings; choose another name"
    if not _INSTANCE_NAME.fullmatch(name):
        return "a provider's name begins every address of it: letters, digits, - and _ only"
    return None


def kind_fault(kind: object, *, is_given: bool) -> str | None:
    """Say why there is no such kind of provider; without `is_given` the table's name stands for it."""
    if not isinstance(kind, str):
        return f"expected a string, got {found(kind)}"
    if kind in BUILT_IN or kind in (others := _extension_kinds()):
        return None
    kinds = ", ".join([*BUILT_IN, *others])
    hint = nearest(kind, BUILT_IN).partition("; known")[0]
    if is_given:
        return f"unknown kind of provider{hint}; kinds: {kinds}"
    return f"unknown provider{hint}; an instance with a name of its own needs kind = one of {kinds}"


def _extension_kinds() -> list[str]:
    """Name the kinds of provider that other packages bring."""
    import importlib.metadata

    entries = importlib.metadata.entry_points(group="mdterm.providers")
    return sorted({entry.name for entry in entries} - {*BUILT_IN, SIMULATED})
