"""The only place that knows where mdterm keeps its files on this machine."""

from pathlib import Path

import platformdirs


def config_file() -> Path:
    """Return the user's configuration file. Only `mdterm config init` ever writes it."""
    return platformdirs.user_config_path("mdterm") / "config.toml"


def state_dir() -> Path:
    """Return the folder for what mdterm itself remembers: watchlist edits, layout, locks."""
    return platformdirs.user_state_path("mdterm")


def data_dir() -> Path:
    """Return the folder for recordings and the local candle store."""
    return platformdirs.user_data_path("mdterm")


def runtime_dir() -> Path:
    """Return the folder for sockets of a shared feed."""
    return platformdirs.user_runtime_path("mdterm")
