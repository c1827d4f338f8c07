"""The description of the API is true: whatever fits it is served, whatever does not is a 4xx."""

import asyncio
import itertools
import socket
import threading
from contextlib import contextmanager, suppress
from types import SimpleNamespace

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from orchestrator.service.app import create_app
from orchestrator.service.listening import Listener, url_of
from tests.fakes.office import Office
from tests.fakes.serving import PATIENCE_S, bearer, service_over

EXAMPLES = 8
"""For each operation and mode of generation; more find the same, more slowly."""

OPENAI = {"/v1/chat/completions", "/v1/responses"}
"""What they take is described by OpenAI, more loosely than a conversation can be: a body that
fits may still be refused, so that one check is left out for them."""


@contextmanager
def listening_service(tmp_path):
    """A service with a key, in a thread of its own; gives its address and the key's headers."""
    ready, address, stop = threading.Event(), {}, []

    async def serve():
        answers = itertools.repeat({"answer": "There is nothing to do."})
        service = service_over(Office(), tmp_path, planner=answers)
        address["headers"] = bearer(service, scopes=("admin",))
        listening = socket.create_server(("127.0.0.1", 0))
        address["url"] = url_of(listening)
        server = Listener(service, ready.set)
        loop = asyncio.get_running_loop()

        def ended():
            service.draining.set()
            server.should_exit = True

        stop.append(lambda: loop.call_soon_threadsafe(ended))
        await server.serve(sockets=[listening])
        await service.dispatcher.drain(within_s=0)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(PATIENCE_S)
    try:
        yield address["url"], address["headers"]
    finally:
        stop[0]()
        thread.join(PATIENCE_S)


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with listening_service(tmp_path_factory.mktemp("service")) as (url, headers):
        yield schemathesis.openapi.from_url(f"{url}/openapi.json"), headers


def operations():
    """Every operation that is described."""
    paths = create_app(SimpleNamespace()).openapi()["paths"]
    return [(path, method) for path, methods in paths.items() for method in methods]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=str)
@pytest.mark.parametrize(("path", "method"), operations())
def test_every_operation_is_as_it_is_described(api, path, method, mode):
    schema, headers = api
    operation = schema[path][method.upper()]
    left_out = [positive_data_acceptance] if path in OPENAI else []

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    def holds(case):
        case.call_and_validate(headers=headers, timeout=PATIENCE_S, excluded_checks=left_out)

    with suppress(Unsatisfiable):  # what has no parameters cannot be asked wrongly
        holds()
