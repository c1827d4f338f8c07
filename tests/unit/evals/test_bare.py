"""The control arm does what the original did: everything in the prompt, nothing in the way."""

import json

import pytest

from adapters.backends.scripted import ScriptedBackend
from orchestrator.core.chat import ChatReply, FunctionCall, Sampling, Usage
from orchestrator.core.errors import BackendUnavailable, ContextOverflow
from orchestrator.evals.bare import (
    RESULT_CHARACTERS,
    identical_executed,
    run_bare,
)
from orchestrator.evals.bare_prompts import front, recipe
from orchestrator.evals.free_calls import wanted_call
from orchestrator.graph.context import Player
from tests.fakes.clock import FakeClock
from tests.fakes.office import DESKTOP, LIBRARY, LIST, PROFILE, READ, RENAME, SEARCH_FILES
from tests.fakes.tools import InMemoryFiles, InMemoryToolset, filesystem, ocr, tool

pytestmark = pytest.mark.anyio

SHOT = f"{DESKTOP}/shot.png"
GOAL = "Rename the screenshots on my Desktop after what they show."


def call(name, **arguments):
    return json.dumps({"name": name, "arguments": arguments})


def tools(*more):
    files = InMemoryFiles([SHOT])
    return InMemoryToolset([*filesystem(files), *ocr({SHOT: "Invoice 42"}), *more])


async def bare(*script, toolset=None, clock=None, **limits):
    backend = ScriptedBackend(script)
    result = await run_bare(
        goal=GOAL,
        places={"Desktop": DESKTOP},
        toolset=toolset or tools(),
        player=Player(backend, PROFILE),
        library=LIBRARY,
        clock=clock or FakeClock(),
        **limits,
    )
    return result, backend.requests


async def test_a_model_that_calls_well_is_carried_out_and_its_last_words_are_the_answer():
    desk = tools()
    result, _ = await bare(
        call(LIST, path=DESKTOP),
        call(READ, path=SHOT),
        call(RENAME, path=SHOT, new_name="invoice-42.png"),
        "Done: it is invoice-42.png now.",
        toolset=desk,
    )
    assert (result.status, result.rounds) == ("answered", 4)
    assert result.answer == "Done: it is invoice-42.png now."
    assert [made.tool for made in result.calls] == [LIST, READ, RENAME]
    assert all(made.ok for made in result.calls)
    assert desk.called(RENAME) == [{"path": SHOT, "new_name": "invoice-42.png"}]


async def test_every_tool_is_in_the_first_prompt_as_a_schema_below_the_recipes():
    desk = tools()
    result, requests = await bare("nothing to do", toolset=desk)
    system = requests[0].messages[0].content
    for spec in desk.specs:
        form = {
            "name": spec.id,
            "description": spec.description,
            "parameters": spec.input_schema,
        }
        line = json.dumps({"type": "function", "function": form}, separators=(",", ":"))
        assert line in system
    assert system.index("Workflows") < system.index("<tools>") < system.index(DESKTOP)
    assert result.shown_max == len(desk.specs)


async def test_nothing_is_constrained():
    _, requests = await bare(call(LIST, path=DESKTOP), "done")
    assert all(request.constraint is None for request in requests)


async def test_the_seed_runs_into_its_loop_and_every_repeat_is_executed_and_counted():
    search = call(SEARCH_FILES, path=DESKTOP, pattern="*.png")
    desk = tools()
    result, _ = await bare(call(LIST, path=DESKTOP), *[search] * 4, toolset=desk, rounds=5)
    assert result.status == "out_of_rounds"
    assert len(desk.called(SEARCH_FILES)) == 4
    assert result.identical_executed == 3
    assert result.answer == ""


async def test_a_repeat_after_a_write_is_none():
    again = call(LIST, path=DESKTOP)
    rename = call(RENAME, path=SHOT, new_name="b.png")
    result, _ = await bare(again, rename, again, "done")
    assert result.identical_executed == 0
    assert identical_executed(result.calls[:1] * 2) == 1


async def test_the_transcript_grows_by_the_reply_and_its_result():
    _, requests = await bare(call(LIST, path=DESKTOP), "done")
    first, second = (request.messages for request in requests)
    assert second[: len(first)] == first
    assert [message.role for message in second[len(first) :]] == ["assistant", "user"]
    assert "shot.png" in second[-1].content


async def test_a_long_result_is_cut_as_the_original_cut_it():
    flood = tool("web.fetch", "Get a page.", lambda: {"text": "x" * 20_000})
    _, requests = await bare(call("web.fetch"), "done", toolset=tools(flood))
    said = requests[1].messages[-1].content
    assert RESULT_CHARACTERS < len(said) < RESULT_CHARACTERS + 100


async def test_a_failed_call_and_an_unknown_tool_are_told_as_errors():
    result, requests = await bare(call(READ, path="nowhere.png"), call("ocr.read"), "done")
    assert [made.ok for made in result.calls] == [False, False]
    assert "Error: nowhere.png is not an image." in requests[1].messages[-1].content
    assert "Error:" in requests[2].messages[-1].content


