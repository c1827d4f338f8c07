"""The native API: start, list, decide, answer, cancel, resume, each once and only one's own."""

import asyncio

import pytest

from orchestrator.service.native.runs import run_id_of
from tests.fakes.office import DESKTOP, LIST, RENAME, Office, act, plan, screenshots, step
from tests.fakes.serving import GOAL, at_rest, bearer, in_process, service_over

pytestmark = pytest.mark.anyio
LISTING = [plan(step("s1", "list the files", "filesystem")), *act(LIST, path="$folder.Desktop")]


@pytest.fixture
def office():
    return Office(images=screenshots())


@pytest.fixture
async def client(office, tmp_path):
    async with in_process(service_over(office, tmp_path)) as client:
        yield client


async def started(client, **fields):
    response = await client.post("/v1/runs", json={"goal": GOAL, **fields})
    assert response.status_code == 201, response.text
    return response.json()


async def resting(client, **fields):
    return await at_rest(client, (await started(client, **fields))["id"])


def code_of(response):
    return response.status_code, response.json()["error"]["code"]


async def test_a_run_is_started_watched_and_shown(client, office):
    response = await client.post("/v1/runs", json={"goal": GOAL, "approve": "yes"})
    run = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"/v1/runs/{run['id']}"
    assert (run["status"], run["goal"], run["object"]) == ("running", GOAL, "run")
    done = await at_rest(client, run["id"])
    assert (done["status"], done["answer"], done["error"]) == ("completed", "It is done.", None)
    assert [each["status"] for each in done["steps"]] == ["done"] * 4
    assert done["usage"]["prompt"] > 0
    assert len(office.desk.called(RENAME)) == 3


async def test_a_plan_is_made_and_nothing_is_done(client, office):
    run = await resting(client, plan_only=True)
    assert run["status"] == "planned"
    shown = (await client.get(f"/v1/runs/{run['id']}/plan")).json()
    assert [each["namespace"] for each in shown["plan"]["steps"]][:2] == ["filesystem", "ocr"]
    assert {each["status"] for each in shown["steps"]} == {"open"}
    assert office.desk.calls == []
    resumed = await client.post(f"/v1/runs/{run['id']}/resume")
    assert resumed.status_code == 202
    assert (await at_rest(client, run["id"]))["status"] == "waiting_approval"


async def test_what_waits_for_a_yes_shows_exactly_what_will_be_done(client):
    run = await resting(client)
    asked = run["approval"]
    assert (asked["tool"], asked["effect"], asked["step"]) == (RENAME, "local_write", "s4")
    assert asked["expressions"] == {"path": "$s1.path", "new_name": "$s3.value"}
    assert [call["arguments"]["path"] for call in asked["calls"]] == sorted(screenshots())
    assert len(asked["digest"]) == 64
    waiting = (await client.get("/v1/approvals")).json()
    assert [each["id"] for each in waiting["data"]] == [run["id"]]
    assert waiting["data"][0]["approval"] == asked
    assert waiting["has_more"] is False


async def test_a_yes_is_bound_to_the_calls_that_were_shown(client, office):
    run = await resting(client)
    url = f"/v1/runs/{run['id']}/approve"
    wrong = await client.post(url, json={"digest": "0" * 64})
    assert code_of(wrong) == (409, "run_conflict")
    assert office.desk.called(RENAME) == []
    right = await client.post(url, json={"digest": run["approval"]["digest"]})
    assert right.status_code == 202
    assert (await at_rest(client, run["id"]))["status"] == "completed"
    again = await client.post(url, json={"digest": run["approval"]["digest"]})
    assert code_of(again) == (409, "run_conflict")
    assert len(office.desk.called(RENAME)) == 3
    assert (await client.get("/v1/approvals")).json()["data"] == []


async def test_a_no_is_never_carried_out(client, office):
    run = await resting(client)
    denied = await client.post(
        f"/v1/runs/{run['id']}/deny", json={"digest": run["approval"]["digest"]}
    )
    assert denied.status_code == 202
    await at_rest(client, run["id"])
    assert office.desk.called(RENAME) == []


async def test_calls_can_be_edited_when_they_are_granted(client, office):
    run = await resting(client)
    edited = [
        {**call["arguments"], "new_name": f"{at}.png"}
        for at, call in enumerate(run["approval"]["calls"])
    ]
    url, digest = f"/v1/runs/{run['id']}/approve", run["approval"]["digest"]
    unfit = await client.post(url, json={"digest": digest, "edited": [{"path": 1}] * 3})
    assert code_of(unfit) == (400, "invalid_request")
    few = await client.post(url, json={"digest": digest, "edited": edited[:1]})
    assert code_of(few) == (400, "invalid_request")
    done = await client.post(url, json={"digest": digest, "edited": edited})
    assert done.status_code == 202, done.text
    await at_rest(client, run["id"])
    assert office.names == ["0.png", "1.png", "2.png"]


