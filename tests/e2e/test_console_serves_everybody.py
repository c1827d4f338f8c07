"""The console in a real browser: with a keyboard, a screen reader, a narrow window, by night."""

import itertools
from importlib.resources import files

import pytest

from tests.fakes.console import CHROMIUM, MISSING, at_the_console, browsing, served, visit
from tests.fakes.office import DESKTOP, Office, SteadyPlanner, Writer, screenshots

pytest.importorskip("playwright", reason="Playwright is in the extra `browser`.")
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(CHROMIUM is None, reason=MISSING),
]

PHONE = {"viewport": {"width": 400, "height": 800}}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def office():
    return Office(images=screenshots(3), files=[f"{DESKTOP}/notes.txt"])


async def at_an_approval(desk):
    """Have a run wait for a person; give its page's address."""
    request = desk.office.request("Rename the screenshots.", approve="ask")
    run_id = await desk.service.dispatcher.start(request)
    async for _ in desk.service.dispatcher.follow(run_id):
        pass
    return f"{desk.url}#/runs/{run_id}"


def waiting(tmp_path):
    planner = itertools.repeat(SteadyPlanner())
    return served(office(), tmp_path, planner=planner, writer=Writer("Done."))


async def problems(page):
    """What axe finds wrong, as rule and element."""
    axe = files("axe_playwright_python") / "axe.min.js"
    await page.evaluate(axe.read_text(encoding="utf-8"))
    found = await page.evaluate("rules => axe.run(document, rules)", RULES)
    return [
        (rule["id"], node["html"][:160], node["failureSummary"][:300])
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("where", ["list", "approval"])
async def test_axe_finds_nothing_wrong(tmp_path, scheme, where):
    pytest.importorskip("axe_playwright_python", reason="axe is in the extra `browser`.")
    async with waiting(tmp_path) as desk, browsing() as browser:
        url = await at_an_approval(desk)
        shown = url if where == "approval" else desk.url
        settings = {"color_scheme": scheme, "reduced_motion": "reduce"}
        async with visit(browser, shown, **settings) as page:
            await page.wait_for_selector(".run-row")
            await page.wait_for_selector(".attention" if where == "approval" else "#goal")
            for summary in await page.locator("main .fold > summary").all():
                await summary.click()
            assert await problems(page) == []


async def test_nothing_sticks_out_at_400_pixels(tmp_path):
    async with waiting(tmp_path) as desk, browsing() as browser:
        url = await at_an_approval(desk)
        for address, ready in (
            (desk.url, ".run-row"),
            (f"{desk.url}#/new", "#goal"),
            (url, ".step"),
        ):
            async with visit(browser, address, **PHONE) as page:
                await page.wait_for_selector(ready)
                wide = await page.evaluate("document.documentElement.scrollWidth")
                assert wide <= 400, address


async def test_the_list_and_the_run_are_pages_of_their_own_when_it_is_narrow(tmp_path):
    async with waiting(tmp_path) as desk, browsing() as browser:
        await at_an_approval(desk)
        async with visit(browser, desk.url, **PHONE) as page:
            await page.click(".run-row")
            await page.wait_for_selector(".attention")
            assert not await page.is_visible("#rail")
            await page.click("text=All runs")
            await page.wait_for_selector(".run-row")
            assert not await page.is_visible("main")


async def test_a_run_is_started_and_approved_with_the_keyboard_alone(tmp_path):
    planner = itertools.repeat(SteadyPlanner())
    making = {"planner": planner, "writer": Writer("Done.")}
    async with at_the_console(office(), tmp_path, **making) as (_, page):
        await page.wait_for_selector("text=No runs yet")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.textContent") == "Skip to the run"
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.id") == "goal"
        await page.keyboard.type("Rename the screenshots.")
        await page.keyboard.press("Control+Enter")
        await page.wait_for_selector("button:has-text('Approve')")
        assert await page.evaluate("document.activeElement.tagName") == "H1"
        said = "document.getElementById('live').textContent"
        await page.wait_for_function(f"{said}.includes('Needs approval')")
        for _ in range(20):
            await page.keyboard.press("Tab")
            if "Approve" in await page.evaluate("document.activeElement.textContent"):
                break
        await page.keyboard.press("Enter")
        await page.wait_for_selector(".outcome.tone-answer")
        await page.wait_for_function(f"{said}.includes('Completed')")
        assert await page.evaluate("document.activeElement.tagName") == "H1"
        await page.focus("#skip")
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.id") == "main"
        assert await page.locator(".outcome.tone-answer").count() == 1
        assert page.complaints == []


async def test_whoever_wants_no_motion_gets_none(tmp_path):
    async with waiting(tmp_path) as desk, browsing() as browser:
        desk.gate.close()
        async with visit(browser, desk.url, reduced_motion="reduce") as page:
            await page.fill("#goal", "Rename the screenshots.")
            await page.click("button[type=submit]")
            await page.wait_for_selector(".now .turn")
            moving = "document.getAnimations().filter(each => each.playState === 'running').length"
            assert await page.evaluate(moving) == 0
