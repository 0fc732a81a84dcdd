"""The only place that knows where mdterm keeps its files on this machine."""

import os
from pathlib import Path
from urllib.parse import quote

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


def far_state_file(host: str) -> Path:
    """Return the file of what is kept of the screens on another machine's feed."""
    return state_folder() / "far" / f"{quote(host, safe='@')[:200]}.json"


def feed_folders() -> tuple[Path, ...]:
    """Return where the shared feed of this user may listen; a new one takes the first that it can have.

    The runtime directory may go away at the last logout, while the feed goes on: then it moves to the other.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    beside_state = state_folder() / "run"
    return (Path(runtime) / "mdterm", beside_state) if os.path.isabs(runtime) else (beside_state,)


def feed_log_file() -> Path:
    """Return the log of the shared feed."""
    return state_folder() / "feed.log"