async def test_arguments_that_no_journal_could_keep_are_not_executed():
    desk = tools()
    result, requests = await bare(call(LIST, path=2**70), "done", toolset=desk)
    assert (desk.calls, result.calls) == ([], ())
    assert "63 bits" in requests[1].messages[-1].content


async def test_a_full_context_ends_it_by_name():
    result, _ = await bare(call(LIST, path=DESKTOP), ContextOverflow("9001 of 8192 tokens."))
    assert (result.status, result.reason) == ("context_overflow", "9001 of 8192 tokens.")
    assert result.rounds == 1


async def test_a_dead_backend_ends_it_by_name():
    result, _ = await bare(BackendUnavailable("Nobody answers."))
    assert (result.status, result.reason) == ("failed", "Nobody answers.")


async def test_the_deadline_is_kept_between_rounds():
    clock = FakeClock()

    def slow(_request):
        clock.advance(40)
        return call(LIST, path=DESKTOP)

    result, requests = await bare(*[slow] * 5, clock=clock, deadline_s=100)
    assert (result.status, result.rounds, result.seconds) == ("out_of_time", 3, 120)
    assert [request.deadline_s for request in requests] == [100, 60, 20]


async def test_a_reply_cut_short_is_no_answer():
    class Cut:
        async def stream(self, request):
            yield ChatReply(text='{"name": "filesy', truncated=True)

    result = await run_bare(
        goal=GOAL,
        places={},
        toolset=tools(),
        player=Player(Cut(), PROFILE),
        library=LIBRARY,
        clock=FakeClock(),
    )
    assert (result.status, result.answer) == ("failed", "")
    assert "cut" in result.reason


async def test_tokens_and_events_are_told():
    told = []
    result, requests = await bare(call(LIST, path=DESKTOP), "done", on_event=told.append)
    assert [(event.kind, event.round) for event in told] == [
        ("replied", 1),
        ("called", 1),
        ("replied", 2),
        ("ended", 2),
    ]
    assert result.tokens.prompt > result.tokens.cached > 0
    assert result.tokens != Usage()
    assert all(request.sampling == Sampling() for request in requests)


class Native:
    """Gives whole replies, with the calls that a server took out of them."""

    def __init__(self, *replies):
        self.requests = []
        self._replies = iter(replies)

    async def stream(self, request):
        self.requests.append(request)
        yield next(self._replies)


def taken_out(name, arguments, text="", **fields):
    return ChatReply(text=text, calls=(FunctionCall(name=name, arguments=arguments),), **fields)


async def native(*replies, toolset=None, goal=GOAL, **fields):
    backend = Native(*replies)
    result = await run_bare(
        goal=goal,
        places={"Desktop": DESKTOP},
        toolset=toolset or tools(),
        player=Player(backend, PROFILE),
        library=LIBRARY,
        clock=FakeClock(),
        style="native",
        **fields,
    )
    return result, backend.requests


async def test_the_native_loop_hands_the_tools_to_the_template():
    desk = tools()
    _, [request] = await native(ChatReply(text="Nothing to do."), toolset=desk, reply_tokens=99)
    assert [told.name for told in request.tools] == [spec.id for spec in desk.specs]
    assert [told.parameters for told in request.tools] == [s.input_schema for s in desk.specs]
    assert request.max_tokens == 99
    assert request.slot == "native"
    system, user = request.messages
    assert "<tools>" not in system.content
    assert DESKTOP not in system.content
    assert f"- Desktop: {DESKTOP}" in user.content
    assert user.content.endswith(GOAL)


async def test_a_bare_request_has_no_tools_of_its_own():
    _, [request] = await bare("nothing to do")
    assert (request.tools, request.slot) == ((), "bare")


async def test_the_native_loop_takes_the_call_that_the_server_found():
    desk = tools()
    arguments = json.dumps({"path": SHOT, "new_name": "b.png"})
    result, requests = await native(
        taken_out(RENAME, arguments, text="I rename it."), ChatReply(text="Done."), toolset=desk
    )
    assert desk.called(RENAME) == [{"path": SHOT, "new_name": "b.png"}]
    said, answered = requests[1].messages[-2:]
    assert said.content.startswith("I rename it.\n<tool_call>")
    assert wanted_call(said.content).tool == RENAME
    assert "new_path" in answered.content
    assert (result.status, result.answer) == ("answered", "Done.")


async def test_a_call_that_the_server_left_in_the_text_counts_as_well():
    result, _ = await native(ChatReply(text=call(LIST, path=DESKTOP)), ChatReply(text="Done."))
    assert [made.tool for made in result.calls] == [LIST]


