"""Which values of a configuration are secrets of their own, and which are ordinary."""

import pytest
from pydantic import SecretStr

from adapters.secrets import redactor_for
from orchestrator.core.redaction import SHORTEST

KEY = "sk-0123456789abcdef"


def found(**given):
    """The secrets that are long enough to be looked for."""
    redactor = redactor_for(given.pop("servers", {}), **given)
    return {secret for secret in redactor.secrets if len(secret) >= SHORTEST}


def block(**fields):
    return {"servers": {"s": fields}}


@pytest.mark.parametrize(
    "given",
    [
        {"keys": (SecretStr(KEY), None)},
        {"addresses": (f"http://ana:{KEY}@host/v1", "")},
        {"addresses": (f"http://host/{KEY}/v1",)},
        {"addresses": (f"http://host/v1?key={KEY}",)},
        {"headers": f"x-key={KEY},accept=x"},
        {"headers": f"authorization=Bearer%20{KEY}"},
        block(env={"API_KEY": KEY}),
        block(env={"ANY": KEY}),
        block(env={"DATABASE": f"postgres://ana:{KEY}@db/x"}),
        block(headers={"Authorization": f"Bearer {KEY}"}),
        block(args=["--token", KEY]),
        block(args=[f"--token={KEY}"]),
        block(args=[f"TOKEN={KEY}"]),
        block(args=[f"https://x/?t={KEY}"]),
        block(url=f"https://me:{KEY}@x/mcp"),
    ],
)
def test_a_secret_is_found_wherever_it_was_given(given):
    assert KEY in found(**given)


def test_a_percent_encoded_password_is_found_as_it_is_and_as_it_is_meant():
    told = found(addresses=("http://ana:p%40ssword%20one@host",))
    assert told == {"p%40ssword%20one", "p@ssword one"}


@pytest.mark.parametrize(
    "given",
    [
        block(env={"ROOT": "/home/ana/Desktop", "LANG": "en_GB.UTF-8", "MODE": "production"}),
        block(headers={"Accept": "application/json", "X-Tenant": "accounting"}),
        block(args=["-m", "desk.servers.filesystem", "--root", "/home/ana/Documents"]),
        block(url="https://mcp.example.org/v1/documents?format=json"),
        {"addresses": ("http://127.0.0.1:8000/v1",), "headers": ""},
        {"addresses": ("http://[broken", "not an address")},
        block(),
    ],
)
def test_ordinary_settings_hold_none(given):
    assert found(**given) == set()
