"""What the service is sent by clients that are wrong, slow, greedy, gone, or not its own."""

import asyncio
import contextlib
import json
import re

import pytest

from orchestrator.service.app import create_app
from tests.fakes.office import Office, screenshots
from tests.fakes.serving import GOAL, at_rest, bearer, in_process, served, service_over

pytestmark = pytest.mark.anyio
ID = "0" * 12


def service(tmp_path, **limits):
    return service_over(Office(images=screenshots()), tmp_path, limits=limits)


def code_of(response):
    return response.status_code, response.json()["error"]["code"]


async def raw(client, head, *parts):
    """Send bytes and give everything that comes back until the server closes."""
    url = client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(head)
    for part in parts:
        await writer.drain()
        writer.write(part)
    await writer.drain()
    answer = b""
    # Whoever still sends is cut off once the answer is given, which may be before it is read.
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(20):
            answer = await reader.read()
    with contextlib.suppress(ConnectionError):
        writer.close()
        await writer.wait_closed()
    return answer


def head(client, *lines, method="POST", path="/v1/runs"):
    url = client.base_url
    first = f"{method} {path} HTTP/1.1\r\nHost: {url.host}:{url.port}\r\n"
    return (first + "".join(f"{line}\r\n" for line in lines) + "\r\n").encode()


JSON = "Content-Type: application/json"


async def test_a_body_that_is_too_long_is_refused_before_it_is_whole(tmp_path):
    async with served(service(tmp_path, body_bytes=1000)) as client:
        told = await raw(
            client, head(client, JSON, "Content-Length: 1000000000"), b"x" * 600, b"x" * 600
        )
        chunk = b"258\r\n" + b"x" * 600 + b"\r\n"
        untold = await raw(client, head(client, JSON, "Transfer-Encoding: chunked"), chunk, chunk)
    for answer in (told, untold):
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"request_too_large" in answer


async def test_a_body_that_comes_too_slowly_is_given_up(tmp_path):
    async with served(service(tmp_path, body_s=0.05)) as client:
        answer = await raw(client, head(client, JSON, "Content-Length: 100"), b'{"goal": ')
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"body_timeout" in answer


async def test_a_client_that_leaves_in_the_middle_of_a_body_starts_nothing(tmp_path):
    async with served(service(tmp_path)) as client:
        url = client.base_url
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(head(client, JSON, "Content-Length: 100") + b'{"goal": "x"}')
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert (await client.get("/v1/runs")).json()["data"] == []
        assert (await client.get("/healthz")).status_code == 200


async def test_a_body_that_is_nested_too_deep_is_refused(tmp_path):
    async with in_process(service(tmp_path)) as client:
        for text in ("[" * 100_000, '{"places": ' + "[" * 70 + "]" * 70 + "}"):
            response = await client.post("/v1/runs", content=text)
            assert code_of(response) == (400, "invalid_request")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"null", b"[]", b'"x"', b"1e999", b"\x00"]
)
async def test_a_body_that_is_no_object_is_refused(tmp_path, body):
    async with in_process(service(tmp_path)) as client:
        response = await client.post(
            "/v1/runs", content=body, headers={"Content-Type": "application/json"}
        )
        assert code_of(response) == (400, "invalid_request")


async def test_headers_that_are_too_long_or_too_many_are_refused(tmp_path):
    async with in_process(service(tmp_path)) as client:
        long = await client.get("/v1/runs", headers={"X-Long": "x" * 40_000})
        many = await client.get("/v1/runs", headers={f"X-{n}": "x" for n in range(120)})
    assert code_of(long) == code_of(many) == (431, "headers_too_large")


async def test_the_server_survives_what_is_no_http(tmp_path):
    async with served(service(tmp_path)) as client:
        for nonsense in (b"\x16\x03\x01\x00\xff", b"GET\r\n\r\n", b"x" * 200_000 + b"\r\n\r\n"):
            assert not (await raw(client, nonsense)).startswith(b"HTTP/1.1 2")
        assert (await client.get("/healthz")).json() == {"status": "ok"}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8114", "127.0.0.1.evil.example"])
async def test_a_name_that_is_not_its_own_is_refused_on_every_route(tmp_path, host):
    async with in_process(service(tmp_path)) as client:
        for path in ("/healthz", "/readyz", "/v1/runs", "/openapi.json", "/nowhere"):
            response = await client.get(path, headers={"Host": host})
            assert code_of(response) == (400, "host_not_allowed")


async def test_a_page_from_elsewhere_can_start_nothing(tmp_path):
    async with in_process(service(tmp_path)) as client:
        for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
            # The one content type that a page may send without being asked.
            headers = {"Origin": origin, "Content-Type": "text/plain"}
            response = await client.post(
                "/v1/runs", content=json.dumps({"goal": GOAL}), headers=headers
            )
            assert code_of(response) == (403, "origin_not_allowed")
        asked = await client.options(
            "/v1/runs",
            headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
        )
        assert "access-control-allow-origin" not in asked.headers
        assert (await client.get("/v1/runs")).json()["data"] == []


