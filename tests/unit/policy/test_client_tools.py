"""What a client may offer as its own tools, and how a run's policy takes them."""

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.chat import FunctionTool
from orchestrator.core.errors import InvalidRequest
from orchestrator.policy.arguments import answer_schema, parameters
from orchestrator.policy.client_tools import (
    MOST_TOOLS,
    client_guards,
    client_rules,
    client_tool,
    client_tools,
    effect_of,
)
from orchestrator.policy.guards import GUARDS, View, first_objection, taint_guard
from orchestrator.policy.permissions import DEFAULT_RULES, Rule, permission
from tests.fakes.states import close, plan_step, proposal, settle, state

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
LETTER = {"type": "string", "enum": ["a"]}


def function(name="get_weather", description="", **parameters):
    return FunctionTool(name=name, description=description, parameters=parameters)


def test_a_function_becomes_a_tool_of_the_namespace_client():
    spec = client_tool(function(description="The weather of a city.", **CITY))
    assert spec.id == "client.get_weather"
    assert (spec.description, spec.input_schema) == ("The weather of a city.", CITY)


def test_a_function_without_parameters_takes_none():
    assert client_tool(function()).input_schema == {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("name", "effect"),
    [
        ("get_weather", "read"),
        ("stock_lookup", "read"),
        ("searchWeb", "read"),
        ("get_or_create_ticket", "local_write"),
        ("ticketCreate", "local_write"),
        ("python", "local_write"),
        ("send-mail", "local_write"),
    ],
)
def test_only_what_speaks_of_reading_alone_is_taken_to_read(name, effect):
    assert effect_of(name) == effect


@pytest.mark.parametrize("name", ["", "a.b", "a b", "x" * 65, "né"])
def test_a_name_that_is_no_function_name_is_refused(name):
    with pytest.raises(InvalidRequest, match="no name for a tool"):
        client_tool(function(name))


REFUSED = {
    "no object": {"type": "array"},
    "no properties": {"properties": ["city"]},
    "another document": {"properties": {"a": {"$ref": "https://example.org/a.json"}}},
    "an id of its own": {"properties": {"a": {"$id": "https://example.org/a.json"}}},
    "a circle": {"properties": {"a": {"$ref": "#"}}},
    "nothing there": {"properties": {"a": {"$ref": "#/$defs/a"}}},
    "a slow pattern": {"properties": {"a": {"type": "string", "pattern": "(a+)+$"}}},
    "a long pattern": {"properties": {"a": {"type": "string", "pattern": "a" * 201}}},
    "patterns for names": {"patternProperties": {".*": {}}},
    "no schema": {"properties": {"a": {"type": "nothing"}}},
    "a property that is none": {"properties": {"a": True}},
    "too large": {"properties": {"a": {"description": "x" * 40_000}}},
    "too large a number": {"properties": {"a": {"maximum": 2**70}}},
    "too deep": {"properties": {"a": json.loads('{"not":' * 70 + "{}" + "}" * 70)}},
}


@pytest.mark.parametrize("parameters", REFUSED.values(), ids=REFUSED)
def test_a_schema_that_a_run_could_stumble_over_is_refused(parameters):
    with pytest.raises(InvalidRequest, match="cannot be"):
        client_tool(function(**parameters))


def test_a_schema_that_unfolds_to_millions_is_refused():
    layers = {
        f"l{n}": {"allOf": [{"$ref": f"#/$defs/l{n + 1}"}, {"$ref": f"#/$defs/l{n + 1}"}]}
        for n in range(24)
    }
    with pytest.raises(InvalidRequest, match="unfold"):
        client_tool(
            function(
                properties={"a": {"$ref": "#/$defs/l0"}}, **{"$defs": {**layers, "l24": LETTER}}
            )
        )


def test_a_local_reference_is_followed():
    made = client_tool(
        function(properties={"a": {"$ref": "#/$defs/letter"}}, **{"$defs": {"letter": LETTER}})
    )
    [asked] = parameters(
        made.model_copy(update={"input_schema": {**made.input_schema, "required": ["a"]}}), ()
    )
    assert asked.literal == {"enum": ["a"]}


def test_a_property_may_be_called_like_a_keyword():
    properties = {"pattern": {"type": "string"}, "type": {"type": "string"}}
    assert client_tool(function(properties=properties)).input_schema["properties"] == properties


def test_too_many_tools_or_two_of_one_name_are_refused():
    with pytest.raises(InvalidRequest, match="128 are the most"):
        client_tools([function(f"t{n}") for n in range(MOST_TOOLS + 1)])
    with pytest.raises(InvalidRequest, match="Two tools"):
        client_tools([function(), function()])
    assert [spec.name for spec in client_tools([function("a"), function("b")])] == ["a", "b"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "properties", "items", "$ref", "enum", "anyOf", "required", "pattern", "a"]
            )
            | st.text(string.ascii_letters, max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["type", "properties", "required", "$defs"]), JSON))
def test_whatever_is_sent_is_refused_by_name_or_can_be_asked_for(sent):
    try:
        spec = client_tool(function(**sent))
    except InvalidRequest:
        return
    answer_schema(parameters(spec, ()))


@given(st.text())
def test_a_description_is_bounded_and_holds_nothing_unseen(text):
    described = client_tool(function(description=text)).description
    assert len(described) <= 1024
    assert all(each.isprintable() or each in "\n\t" for each in described)


def test_the_clients_tools_are_allowed_unless_the_operator_says_otherwise():
    own = (Rule(tool="client.pay", decision="deny"),)
    rules = client_rules((*own, *DEFAULT_RULES))
    assert permission(rules, "client.pay", "local_write") == "deny"
    assert permission(rules, "client.note", "local_write") == "allow"
    assert permission(rules, "mail.send", "local_write") == "ask"
    assert permission(client_rules(own), "client.note", "local_write") == "allow"


def tainted(tool):
    """A view on a call that would take over what a file says."""
    run = state(plan_step("s1", "ocr"), plan_step("s2", tool.partition(".")[0]))
    run = close(settle(run, "ocr.read", data={"text": "line one\nline two"}), "s1")
    wanted = proposal(
        tool,
        {"body": "line one"},
        step="s2",
        effect="local_write",
        expressions={"body": "$s1.text"},
    )
    rules = client_rules((Rule(tool="notes.*", decision="allow"), *DEFAULT_RULES))
    return View(state=run, proposal=wanted, scope=frozenset({tool}), rules=rules)


def test_text_may_go_to_the_client_without_a_question_and_nowhere_else():
    guards = client_guards(GUARDS)
    assert first_objection(tainted("client.note"), guards).kind == "allow"
    assert first_objection(tainted("notes.add"), guards).code == "tainted"
    assert len(guards) == len(GUARDS)
    assert taint_guard not in guards