async def test_the_same_key_and_body_give_the_same_run_however_often(client, office):
    body = {"goal": GOAL, "approve": "yes"}
    headers = {"Idempotency-Key": "first"}
    sent = await asyncio.gather(
        *(client.post("/v1/runs", json=body, headers=headers) for _ in range(5))
    )
    assert sorted(response.status_code for response in sent) == [200, 200, 200, 200, 201]
    [run_id] = {response.json()["id"] for response in sent}
    await at_rest(client, run_id)
    late = await client.post("/v1/runs", json=body, headers=headers)
    assert (late.status_code, late.json()["status"]) == (200, "completed")
    assert len(office.desk.called(RENAME)) == 3
    assert len((await client.get("/v1/runs")).json()["data"]) == 1


async def test_the_same_key_with_another_body_is_a_conflict(client):
    headers = {"Idempotency-Key": "first"}
    await client.post("/v1/runs", json={"goal": GOAL}, headers=headers)
    other = await client.post("/v1/runs", json={"goal": "Another."}, headers=headers)
    assert code_of(other) == (409, "run_conflict")
    assert len((await client.get("/v1/runs")).json()["data"]) == 1


async def test_a_key_holds_after_a_restart(office, tmp_path):
    body, headers = {"goal": GOAL, "approve": "yes"}, {"Idempotency-Key": "first"}
    async with in_process(service_over(office, tmp_path)) as client:
        run = (await client.post("/v1/runs", json=body, headers=headers)).json()
        await at_rest(client, run["id"])
    async with in_process(service_over(office, tmp_path)) as client:
        again = await client.post("/v1/runs", json=body, headers=headers)
    assert (again.status_code, again.json()["id"]) == (200, run["id"])
    assert len(office.desk.called(RENAME)) == 3


def test_an_idempotency_key_is_the_tenant_s_own():
    ids = {run_id_of("red", "k"), run_id_of("blue", "k"), run_id_of("re", "dk"), run_id_of("", "k")}
    assert len(ids) == 4
    assert {len(each) for each in ids} == {32}


async def test_runs_are_listed_newest_first_and_page_by_page(client):
    ids = [(await started(client, plan_only=True, thread=f"t{n % 2}"))["id"] for n in range(5)]
    seen, before = [], ""
    while True:
        page = (await client.get("/v1/runs", params={"limit": 2, "before": before})).json()
        seen += [run["id"] for run in page["data"]]
        if not page["has_more"]:
            break
        before = seen[-1]
    assert seen == ids[::-1]
    thread = (await client.get("/v1/runs", params={"thread": "t1"})).json()["data"]
    assert [run["id"] for run in thread] == [ids[3], ids[1]]
    await at_rest(client, ids[0])
    planned = (await client.get("/v1/runs", params={"status": "planned"})).json()["data"]
    assert ids[0] in [run["id"] for run in planned]
    assert (await client.get("/v1/runs", params={"status": "failed"})).json()["data"] == []


