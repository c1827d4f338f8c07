"""What every Toolset promises, asked of each adapter and each fake alike.

A suite takes part by subclassing and giving a `toolset` fixture (any scope) that offers the
tools described here, in one namespace, with a deadline of a second or less:

    add(a: integer, b: integer) -> {"total": a + b}     read
    echo(text: string) -> {"text": text}                read
    fail(reason: string), which always fails            local_write, idempotent
    wait(), which never answers                         read
"""

import json

import anyio
import jsonschema
import pytest

from orchestrator.core.tools import EFFECT_ORDER, ToolCall, split_name

TEXTS = ("plain", "", "naïve résumé 🧾 語", 'quotes " and \\ and \n lines\ttoo', "\u202e\u200b")


class ToolsetContract:
    """The promises of `orchestrator.ports.tools.Toolset`."""

    pytestmark = pytest.mark.anyio

    def spec(self, toolset, name):
        return next(spec for spec in toolset.specs if spec.name == name)

    async def ask(self, toolset, name, **arguments):
        tool = self.spec(toolset, name).id
        return await toolset.call(ToolCall(tool=tool, arguments=arguments, key="k-1"))

    async def test_every_tool_has_a_qualified_id_of_its_own(self, toolset):
        ids = [spec.id for spec in toolset.specs]
        assert len(set(ids)) == len(ids)
        assert all(len(split_name(tool)) == 2 for tool in ids)

    async def test_the_specs_stay_the_same_in_the_same_order(self, toolset):
        before = list(toolset.specs)
        await self.ask(toolset, "add", a=1, b=1)
        assert list(toolset.specs) == before

    async def test_every_schema_is_a_schema_of_an_object(self, toolset):
        for spec in toolset.specs:
            jsonschema.Draft202012Validator.check_schema(spec.input_schema)
            assert spec.input_schema["type"] == "object"

    async def test_effects_are_told(self, toolset):
        assert self.spec(toolset, "add").effect == "read"
        assert self.spec(toolset, "add").retry_safe
        assert self.spec(toolset, "fail").effect == "local_write"
        assert self.spec(toolset, "fail").idempotent
        assert {spec.effect for spec in toolset.specs} <= set(EFFECT_ORDER)

    async def test_a_result_is_structured_and_keeps_the_output_schema(self, toolset):
        outcome = await self.ask(toolset, "add", a=19, b=23)
        assert outcome.ok
        assert outcome.data == {"total": 42}
        assert (outcome.error, outcome.code) == ("", "")
        schema = self.spec(toolset, "add").output_schema
        if schema is not None:
            jsonschema.validate(outcome.data, schema)

    @pytest.mark.parametrize("text", TEXTS)
    async def test_text_comes_back_as_it_was_sent(self, toolset, text):
        outcome = await self.ask(toolset, "echo", text=text)
        assert outcome.data == {"text": text}

    async def test_a_failed_tool_is_not_ok_and_says_why(self, toolset):
        outcome = await self.ask(toolset, "fail", reason="the drawer is locked")
        assert not outcome.ok
        assert outcome.code == "tool_failed"
        assert "the drawer is locked" in outcome.error
        assert outcome.data is None

    async def test_arguments_that_break_the_schema_are_an_outcome(self, toolset):
        outcome = await self.ask(toolset, "add", b=1)
        assert not outcome.ok
        assert outcome.code in {"tool_failed", "invalid_arguments"}
        assert "a" in outcome.error

    async def test_an_unknown_tool_is_an_outcome_that_names_the_nearest(self, toolset):
        tool = self.spec(toolset, "echo").id
        outcome = await toolset.call(ToolCall(tool=f"{tool}s", arguments={"text": "x"}))
        assert not outcome.ok
        assert outcome.code == "unknown_tool"
        assert tool in outcome.error

    async def test_a_tool_that_never_answers_times_out(self, toolset):
        with anyio.fail_after(60):
            outcome = await self.ask(toolset, "wait")
        assert not outcome.ok
        assert outcome.code == "tool_timeout"

    async def test_a_cancelled_call_ends_and_leaves_the_toolset_usable(self, toolset):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.ask, toolset, "wait")
            await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        assert (await self.ask(toolset, "add", a=1, b=2)).ok

    async def test_calls_at_the_same_time_get_their_own_answers(self, toolset):
        totals = {}

        async def add(number):
            totals[number] = (await self.ask(toolset, "add", a=number, b=1)).data

        async with anyio.create_task_group() as tasks:
            for number in range(8):
                tasks.start_soon(add, number)
        assert totals == {number: {"total": number + 1} for number in range(8)}

    async def test_an_outcome_is_plain_json_with_a_duration(self, toolset):
        for arguments in ({"a": 1, "b": 1}, {}):
            outcome = await self.ask(toolset, "add", **arguments)
            assert json.loads(outcome.model_dump_json())["ok"] is outcome.ok
            assert outcome.seconds >= 0
