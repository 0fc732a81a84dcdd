"""The only place that knows where mdterm keeps its files on this machine."""

from pathlib import Path

import platformdirs


def config_file() -> Path:
    """Return the user's configuration file. Only `mdterm config init` ever writes it."""
    return platformdirs.user_config_path("mdterm") / "config.toml"


def state_folder() -> Path:
    """Return the folder of what mdterm remembers; who writes there makes it, for the user alone."""
    return platformdirs.user_state_path("mdterm")


def history_file() -> Path:
    """Return the file of the bars and trades that were seen."""
    return state_folder() / "history.sqlite"


def rewind_folder() -> Path:
    """Return the folder of the last hour of programs that run."""
    return platformdirs.user_cache_path("mdterm") / "rewind"


def state_file() -> Path:
    """Return the file of what is kept between two starts."""
    return state_folder() / "state.json"