async def test_a_call_without_arguments_has_none_and_is_told_as_json():
    desk = tools(tool("web.now", "Say the time.", lambda: {"time": "9:00"}))
    result, requests = await native(taken_out("web.now", ""), ChatReply(text="Nine."), toolset=desk)
    assert desk.called("web.now") == [{}]
    assert wanted_call(requests[1].messages[-2].content).arguments == {}
    assert result.calls[0].ok


@pytest.mark.parametrize("arguments", ["[1]", "not JSON", '"path"'])
async def test_a_call_whose_arguments_are_no_object_is_an_answer(arguments):
    result, _ = await native(taken_out(LIST, arguments, text="I list it."))
    assert (result.status, result.calls, result.answer) == ("answered", (), "I list it.")


async def test_a_name_that_no_record_could_keep_is_no_call():
    broken = json.dumps({"name": "web.\ud800", "arguments": {}})
    assert wanted_call(broken) is None
    result, _ = await native(ChatReply(text=broken))
    assert result.calls == ()


async def test_a_further_turn_goes_on_with_the_conversation():
    first, _ = await native(taken_out(LIST, f'{{"path": "{DESKTOP}"}}'), ChatReply(text="One."))
    assert [message.role for message in first.messages] == [
        "system",
        *["user", "assistant"] * 2,
    ]
    second, [request] = await native(
        ChatReply(text="It is shot.png."), goal="What is it called?", history=first.messages
    )
    assert request.messages[:-1] == first.messages
    assert request.messages[-1].content == "What is it called?"
    assert second.messages[: len(first.messages)] == first.messages
    assert second.messages[-1].content == "It is shot.png."


async def test_a_further_turn_of_the_bare_loop_has_the_tools_above_it_already():
    first, _ = await bare("Hello.")
    second, [request] = await bare("Bye.", history=first.messages)
    assert request.messages[: len(first.messages)] == first.messages
    assert [message.role for message in request.messages].count("system") == 1
    assert second.answer == "Bye."


async def test_every_reply_is_recorded_with_its_tokens_and_the_tool_it_wanted():
    usage = Usage(prompt=80, cached=20, generated=5)
    result, _ = await native(
        taken_out(LIST, f'{{"path": "{DESKTOP}"}}', usage=usage, seconds=1.5),
        ChatReply(text="Done.", usage=usage, seconds=0.5),
    )
    assert [(reply.tool, reply.seconds) for reply in result.replies] == [(LIST, 1.5), ("", 0.5)]
    assert sum((reply.usage for reply in result.replies), Usage()) == result.tokens


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BackendUnavailable("Nobody answers."), "backend_unavailable"),
        (ContextOverflow("9001 of 8192 tokens."), "context_overflow"),
    ],
)
async def test_what_ended_it_is_known_by_its_code(error, code):
    result, _ = await bare(error)
    assert result.code == code
    assert (await bare("Done."))[0].code == ""


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "a.b", "arguments": {"x": 1}}',
        '<tool_call>\n{"name": "a.b", "arguments": {"x": 1}}\n</tool_call>',
        '<tool_call>{"name": "a.b", "arguments": {"x": 1}}',
        'I will look.\n```json\n{"name": "a.b", "arguments": {"x": 1}}\n```\nThen I go on.',
        '```\n{"name": "a.b", "parameters": {"x": 1}}\n```',
        'Sure! {"function": {"name": "a.b", "arguments": {"x": 1}}} is next.',
        '{"name": "a.b", "arguments": "{\\"x\\": 1}"}',
        '{"thought": "hm"} {"name": "a.b", "arguments": {"x": 1}}',
        '{ broken {"name": "a.b", "arguments": {"x": 1}}',
        '[{"name": "a.b", "arguments": {"x": 1}}, {"name": "c.d", "arguments": {}}]',
    ],
)
def test_a_call_is_found_in_whatever_form_it_comes(text):
    found = wanted_call(text)
    assert (found.tool, found.arguments) == ("a.b", {"x": 1})


@pytest.mark.parametrize(
    "text",
    [
        "The files are renamed.",
        "",
        '{"name": "", "arguments": {}}',
        '{"name": "a.b"}',
        '{"name": "a.b", "arguments": [1]}',
        '{"name": "a.b", "arguments": "path"}',
        '{"name": 3, "arguments": {}}',
        '{"name": "a.b", "argum',
        '{"x":' * 3000,
    ],
)
def test_what_holds_no_call_is_an_answer(text):
    assert wanted_call(text) is None


def test_a_recipe_is_a_sequence_of_calls_without_references():
    example = next(each for each in LIBRARY.examples if each.name == "rename-scans-after-shop")
    text = recipe(example)
    places = [text.index(f": {worked.tool} ") for worked in example.steps]
    assert places == sorted(places)
    assert "$" not in text
    assert "<path of the Inbox folder>" in text
    assert "<path from step 1>" in text


def test_only_examples_whose_tools_are_there_are_shown():
    system, user = front(GOAL, {}, tools().specs, LIBRARY)
    assert "text.write" not in system.content
    assert "Folders:\nnone" in system.content
    assert user.content == GOAL
