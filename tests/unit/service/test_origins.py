"""Who may speak to the service: its own names, addresses in digits, pages that are allowed."""

import socket

import pytest

from orchestrator.service.gate.origins import Addresses, host_of

OWN = "http://127.0.0.1:8114"


def problem(*, hosts=(), origins=(), **headers):
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    found = Addresses(hosts, origins).problem({"scheme": "http", "headers": raw})
    return found and found.status


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "localhost:8114", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:8114"),
        *("[::1]", "[::1]:8114", "10.1.2.3:80", socket.gethostname()),
    ],
)
def test_its_own_names_and_addresses_in_digits_are_served(host):
    assert problem(host=host) is None


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8114", "localhost.evil.example", "", " ", ":8114"),
        *("127.0.0.1.evil.example", "localhost@evil.example", "[", "[]", "0x7f.1", "[::1"),
    ],
)
def test_any_other_name_is_refused(host):
    assert problem(host=host) in {400, None if host == "[::1" else 400}


def test_a_request_with_no_host_or_two_is_refused():
    assert problem() == 400
    twice = [(b"host", b"localhost"), (b"host", b"evil.example")]
    assert Addresses((), ()).problem({"headers": twice}).status == 400


def test_a_name_can_be_allowed():
    assert problem(host="ferryman:8114") == 400
    assert problem(host="ferryman:8114", hosts=["Ferryman"]) is None


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (OWN, None),
        ("https://127.0.0.1:8114", 403),
        ("http://127.0.0.1:9999", 403),
        ("http://evil.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_only_a_page_of_the_service_itself_may_call_it(origin, status):
    assert problem(host="127.0.0.1:8114", origin=origin) == status


def test_a_page_elsewhere_can_be_allowed():
    page = "https://desk.example"
    assert problem(host="localhost", origin=page, origins=[f"{page}/"]) is None


@pytest.mark.parametrize(
    ("site", "mode", "status"),
    [
        ("cross-site", "no-cors", 403),
        ("cross-site", "navigate", None),
        ("same-origin", "cors", None),
        ("none", "navigate", None),
    ],
)
def test_a_page_elsewhere_cannot_even_load_something(site, mode, status):
    assert problem(host="localhost", sec_fetch_site=site, sec_fetch_mode=mode) == status


def test_the_port_is_no_part_of_the_name():
    assert [host_of(text) for text in ("a:1", "a", "[::1]:2", " A ")] == ["a", "a", "::1", "a"]