async def test_a_run_that_rests_can_be_cancelled_for_good(client, office):
    run = await resting(client)
    cancelled = await client.post(f"/v1/runs/{run['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    url = f"/v1/runs/{run['id']}/approve"
    await client.post(url, json={"digest": run["approval"]["digest"]})
    assert (await client.get("/v1/approvals")).json()["data"] == []


async def test_a_question_is_answered(office, tmp_path):
    # The first question is sent back to the planner; the second one is a person's.
    asks = {"question": "Which folder?"}
    script = [asks, asks, *LISTING]
    async with in_process(service_over(office, tmp_path, planner=script)) as client:
        run = await resting(client)
        assert (run["status"], run["question"]) == ("needs_input", "Which folder?")
        url = f"/v1/runs/{run['id']}/answer"
        given = await client.post(url, json={"text": "The Desktop."})
        assert given.status_code == 202, given.text
        done = await at_rest(client, run["id"])
        assert done["status"] == "completed"
        late = await client.post(url, json={"text": "The Desktop."})
        assert code_of(late) == (409, "run_conflict")


async def test_results_are_only_taken_where_they_are_waited_for(client):
    run = await resting(client)
    response = await client.post(
        f"/v1/runs/{run['id']}/results", json={"results": {"c1.0": {"data": 1}}}
    )
    assert code_of(response) == (409, "run_conflict")


async def test_a_budget_that_was_used_up_is_raised(client):
    run = await resting(client, approve="yes", budget={"model_calls": 1})
    assert (run["status"], run["error"]["code"]) == ("stopped", "budget_exceeded")
    assert run["budget"]["turns"] == 40
    url = f"/v1/runs/{run['id']}/resume"
    assert (await client.post(url, json={"budget": {"model_calls": 100}})).status_code == 202
    done = await at_rest(client, run["id"])
    assert (done["status"], done["budget"]["model_calls"]) == ("completed", 100)
    assert code_of(await client.post(url)) == (409, "run_conflict")


@pytest.mark.parametrize(
    "places",
    [{"Home": "/home/ana"}, {"Up": f"{DESKTOP}/../.."}, {"Here": "Desktop"}, {"Root": "/"}],
)
async def test_a_run_speaks_only_of_folders_of_the_service(client, places):
    response = await client.post("/v1/runs", json={"goal": GOAL, "places": places})
    assert code_of(response) == (403, "forbidden")


async def test_a_folder_inside_those_of_the_service_may_be_named(client):
    run = await started(client, places={"Inner": f"{DESKTOP}/inner"}, plan_only=True)
    assert run["status"] == "running"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("{}", "goal"),
        ('{"goal": ""}', "goal"),
        ('{"goal": "' + "x" * 8001 + '"}', "goal"),
        (r'{"goal": "a\u0000b"}', "goal"),
        (r'{"goal": "\udce4"}', "goal"),
        ('{"goal": "x", "gaol": 1}', "gaol"),
        ('{"goal": "x", "budget": {"turns": 0}}', "budget.turns"),
        ('{"goal": "x", "budget": {"turns": 1180591620717411303424}}', "budget.turns"),
        ('{"goal": "x", "budget": {"seconds": 1e400}}', "budget.seconds"),
        ('{"goal": "x", "budget": {"seconds": NaN}}', "budget.seconds"),
        ('{"goal": "x", "approve": "always"}', "approve"),
        ('{"goal": "x"', "1"),
    ],
)
async def test_what_does_not_fit_is_named_and_not_repeated(client, body, field):
    sent = {"content": body, "headers": {"Content-Type": "application/json"}}
    response = await client.post("/v1/runs", **sent)
    error = response.json()["error"]
    assert response.status_code == 400
    assert error["type"] == "invalid_request_error"
    assert (error["param"] == field) or body == '{"goal": "x"'
    assert "xxx" not in response.text


async def test_a_yes_beforehand_needs_the_scope_to_approve(office, tmp_path):
    service = service_over(office, tmp_path)
    headers = bearer(service, scopes=("run",))
    async with in_process(service, headers=headers) as client:
        response = await client.post("/v1/runs", json={"goal": GOAL, "approve": "yes"})
        assert code_of(response) == (403, "forbidden")
        run = await resting(client)
        url = f"/v1/runs/{run['id']}/approve"
        refused = await client.post(url, json={"digest": run["approval"]["digest"]})
        assert code_of(refused) == (403, "forbidden")
    assert office.desk.called(RENAME) == []


async def test_who_approves_is_written_into_the_journal(office, tmp_path):
    service = service_over(office, tmp_path)
    async with in_process(service, headers=bearer(service, "grace")) as client:
        run = await resting(client)
        await client.post(
            f"/v1/runs/{run['id']}/approve", json={"digest": run["approval"]["digest"]}
        )
        await at_rest(client, run["id"])
    given = [e.event for e in office.store.rows[run["id"]] if e.event.type == "approval_given"]
    assert [event.by for event in given] == ["grace"]


async def test_a_service_that_is_full_says_when_to_come_back(office, tmp_path):
    service = service_over(office, tmp_path, limits={"running": 1, "waiting": 0})
    async with in_process(service) as client:
        sent = await asyncio.gather(
            *(client.post("/v1/runs", json={"goal": GOAL}) for _ in range(3))
        )
        busy = [response for response in sent if response.status_code != 201]
        assert [code_of(each) for each in busy] == [(503, "service_busy")] * 2
        assert all(int(each.headers["retry-after"]) >= 1 for each in busy)
        assert len((await client.get("/v1/runs")).json()["data"]) == 1


async def test_a_full_disk_is_told_without_its_path(client, office):
    office.store.failing = True
    response = await client.post("/v1/runs", json={"goal": GOAL})
    assert code_of(response) == (503, "journal")
    assert "disk" not in response.text


async def test_a_parameter_that_is_misspelt_is_never_without_effect(client):
    response = await client.get("/v1/runs", params={"limits": 1})
    assert code_of(response) == (400, "invalid_request")
    assert "before, limit, status, thread" in response.json()["error"]["hint"]
