"""The console in a real browser: a run is started, watched, approved, denied, cancelled."""

import itertools

import pytest

from tests.fakes.console import CHROMIUM, MISSING, at_the_console
from tests.fakes.office import DESKTOP, RENAME, Office, SteadyPlanner, Writer, screenshots

pytest.importorskip("playwright", reason="Playwright is in the extra `browser`.")
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(CHROMIUM is None, reason=MISSING),
]

GOAL = "Rename the screenshots after what they show."
SAID = "The screenshots were renamed."
APPROVE = "button:has-text('Approve')"


def steady():
    return itertools.repeat(SteadyPlanner())


def small_office():
    return Office(images=screenshots(2), files=[f"{DESKTOP}/notes.txt"])


def the_console(folder, office=None, planner=None):
    made = {"planner": planner or steady(), "writer": Writer(SAID)}
    return at_the_console(office or small_office(), folder, **made)


async def start(page, goal=GOAL):
    await page.fill("#goal", goal)
    await page.click("button[type=submit]")
    await page.wait_for_selector(".run h1")


async def text_of(page, selector):
    return await page.locator(selector).inner_text()


async def test_a_run_is_started_watched_and_approved(tmp_path):
    office = small_office()
    async with the_console(tmp_path, office) as (desk, page):
        desk.gate.close()
        await start(page)
        assert await text_of(page, ".run h1") == GOAL
        await page.wait_for_selector(".now >> text=Making a plan")
        desk.gate.let(3)
        await page.wait_for_selector("[data-step=s1][data-status=done]")
        await page.wait_for_selector("[data-step=s2][data-status=active]")
        assert await page.locator(".step").count() == 4
        assert "Running" in await text_of(page, ".run-line")
        await page.wait_for_selector(".now >> text=Choosing a tool for s2")
        desk.gate.open()
        await page.wait_for_selector(APPROVE)
        assert office.desk.called(RENAME) == []
        table = await text_of(page, ".attention table")
        assert all(path in table for path in screenshots(2))
        assert "$s3.value" in table
        assert "● " in await page.title()
        await page.click(APPROVE)
        await page.wait_for_selector(".outcome.tone-answer")
        assert SAID in await text_of(page, ".outcome")
        assert await page.locator(".step[data-status=done]").count() == 4
        assert await page.locator(".attention").count() == 0
        assert page.complaints == []
        assert len(office.desk.called(RENAME)) == 2


async def test_the_timeline_tells_shortlist_choice_guard_calls_and_tokens(tmp_path):
    async with the_console(tmp_path) as (_desk, page):
        await page.check("input[value=yes]")
        await start(page)
        await page.wait_for_selector(".outcome.tone-answer")
        first = page.locator(".kind-decision").first
        told = await first.inner_text()
        assert "filesystem.list_dir" in await first.locator(".picked").inner_text()
        assert "tokens before the decision" in told
        assert "path ← $folder.Desktop" in " ".join(told.split())
        assert "Allowed" in told
        assert "from cache" in told
        await first.locator(".call summary").click()
        assert '"notes.txt"' in await first.locator(".call pre").last.inner_text()
        crossings = await page.locator(".crossing").all_inner_texts()
        assert crossings == ["filesystem → ocr", "ocr → text", "text → filesystem"]
        dials = await text_of(page, ".dials")
        assert "Identical calls\n0" in dials
        assert "Tool calls\n7" in dials
        assert page.complaints == []


async def test_what_is_denied_is_never_done(tmp_path):
    office = small_office()
    async with the_console(tmp_path, office) as (desk, page):
        await start(page)
        await page.wait_for_selector(APPROVE)
        desk.gate.close()
        await page.click("button:has-text('Deny')")
        await page.wait_for_selector(".badge:has-text('Denied')")
        assert await page.locator(".attention").count() == 0
        assert office.desk.called(RENAME) == []
        assert page.complaints == []


async def test_edited_arguments_are_a_new_call_that_is_carried_out_in_their_place(tmp_path):
    office = small_office()
    async with the_console(tmp_path, office) as (_desk, page):
        await start(page)
        await page.wait_for_selector(APPROVE)
        await page.click("text=Edit the arguments")
        await page.fill("[aria-label='new_name of call 1']", "a-better-name")
        await page.click("text=Approve as edited")
        await page.wait_for_selector(".outcome.tone-answer")
        assert "a-better-name" in [call["new_name"] for call in office.desk.called(RENAME)]
        assert page.complaints == []


async def test_a_run_is_cancelled_and_taken_up_again(tmp_path):
    async with the_console(tmp_path) as (desk, page):
        desk.gate.close()
        await page.check("input[value=yes]")
        await start(page)
        await page.wait_for_selector(".now")
        await page.click("text=Cancel run")
        await page.wait_for_selector(".run-line >> text=Cancelled")
        desk.gate.open()
        await page.click("button:has-text('Resume')")
        await page.wait_for_selector(".outcome.tone-answer")
        assert page.complaints == []


async def test_a_question_is_answered(tmp_path):
    # The first time it is sent back to look for itself.
    script = itertools.chain([{"question": "Which Desktop do you mean?"}] * 2, steady())
    async with the_console(tmp_path, planner=script) as (_desk, page):
        await start(page)
        await page.wait_for_selector(".attention >> text=Which Desktop do you mean?")
        await page.click("button:has-text('Answer')")
        assert "empty" in await text_of(page, ".attention [role=alert]")
        await page.fill("#answer-box", "Ana's.")
        await page.click("button:has-text('Answer')")
        await page.wait_for_selector(".kind-answered >> text=Ana's.")
        await page.wait_for_selector(APPROVE)
        assert page.complaints == []


async def test_a_plan_that_was_asked_for_first_is_carried_out_on_a_word(tmp_path):
    async with the_console(tmp_path) as (_desk, page):
        await page.check("#plan-only")
        await page.check("input[value=yes]")
        await start(page)
        await page.wait_for_selector("text=The plan is made")
        assert await page.locator(".step[data-status=open]").count() == 4
        await page.click("text=Carry it out")
        await page.wait_for_selector(".outcome.tone-answer")
        assert page.complaints == []


async def test_the_list_shows_what_others_start_and_can_be_filtered(tmp_path):
    office = small_office()
    async with the_console(tmp_path, office) as (desk, page):
        await page.wait_for_selector("text=No runs yet")
        await desk.service.dispatcher.start(office.request("Rename them.", approve="ask"))
        await desk.service.dispatcher.start(office.request("Name them anew.", approve="yes"))
        await page.wait_for_selector(".run-row.tone-wait >> text=Rename them.")
        await page.wait_for_selector(".run-row >> text=Name them anew.")
        assert await page.locator(".run-row").count() == 2
        await page.select_option("#group", "wanted")
        assert await page.locator(".run-row").count() == 1
        await page.fill("#find", "nothing like it")
        assert "No run fits the filter." in await text_of(page, "#rail")
        await page.fill("#find", "rename")
        await page.click(".run-row")
        await page.wait_for_selector(APPROVE)
        assert page.complaints == []
