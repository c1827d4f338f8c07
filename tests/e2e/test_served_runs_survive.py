"""The server dies with fifty runs under way: with its next start every one of them goes on."""

import asyncio
import signal
from collections import Counter

import pytest

from tests.fakes.served import book, model_server, serving, stamping

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(280)]
RUNS = 50
AT_REST = {"completed", "waiting_approval"}


def asked(paper):
    """Every fifth run waits for a person before it stamps."""
    return {"goal": f"Stamp paper {paper}.", "approve": "ask" if paper % 5 == 0 else "yes"}


async def started(client):
    sent = [
        client.post("/v1/runs", json=asked(paper), headers={"Idempotency-Key": f"paper-{paper}"})
        for paper in range(100, 100 + RUNS)
    ]
    return [answer.json()["id"] for answer in await asyncio.gather(*sent)]


async def shown(client, run_id):
    """A run once it is over or at rest."""
    await client.get(f"/v1/runs/{run_id}/events")
    return (await client.get(f"/v1/runs/{run_id}")).json()


async def test_fifty_runs_survive_the_death_of_their_server(tmp_path):
    async with model_server() as models:
        command = stamping(tmp_path, models.url, running=8)
        async with serving(command) as first:
            ids = await started(first.client)
            while len(book(command)) < RUNS // 3:
                listed = await first.client.get("/v1/runs", params={"limit": 1})
                assert listed.status_code == 200
            await first.stopped(signal.SIGKILL)
        stamped_before = len(book(command))
        async with serving(command) as second:
            # A client that does not know what became of its requests sends them again.
            assert await started(second.client) == ids
            runs = [await shown(second.client, run_id) for run_id in ids]
            code, _ = await second.stopped(signal.SIGTERM)
    assert code == 0
    assert stamped_before < RUNS
    counted = Counter(book(command))
    assert max(counted.values()) == 1
    assert {run["status"] for run in runs} <= AT_REST
    for run, paper in zip(runs, range(100, 100 + RUNS), strict=True):
        if run["status"] == "completed":
            assert counted[paper] == 1
        else:
            # It waits for the yes that it needs, or for somebody to see what became of a call.
            assert counted[paper] <= ("nobody knows" in run["approval"]["reason"])
            assert [call["arguments"] for call in run["approval"]["calls"]] == [{"paper": paper}]
    waiting = [run["goal"] for run in runs if run["status"] == "waiting_approval"]
    assert {f"Stamp paper {paper}." for paper in range(100, 100 + RUNS, 5)} <= set(waiting)
    assert len(waiting) <= RUNS // 5 + 8
