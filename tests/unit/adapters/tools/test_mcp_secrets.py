"""What an operator filled into a server's block is not repeated by any message."""

import pytest

from adapters.tools.mcp_secrets import REDACTED, redacted, secrets_in


@pytest.mark.parametrize(
    "block",
    [
        {"env": {"ANYTHING": "canary"}},
        {"headers": {"X-Access": "canary"}},
        {"headers": {"Authorization": "Bearer canary"}},
        {"args": ["--token", "canary"]},
        {"args": ["serve", "--api-key=canary"]},
        {"args": ["-e", "GITHUB_SECRET=canary"]},
        {"args": ["--header", "Authorization: Bearer canary"]},
        {"args": ["--DB-Password", "canary", "--verbose"]},
        {"args": ["postgresql://reader:canary@localhost/books"]},
        {"args": ["remote", "https://host.org/mcp?v=canary"]},
        {"url": "https://canary@host.org/mcp"},
        {"url": "https://host.org/mcp?key=canary"},
        {"url": "https://host.org/mcp?canary"},
    ],
)
def test_a_filled_in_value_is_a_secret(block):
    assert redacted("refused canary!", secrets_in(**block)) == f"refused {REDACTED}!"


def test_an_address_hides_both_forms_of_its_values_and_a_key_in_its_path():
    secrets = secrets_in(url="https://host.org/s/0123456789abcdef/mcp?key=a%2Fb%2Bcd")
    told = redacted("host.org/s/0123456789abcdef/mcp a%2Fb%2Bcd a/b+cd", secrets)
    assert told == f"host.org/s/{REDACTED}/mcp {REDACTED} {REDACTED}"


def test_plain_arguments_and_short_values_stay_readable():
    secrets = secrets_in(
        args=["-y", "@scope/server", "/data", "--depth", "3", "--key", "abc"],
        env={"PORT": "3000"},
        url="http://127.0.0.1:8000/mcp?v=1",
    )
    assert secrets == frozenset()


def test_a_secret_within_another_leaves_nothing_of_the_longer_one():
    assert redacted("abcdefghi abcdef", ["abcdef", "abcdefghi"]) == f"{REDACTED} {REDACTED}"


def test_no_secret_changes_nothing():
    assert redacted("as it is", ["", *secrets_in()]) == "as it is"
