"""Secrets by value and by name: found in every spelling, and nothing else is touched."""

import base64
import itertools
import json
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.errors import BackendRejected
from orchestrator.core.redaction import REDACTED, SHORTEST, Redactor, is_secret, says_secret

KEY = "sk-9f8e7d6c5b4a3210/ü+&"
SECRETS = st.text(st.characters(codec="utf-8"), min_size=SHORTEST, max_size=40)


def test_a_text_without_secrets_is_left_as_it_is():
    assert Redactor.of([KEY]).text("nothing to see") == "nothing to see"
    assert Redactor().text(KEY) == KEY
    assert Redactor().idle
    assert not Redactor.of([KEY]).idle


SPELLINGS = {
    "plain": str,
    "path": urllib.parse.quote,
    "form": urllib.parse.quote_plus,
    "query": lambda key: urllib.parse.quote(key, safe="").lower(),
    "json": json.dumps,
    "readable json": lambda key: json.dumps(key, ensure_ascii=False),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64url": lambda key: base64.urlsafe_b64encode(key.encode()).decode(),
    "basic": lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
    "within base64": lambda key: base64.b64encode(f"me:{key}:x".encode()).decode(),
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_a_secret_is_taken_out_in_every_spelling(spell):
    told = Redactor.of([KEY]).text(f"before {spell(KEY)} after")
    assert REDACTED in told
    assert "9f8e7d6c" not in told
    assert base64.b64encode(KEY.encode())[4:16].decode() not in told
    assert told.startswith("before ")
    assert told.endswith(" after")


@given(secret=SECRETS, before=st.binary(max_size=5), after=st.binary(max_size=5))
def test_a_secret_is_found_at_any_place_of_a_base64_text(secret, before, after):
    text = base64.b64encode(before + secret.encode() + after).decode()
    assert REDACTED in Redactor.of([secret]).text(text)


@given(secrets=st.lists(SECRETS, max_size=4), parts=st.lists(st.text(), max_size=4))
def test_no_secret_is_left_in_a_text(secrets, parts):
    redactor = Redactor.of(secrets)
    told = redactor.text(
        "".join(itertools.chain(*itertools.zip_longest(parts, secrets, fillvalue="")))
    )
    rest = told.replace(REDACTED, "\0")
    assert not any(secret in rest for secret in secrets if "\0" not in secret)


def test_the_longer_of_two_secrets_leaves_no_rest():
    assert Redactor.of(["password-1", "password-123456"]).text("password-123456") == REDACTED


def test_a_value_is_searched_to_its_depth_and_kept_where_it_is_clean():
    redactor = Redactor.of([KEY])
    clean = {"a": [1, {"b": "text"}], "c": None}
    assert redactor.value(clean) is clean
    assert redactor.value({"a": [f"x{KEY}", 1], KEY: True}) == {
        "a": [f"x{REDACTED}", 1],
        REDACTED: True,
    }


def test_short_values_are_no_secrets_of_a_text():
    assert Redactor.of(["json", "7"]).text("json 7") == "json 7"


@pytest.mark.parametrize(
    "name",
    ["API_KEY", "api-key", "Authorization", "X-Auth-Token", "DB_PASSWORD", "GITHUB_PAT", "cookie",
     "client_secret", "SENTRY_DSN", "key", "PROXY-AUTHORIZATION"],
)  # fmt: skip
def test_names_that_say_secret(name):
    assert says_secret(name)


@pytest.mark.parametrize(
    "name",
    ["prompt_tokens", "keyboard", "monkey", "path", "model", "tokens", "run", "keys", "pattern"],
)
def test_names_that_do_not_say_secret(name):
    assert not says_secret(name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_KEY", "hunter2-hunter2"),
        ("authorization", "Bearer abc123def"),
        ("WHATEVER", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"),
        ("X-Tenant", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc"),
    ],
)
def test_values_that_are_secret(name, value):
    assert is_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ROOT", "/home/me/Desktop"),
        ("KEY_FILE", "/etc/keys/id_ed25519"),
        ("SSH_KEY", "~/.ssh/id_ed25519_0123456789abcdef"),
        ("AUTH_MODE", "oauthflow"),
        ("MODEL", "qwen2.5-1.5b-instruct-q4_k_m"),
        ("URL", "https://example.org/0123456789abcdef0123"),
        ("API_KEY", "short"),
        ("LANG", "en_GB.UTF-8"),
        ("GREETING", "a sentence with 0123456789abcdef0 in it"),
    ],
)
def test_ordinary_settings_are_not_secret(name, value):
    assert not is_secret(name, value)


def test_fields_are_masked_by_name_and_searched_by_value():
    said = {
        "authorization": "anything",
        "headers": {"cookie": "a=b", "accept": "*/*"},
        "message": f"sent {KEY}",
        "prompt_tokens": 12,
        "token": "",
    }
    assert Redactor.of([KEY]).fields(said) == {
        "authorization": REDACTED,
        "headers": {"cookie": REDACTED, "accept": "*/*"},
        "message": f"sent {REDACTED}",
        "prompt_tokens": 12,
        "token": "",
    }


def test_an_error_keeps_its_kind_and_loses_its_secrets():
    error = BackendRejected(f"no {KEY}", hint=f"replace {KEY}")
    error.add_note(f"note {KEY}")
    error.__cause__ = ValueError("outer")
    error.__cause__.__context__ = ValueError(f"inner {KEY}")
    Redactor.of([KEY]).error(error)
    assert str(error) == f"no {REDACTED}"
    assert (error.message, error.hint) == (f"no {REDACTED}", f"replace {REDACTED}")
    assert error.__notes__ == [f"note {REDACTED}"]
    assert error.__cause__ is None
    assert error.__context__ is None


def test_a_cause_that_tells_nothing_is_kept():
    cause = ValueError("harmless")
    error = BackendRejected("no")
    error.__cause__ = cause
    Redactor.of([KEY]).error(error)
    assert error.__cause__ is cause


def test_a_redactor_does_not_show_what_it_knows():
    assert KEY not in repr(Redactor.of([KEY]))
