"""The console's pure modules, in the browser that runs them: cut streams, plans laid out."""

import pytest

from tests.fakes.console import CHROMIUM, MISSING, at_the_console
from tests.fakes.office import Office

pytest.importorskip("playwright", reason="Playwright is in the extra `browser`.")
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(CHROMIUM is None, reason=MISSING),
]

STREAM = (
    "retry: 2000\n\n: still here\n\n"
    'event: plan_made\ndata: {"seq":1}\nid: 1\n\n'
    "data: one\ndata:two\r\n\r\n"
    "id: 2\revent: end\rdata: ü€\U0001f6a2\r\r"
)
EVENTS = [
    {"id": "1", "event": "plan_made", "data": '{"seq":1}'},
    {"id": "", "event": "message", "data": "one\ntwo"},
    {"id": "2", "event": "end", "data": "ü€\U0001f6a2"},
]
CUT_EVERYWHERE = """async ([stream, url]) => {
    const { EventReader } = await import(url + "console/sse.js");
    const found = new Set();
    for (let first = 0; first <= stream.length; first += 1) {
        for (let second = first; second <= stream.length; second += 7) {
            const reader = new EventReader();
            const cut = [stream.slice(0, first), stream.slice(first, second)];
            const parts = [...cut, stream.slice(second)];
            found.add(JSON.stringify([...parts, "\\n"].flatMap((part) => reader.feed(part))));
        }
    }
    return [...found].map((each) => JSON.parse(each));
}"""
PLACED = """async ([steps, url]) => {
    const { placed } = await import(url + "console/layout.js");
    const { lanes, edges, places } = placed(steps);
    return { lanes, edges, places: Object.fromEntries(places) };
}"""
LEGIBLE = """async ([text, url]) => {
    const { legible, brief } = await import(url + "console/values.js");
    return [legible(text), brief(text)];
}"""


def step(step_id, namespace, needs=None, over="", only_if=()):
    return {
        "id": step_id,
        "namespace": namespace,
        "needs": needs,
        "over": over,
        "only_if": [{"step": each} for each in only_if],
    }


async def test_events_are_read_alike_wherever_the_stream_is_cut(tmp_path):
    async with at_the_console(Office(), tmp_path) as (desk, page):
        assert await page.evaluate(CUT_EVERYWHERE, [STREAM, desk.url]) == [EVENTS]


async def test_steps_stand_below_what_they_need_and_never_on_each_other(tmp_path):
    steps = [
        step("s1", "filesystem"),
        step("s2", "ocr", over="s1"),
        step("s3", "mail", needs=[]),
        step("s4", "filesystem", needs=["s1"]),
        step("s5", "text", over="s2", only_if=["s4"]),
        step("s6", "filesystem"),
    ]
    async with at_the_console(Office(), tmp_path) as (desk, page):
        made = await page.evaluate(PLACED, [steps, desk.url])
    places = made["places"]
    assert made["lanes"] == ["filesystem", "ocr", "mail", "text"]
    assert len({(place["lane"], place["row"]) for place in places.values()}) == len(steps)
    assert all(places[edge["from"]]["row"] < places[edge["to"]]["row"] for edge in made["edges"])
    kinds = {(edge["from"], edge["to"]): edge["kind"] for edge in made["edges"]}
    assert kinds == {
        ("s1", "s2"): "over",
        ("s1", "s4"): "needs",
        ("s4", "s5"): "only_if",
        ("s2", "s5"): "over",
        ("s5", "s6"): "then",
    }


async def test_nothing_hides_in_a_value(tmp_path):
    text = "invoice\u202egnp.exe\u200b\u0007"
    async with at_the_console(Office(), tmp_path) as (desk, page):
        told = await page.evaluate(LEGIBLE, [text, desk.url])
    written = "invoice\\u{202e}gnp.exe\\u{200b}\\u{7}"
    assert told == [written, f"“{written}”"]
