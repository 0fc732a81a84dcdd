"""How the simulated venue wraps JayX messages: Socket.IO by Engine.IO 4 and 3, envelopes, or flat."""

import itertools
import json
import secrets
from typing import Any, NamedTuple

import msgspec

FRAMINGS = ("any", "socketio", "socketio3", "envelope", "envelope-message", "flat")
"""``any`` answers in the framing it is spoken to in; the others refuse all but their own."""

PING_INTERVAL_MS = 25_000
PING_TIMEOUT_MS = 20_000
SOCKET_PATH = "/socket.io/"


class Heard(NamedTuple):
    """A subscription: the event and its message."""

    event: str
    message: dict[str, Any]


class Wrap:
    """One connection's framing. What is heard first decides it on a bare socket that takes any."""

    def __init__(self, form: str) -> None:
        self.form = form
        self.namespace = ""

    def pack(self, event: str, payload: bytes) -> str:
        """Return a message to the client."""
        body = payload.decode()
        if self.form.startswith("socketio"):
            return f'42{self.namespace}["{event}",{body}]'
        if self.form == "flat":
            return f'{{"event":"{event}",{body[1:]}'
        return f'{{"event":"{event}","{"message" if self.form == "envelope-message" else "data"}":{body}}}'

    def hear(self, frame: str) -> Heard | None:
        """Return the subscription in a frame, None where it is none in this framing."""
        body = self._strip(frame) if self.form.startswith("socketio") else frame
        try:
            found = json.loads(body)
        except ValueError:
            return None
        if self.form.startswith("socketio"):
            return Heard(found[0], found[1]) if _is_emit(found) else None
        if not isinstance(found, dict) or not isinstance(found.get("event"), str):
            return None
        for form, name in (("envelope", "data"), ("envelope-message", "message")):
            inner = found.get(name)
            if isinstance(inner, dict) and self.form in ("any", form):
                self.form = form
                return Heard(found["event"], inner)
        if "category" in found and self.form in ("any", "flat"):
            self.form = "flat"
            return Heard(found["event"], {key: one for key, one in found.items() if key != "event"})
        return None

    def _strip(self, frame: str) -> str:
        if not frame.startswith("42"):
            return ""
        rest = frame[2:]
        if rest.startswith("/"):
            rest = rest.partition(",")[2]
        return rest.lstrip("0123456789")


def _is_emit(found: Any) -> bool:
    return (
        isinstance(found, list)
        and len(found) == 2
        and isinstance(found[0], str)
        and isinstance(found[1], dict)
    )


def open_packet(version: int) -> str:
    """Return Engine.IO's first packet."""
    told: dict[str, Any] = {
        "sid": secrets.token_urlsafe(15),
        "upgrades": [],
        "pingInterval": PING_INTERVAL_MS,
        "pingTimeout": PING_TIMEOUT_MS,
    }
    if version == 4:
        told["maxPayload"] = 1_000_000
    return "0" + msgspec.json.encode(told).decode()


def connect_packet(version: int, namespace: str) -> str:
    """Return the answer to connecting: with a session id since version 4."""
    prefix = "" if namespace == "/" else namespace + ("," if version == 4 else "")
    if version == 3:
        return f"40{prefix}"
    return f"40{prefix}" + msgspec.json.encode({"sid": secrets.token_urlsafe(15)}).decode()


object_ids = map("{:08x}cb5c1735c2{:06x}".format, itertools.repeat(0x664A16FC), itertools.count(0x5557A0))
"""Ids as a MongoDB would give them."""
