"""The console in a real browser: a server that restarts, a key that is asked for, hostile text."""

import itertools

import pytest

from tests.fakes.console import CHROMIUM, MISSING, at_the_console, browsing, served, visit
from tests.fakes.office import DESKTOP, Office, SteadyPlanner, Writer, screenshots

pytest.importorskip("playwright", reason="Playwright is in the extra `browser`.")
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(CHROMIUM is None, reason=MISSING),
]

HOSTILE = [
    "<img src=x onerror=\"document.title='taken'\">",
    "<script>document.title='taken'</script>",
    "</textarea><svg/onload=document.title='taken'>",
    "javascript:document.title='taken'",
]
LOST = "#line >> text=The connection is lost"


def steady():
    return itertools.repeat(SteadyPlanner())


def small_office():
    return Office(images=screenshots(2), files=[f"{DESKTOP}/notes.txt"])


async def start(page, goal="Rename the screenshots."):
    await page.fill("#goal", goal)
    await page.click("button[type=submit]")
    await page.wait_for_selector(".run h1")


def network_only(complaints):
    """What the browser itself says of a server that is away."""
    return [said for said in complaints if not said.startswith("Failed to load resource")]


async def test_a_run_goes_on_in_the_page_after_the_server_was_restarted(tmp_path):
    making = {"planner": steady(), "writer": Writer("Done.")}
    async with at_the_console(small_office(), tmp_path, **making) as (desk, page):
        desk.gate.close()
        desk.gate.let(3)
        await page.check("input[value=yes]")
        await start(page)
        await page.wait_for_selector("[data-step=s1][data-status=done]")
        await page.wait_for_selector(".now >> text=Choosing a tool for s2")
        await desk.down()
        await page.wait_for_selector(LOST)
        desk.gate.open()
        await desk.up()
        await page.wait_for_selector(".outcome.tone-answer")
        await page.wait_for_selector(LOST, state="hidden")
        assert await page.locator(".kind-started").count() == 1
        assert await page.locator(".kind-plan").count() == 1
        assert await page.locator(".step[data-status=done]").count() == 4
        assert network_only(page.complaints) == []


async def test_the_page_asks_for_a_key_and_keeps_it_in_the_tab(tmp_path):
    office = small_office()
    async with served(office, tmp_path, planner=steady(), writer=Writer("Done.")) as desk:
        key = desk.keyring.add("ana", tenant="", scopes=["run", "approve"], now=office.clock.now())
        async with browsing() as browser, visit(browser, desk.url) as page:
            await page.wait_for_selector("dialog[open]")
            await page.fill("#key", "fm_wrong")
            await page.click("text=Use this key")
            await page.wait_for_selector("dialog[open] [role=alert]:not(:empty)")
            await page.fill("#key", key)
            await page.click("text=Use this key")
            await page.wait_for_selector("text=No runs yet")
            await page.check("input[value=yes]")
            await start(page)
            await page.wait_for_selector(".outcome.tone-answer")
            await page.reload()
            await page.wait_for_selector(".outcome.tone-answer")
            assert await page.locator("dialog").count() == 0
            assert await page.evaluate("localStorage.length") == 0
            assert network_only(page.complaints) == []


async def test_without_a_key_nothing_is_shown_and_nothing_is_asked_again_and_again(tmp_path):
    office = small_office()
    async with served(office, tmp_path) as desk:
        desk.keyring.add("ana", tenant="", scopes=["run"], now=office.clock.now())
        async with browsing() as browser, visit(browser, desk.url) as page:
            await page.click("text=Not now")
            await page.wait_for_selector("text=A key is needed")
            await page.click("text=Give a key")
            await page.wait_for_selector("dialog[open]")


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_hostile_text_stays_text(tmp_path, hostile):
    files = {f"{DESKTOP}/screenshot {hostile.replace('/', '')}.png": f"{hostile} invoice total"}
    office = Office(images=files)
    async with at_the_console(office, tmp_path, planner=steady(), writer=Writer(hostile)) as (
        _desk,
        page,
    ):
        await page.check("input[value=yes]")
        await start(page, hostile)
        await page.wait_for_selector(".kind-ended")
        for summary in await page.locator(".fold > summary").all():
            await summary.click()
        assert hostile in await page.locator(".run h1").inner_text()
        assert hostile in await page.locator(".timeline").inner_text()
        assert await page.title() != "taken"
        assert await page.locator("main img, main script, main iframe").count() == 0
        assert await page.locator("a[href^='javascript']").count() == 0
        assert page.complaints == []


async def test_the_policy_stops_a_script_that_got_in_by_another_way(tmp_path):
    async with at_the_console(small_office(), tmp_path) as (_desk, page):
        await page.wait_for_selector("#goal")
        tried = await page.evaluate(
            """() => {
                try { document.getElementById("main").innerHTML = "<b>x</b>"; return "let in"; }
                catch (error) { return error.name; }
            }"""
        )
        assert tried == "TypeError"


async def test_a_run_that_nobody_knows_is_said_to_be_unknown(tmp_path):
    async with at_the_console(small_office(), tmp_path) as (desk, page):
        await page.goto(f"{desk.url}#/runs/nothing")
        await page.wait_for_selector("text=There is no such run")
        assert network_only(page.complaints) == []
