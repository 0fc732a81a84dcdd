"""The line of a key is found in every shape that TOML lets one write it."""

import textwrap
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.app.toml_lines import KeyPath, key_lines


def lines_of(text: str) -> dict[KeyPath, int]:
    text = textwrap.dedent(text).lstrip("\n")
    tomllib.loads(text)
    return key_lines(text)


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("a = 1\nb = 2", ("b",), 2),
        ("# a = 1\n\nb = 2 # c = 3", ("b",), 3),
        ("[t.u]\nx = 1", ("t",), 1),
        ("[t.u]\nx = 1", ("t", "u", "x"), 2),
        ("[ t . 'u.v' ]\nx = 1", ("t", "u.v", "x"), 2),
        ("[a]\n[a.b]\nx = 1", ("a", "b"), 2),
        ("a . b.c = 1\na.b.d = 2", ("a", "b", "d"), 2),
        ('"a.b"."c\\u0064" = 1', ("a.b", "cd"), 1),
        ('"quote\\"d" = 1', ('quote"d',), 1),
        ("'lit\\eral' = 1", ("lit\\eral",), 1),
        ("t = { x = 1, y = { z = 2 } }\nu = 1", ("t", "y", "z"), 1),
        ("t = { x = 1, y = { z = 2 } }\nu = 1", ("u",), 2),
        ("t = {}\nu = 1", ("u",), 2),
        ('t = "{ x = 1"\nu = 1', ("u",), 2),
        ('l = [\n  "a", # ] [\n  "b",\n]\nu = 1', ("l", 1), 3),
        ('l = [\n  "a", # ] [\n  "b",\n]\nu = 1', ("u",), 5),
        ("l = [\n  { x = 1 },\n  { x = 2 },\n]", ("l", 1, "x"), 3),
        ("l = [[1, 2], [\n3]]\nu = 1", ("l", 1, 0), 2),
        ('s = """\n[not.a.table]\nk = 1\n"""\nu = 1', ("u",), 5),
        ("s = '''\nk = 1 '' '\n'''\nu = 1", ("u",), 4),
        ('s = """ends with two"""""\nu = 1', ("u",), 2),
        ('s = """a \\""" b"""\nu = 1', ("u",), 2),
        ('s = "a \\" # b"\nu = 1', ("u",), 2),
        ("s = ''\nu = 1", ("u",), 2),
        ("d = 1979-05-27 07:32:00 # c\nu = 1", ("u",), 2),
        ("[[p]]\nx = 1\n[[p]]\nx = 2", ("p", 1, "x"), 4),
        ("[[p]]\n[p.q]\nx = 1\n[[p]]\n[p.q]\nx = 2", ("p", 1, "q", "x"), 6),
        ("a = 1\r\nb = 2\r\n", ("b",), 2),
    ],
)
def test_line(text: str, path: KeyPath, line: int) -> None:
    assert lines_of(text)[path] == line


def test_text_inside_values_gives_no_keys() -> None:
    text = 's = """\nfake = 1\n[table]\n"""\nl = ["x = 1", \'y = 2\'] # z = 3\n'
    assert set(lines_of(text)) == {("s",), ("l",), ("l", 0), ("l", 1)}


KEYS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=6)
SCALARS = (
    st.integers() | st.booleans() | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]))
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return "[\n" + "".join(f"{written(each)}, # ]\n" for each in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)} = {written(each)}" for key, each in value.items()) + "}"
    return str(value)


def paths_of(value: Any, at: KeyPath = ()) -> set[KeyPath]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path for key, inner in items for path in ({(*at, key)} | paths_of(inner, (*at, key)))}


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_every_key_is_found_and_no_other(document: dict[str, Any]) -> None:
    text = ""
    starts: dict[str, int] = {}
    for key, value in document.items():
        starts[key] = text.count("\n") + 1
        text += f"{quoted(key)} = {written(value)}\n"
    assert tomllib.loads(text) == document
    lines = key_lines(text)
    assert set(lines) == paths_of(document)
    assert {key: lines[(key,)] for key in document} == starts