async def test_each_key_has_its_own_rate_and_health_has_none(tmp_path):
    made = service(tmp_path, requests_per_minute=3)
    ana, bob = bearer(made, "ana"), bearer(made, "bob")
    async with in_process(made) as client:
        answers = [await client.get("/v1/runs", headers=ana) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert code_of(answers[-1]) == (429, "service_busy")
        assert int(answers[-1].headers["retry-after"]) == 20
        assert (await client.get("/v1/runs", headers=bob)).status_code == 200
        assert (await client.get("/healthz", headers=ana)).status_code == 200
        # Whoever tries keys is counted by address.
        wrong = [{"Authorization": f"Bearer fm_{n}"} for n in range(4)]
        tried = [(await client.get("/v1/runs", headers=each)).status_code for each in wrong]
        assert tried == [401, 401, 401, 429]


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer fm_wrong", "Basic YTpi", "fm_x", "Bearer \xff"],
)
async def test_without_a_key_that_is_known_every_route_is_closed(tmp_path, header):
    made = service(tmp_path)
    bearer(made)
    routes = [
        (method, path)
        for path, operations in create_app(made).openapi()["paths"].items()
        for method, operation in operations.items()
        if "security" in operation
    ]
    assert len(routes) >= 11
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    async with in_process(made) as client:
        for method, path in routes:
            response = await client.request(method, path.replace("{run_id}", ID), headers=headers)
            assert code_of(response) == (401, "unauthorized"), path
            assert response.headers["www-authenticate"] == "Bearer"


async def test_a_key_file_that_is_damaged_closes_the_service_and_tells_no_path(tmp_path):
    made = service(tmp_path)
    headers = bearer(made)
    made.keyring.path.write_text("{")
    async with in_process(made, headers=headers) as client:
        response = await client.get("/v1/runs")
        assert code_of(response) == (503, "settings")
        assert str(tmp_path) not in response.text
        assert (await client.get("/healthz")).status_code == 200


async def test_a_route_or_a_method_that_is_not_there_is_told_in_the_same_form(tmp_path):
    async with in_process(service(tmp_path)) as client:
        assert code_of(await client.get("/v1/nothing")) == (404, "not_found")
        response = await client.delete("/v1/runs")
        assert code_of(response) == (405, "method_not_allowed")
        assert response.headers["allow"] == "GET, POST"


async def test_an_error_that_nobody_foresaw_is_a_constant(tmp_path, caplog):
    made = service(tmp_path)

    async def failing(*_, **__):
        raise RuntimeError("sk-canary")

    made.directory.heads = failing
    async with in_process(made) as client:
        response = await client.get("/v1/runs")
    assert code_of(response) == (500, "internal")
    assert "canary" not in response.text
    assert "/v1/runs failed" in caplog.text


BODIES = {
    "approve": {"digest": "0" * 64},
    "deny": {"digest": "0" * 64},
    "answer": {"text": "x"},
    "results": {"results": {"c": {"data": 1}}},
}
TENANTS = {"red": "vermilion", "blue": "ultramarine"}
"""Each tenant with a word that stands in its goals and nowhere else."""


async def test_no_tenant_sees_or_touches_a_run_of_another(tmp_path):
    """Every route with every foreign id, in both directions: not found, and nothing changes."""
    office = Office(images=screenshots())
    made = service_over(office, tmp_path)
    scopes = ("run", "approve", "admin")
    keys = {name: bearer(made, f"{name}-key", tenant=name, scopes=scopes) for name in TENANTS}
    async with in_process(made) as client:
        own = {}
        for name, word in TENANTS.items():
            sent = {"goal": f"{GOAL} {word}", "thread": "shared"}
            headers = {**keys[name], "Idempotency-Key": "same"}
            started = await client.post("/v1/runs", json=sent, headers=headers)
            own[name] = started.json()["id"]
            await at_rest(client, own[name], headers=headers)
        before = {run_id: len(entries) for run_id, entries in office.store.rows.items()}
        for name, other in (("red", "blue"), ("blue", "red")):
            tried = 0
            async for path, response in every_route(client, keys[name], own[other]):
                assert TENANTS[other] not in response.text, path
                assert response.status_code < 500, path
                if "{run_id}" in path:
                    assert code_of(response) == (404, "run_not_found"), path
                    tried += 1
            assert tried == 9
            listed = (await client.get("/v1/runs?thread=shared", headers=keys[name])).json()
            assert [run["id"] for run in listed["data"]] == [own[name]]
            paged = await client.get(f"/v1/runs?before={own[other]}", headers=keys[name])
            assert paged.status_code == 404
        assert {run_id: len(rows) for run_id, rows in office.store.rows.items()} == before


async def every_route(client, headers, foreign):
    """Ask every route that takes an id for a foreign one, and every other one as it is."""
    described = (await client.get("/openapi.json")).json()
    for path, operations in described["paths"].items():
        for method in operations:
            for form in (foreign, f"resp_{foreign}") if "{" in path else ("",):
                url = re.sub(r"\{\w+\}", form, path)
                body = BODIES.get(path.rpartition("/")[2], {}) if method == "post" else None
                if form != foreign and "{run_id}" in path:
                    continue
                yield path, await client.request(method, url, headers=headers, json=body)
