"""Text from outside is safe on a terminal, and secrets are in nothing that is written."""

import json
import re
import unicodedata
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.journal import strike
from mdterm.feeds.text import clean, mask

ANY = st.text(st.characters(), max_size=300)
SECRET = 'sk/very secret+key="ü\\'


@given(ANY, st.integers(1, 250))
def test_nothing_invisible_or_directional_is_left(text: str, limit: int) -> None:
    shown = clean(text, limit)
    assert len(shown) <= limit
    for character in shown:
        assert unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        assert unicodedata.bidirectional(character) not in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI"}
    shown.encode()


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=200))
def test_what_is_harmless_stays(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "·[31mred·[0m"),
        ("a\u202eb", "a·b"),
        ("a\u2028b", "a·b"),
        ("a\ud800b", "a·b"),
        ("\x9b2J", "·2J"),
        ("line\nline", "line·line"),
        ("grün 漢字", "grün 漢字"),
    ],
)
def test_escapes_become_dots(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_long_text_ends_in_an_ellipsis() -> None:
    assert clean("x" * 300, 10) == "x" * 9 + "…"


FORMS = {
    "bare": SECRET,
    "json": json.dumps(SECRET)[1:-1],
    "json with letters": json.dumps(SECRET, ensure_ascii=False)[1:-1],
    "json with slashes": json.dumps(SECRET)[1:-1].replace("/", "\\/"),
    "percent": quote(SECRET, safe=""),
    "percent with slashes": quote(SECRET),
    "form": quote_plus(SECRET),
    "lower percent": re.sub("%..", lambda escape: escape[0].lower(), quote(SECRET, safe="")),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_secret_is_struck_in_every_form(form: str) -> None:
    assert mask(f"a {form} b {form}", (SECRET,)) == "a ••• b •••"
    assert strike(f"a {form} b".encode(), (SECRET,)) == b"a *** b"


def test_a_secret_within_another_leaves_no_rest() -> None:
    assert mask("abcdef abc", ("abc", "abcdef")) == "••• •••"
    assert strike(b"abcdef abc", ("abc", "abcdef")) == b"*** ***"


def test_no_secret_strikes_nothing() -> None:
    assert mask("text", ("",)) == "text"
    assert strike(b"\xff\x00", ()) == b"\xff\x00"


@given(st.text(st.characters(categories=["L", "N", "P"]), min_size=8, max_size=40), ANY, ANY)
def test_no_secret_is_left_wherever_it_stands(secret: str, before: str, after: str) -> None:
    assert secret not in mask(before + secret + after, (secret,))
    raw = json.dumps({"token": secret, "x": before}).encode()
    assert json.dumps(secret)[1:-1].encode() not in strike(raw, (secret,))
