"""Secrets: resolved late, never shown, and every failure without a letter of them."""

import copy
import pickle
import sys
import traceback

import msgspec
import pytest

from mdterm.app import secrets
from mdterm.app.secrets import Secret, SecretError

TEXT = "k1y0taka-key-ABCD1234"
ENVIRON = {"KEY": TEXT, "EMPTY": ""}


def python(code: str) -> Secret:
    return Secret.command([sys.executable, "-c", code])


EVERY_SOURCE = [
    Secret.literal(TEXT),
    Secret.variable("KEY", ENVIRON),
    python(f"print({TEXT!r})"),
]


@pytest.mark.parametrize("secret", EVERY_SOURCE, ids=lambda secret: secret.source.value)
def test_it_reveals_only_when_asked(secret: Secret) -> None:
    assert secret.reveal() == TEXT
    holder = {"token": secret}
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret:>80}", repr(holder)):
        assert TEXT not in shown
        assert "ABCD" not in shown


@pytest.mark.parametrize("secret", EVERY_SOURCE, ids=lambda secret: secret.source.value)
def test_it_is_not_written_anywhere(secret: Secret) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.deepcopy(secret)
    with pytest.raises(TypeError):
        msgspec.json.encode(secret)


def test_it_is_compared_by_where_it_comes_from() -> None:
    assert Secret.literal("a") == Secret.literal("a")
    assert hash(Secret.literal("a")) == hash(Secret.literal("a"))
    assert Secret.literal("a") != Secret.variable("a")
    assert Secret.literal("a") != "a"


@pytest.mark.parametrize(
    ("text", "masked"),
    [(TEXT, "…1234"), ("12345678", "…78"), ("abc", "…"), ("a" * 16, "…aaaa"), ("", "…")],
)
def test_a_mask_shows_four_characters_at_most_and_never_half(text: str, masked: str) -> None:
    assert Secret.literal(text).masked() == masked


def test_a_mask_runs_no_command() -> None:
    assert Secret.command(["/no/such/program"]).masked() == "…"
    assert Secret.variable("ABSENT", ENVIRON).masked() == "…"


def test_a_program_is_named_without_its_arguments() -> None:
    secret = Secret.command(["pass", "show", TEXT])
    assert secret.program == "pass"
    assert secret.variable_name is None
    assert Secret.variable("KEY").variable_name == "KEY"


def test_the_first_line_counts_and_blanks_around_it_do_not() -> None:
    assert python(r"print('  one\t\ntwo')").reveal() == "one"
    assert Secret.literal(" one\n").reveal() == "one"


def test_a_command_is_run_without_a_shell() -> None:
    assert Secret.command(["echo", "$HOME;id"]).reveal() == "$HOME;id"


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        (Secret.variable("ABSENT", ENVIRON), "the environment variable ABSENT is not set"),
        (Secret.variable("EMPTY", ENVIRON), "the environment variable EMPTY is not set"),
        (Secret.literal(" "), "is empty"),
        (Secret.literal(f"{TEXT} {TEXT}"), "a character that no key has"),
        (Secret.literal(f"{TEXT}\r\nX: y"), "a character that no key has"),
        (Secret.literal(f"{TEXT}é"), "a character that no key has"),
        (Secret.command(["/no/such/program", TEXT]), "the program /no/such/program was not found"),
        (Secret.command(["/"]), "the program / cannot be run"),
        (Secret.command(["a\0b"]), "cannot be run"),
        (python("pass"), "is empty"),
        (python(f"print({TEXT!r}); raise SystemExit(3)"), "ended with status 3"),
        (python("import os; os.write(1, b'\\xff\\n')"), "is not plain text"),
    ],
)
def test_a_failure_is_told_without_the_secret(secret: Secret, words: str) -> None:
    with pytest.raises(SecretError) as caught:
        secret.reveal()
    assert words in str(caught.value)
    shown = "".join(traceback.format_exception(caught.value, chain=True))
    assert TEXT not in shown
    assert caught.value.__cause__ is None


def test_a_command_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "COMMAND_LIMIT_S", 0.3)
    endless = python("import sys, time\nprint('part', flush=True)\ntime.sleep(60)")
    with pytest.raises(SecretError, match=r"did not finish within 0\.3 s"):
        endless.reveal()


def test_a_command_that_closes_its_output_and_stays_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "COMMAND_LIMIT_S", 0.3)
    with pytest.raises(SecretError, match="did not finish"):
        python("import os, time\nos.write(1, b'x')\nos.close(1)\ntime.sleep(60)").reveal()


def test_a_command_that_prints_without_end_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "COMMAND_LIMIT_S", 0.5)
    with pytest.raises(SecretError, match="did not finish"):
        Secret.command(["yes"]).reveal()
