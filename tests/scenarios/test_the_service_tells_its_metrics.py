"""Prometheus collects what runs did, with the key that may."""

import dataclasses
import re

import pytest

from adapters.traces.metrics import MetricsSink
from tests.fakes.office import Office, screenshots
from tests.fakes.serving import GOAL, at_rest, bearer, in_process, service_over

pytestmark = pytest.mark.anyio


def counted(tmp_path):
    """A service whose runs are counted."""
    metrics = MetricsSink()
    service = service_over(Office(images=screenshots(2)), tmp_path, metrics=metrics)
    parts = service.orchestrator.parts
    service.orchestrator.parts = dataclasses.replace(parts, traces=(*parts.traces, metrics))
    return service


async def test_a_run_is_in_the_numbers_from_its_start_to_its_rest(tmp_path):
    async with in_process(counted(tmp_path)) as client:
        made = await client.post("/v1/runs", json={"goal": GOAL})
        run = await at_rest(client, made.json()["id"])
        assert run["status"] == "waiting_approval"
        response = await client.get("/metrics")
    told = response.text
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "ferryman_runs_started_total 1.0" in told
    assert 'ferryman_runs_total{status="waiting_approval"} 1.0' in told
    assert 'ferryman_current_runs{status="waiting_approval"} 1.0' in told
    assert 'ferryman_current_runs{status="running"} 0.0' in told
    assert 'ferryman_tool_calls_total{namespace="ocr",outcome="ok"} 2.0' in told
    assert re.search(r'ferryman_verdicts_total\{code="\w*",kind="ask"\} 1.0', told)


async def test_the_numbers_need_the_scope_admin_once_there_are_keys(tmp_path):
    service = counted(tmp_path)
    runner, admin = bearer(service, "ana"), bearer(service, "ops", scopes=("admin",))
    async with in_process(service) as client:
        assert (await client.get("/metrics")).status_code == 401
        assert (await client.get("/metrics", headers=runner)).status_code == 403
        assert (await client.get("/metrics", headers=admin)).status_code == 200


async def test_a_service_that_counts_nothing_says_so(tmp_path):
    service = service_over(Office(), tmp_path)
    async with in_process(service) as client:
        response = await client.get("/metrics")
    assert response.status_code == 404
    assert "ferryman[service]" in response.json()["error"]["hint"]
