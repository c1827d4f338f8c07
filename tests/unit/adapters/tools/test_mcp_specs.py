"""What a server says of its tools is cleaned, bounded and classed before anyone sees it."""

import json

import mcp_types as types
import pytest

from adapters.tools.mcp_specs import list_specs

OBJECT = {"type": "object"}


def offered(name="look", schema=None, output=None, **fields):
    return types.Tool(name=name, input_schema=schema or OBJECT, output_schema=output, **fields)


def only(tool, policy=None):
    return list_specs("ns", [tool], policy or {}).specs[0]


def nested(levels):
    schema = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return {"type": "object", "properties": {"x": schema}}


@pytest.mark.parametrize(
    ("hints", "effect"),
    [
        (None, "destructive"),
        ({}, "destructive"),
        ({"read_only_hint": True}, "read"),
        ({"read_only_hint": True, "open_world_hint": True}, "read"),
        ({"destructive_hint": False}, "local_write"),
        ({"destructive_hint": True}, "destructive"),
        ({"destructive_hint": False, "open_world_hint": True}, "egress"),
        ({"open_world_hint": False}, "destructive"),
    ],
)
def test_annotations_become_an_effect(hints, effect):
    annotations = None if hints is None else types.ToolAnnotations(**hints)
    assert only(offered(annotations=annotations)).effect == effect


@pytest.mark.parametrize("pattern", ["look", "ns.look", "l*", "*"])
def test_the_operators_word_wins_over_annotations(pattern):
    annotations = types.ToolAnnotations(read_only_hint=True)
    spec = only(offered(annotations=annotations), {"other": "read", pattern: "egress"})
    assert spec.effect == "egress"


def test_only_a_hinted_tool_is_idempotent():
    assert not only(offered()).idempotent
    assert only(offered(annotations=types.ToolAnnotations(idempotent_hint=True))).idempotent


def test_wire_names_become_safe_and_stay_apart():
    listing = list_specs("ns", [offered(n) for n in ("a.b", "a b", "a_b", "ü", "a.b")], {})
    assert [spec.id for spec in listing.specs] == ["ns.a_b", "ns.a_b_2", "ns.a_b_3", "ns._"]
    assert listing.wire_names == {
        "ns.a_b": "a.b",
        "ns.a_b_2": "a b",
        "ns.a_b_3": "a_b",
        "ns._": "ü",
    }
    assert "twice" in listing.rejected["a.b"]


def test_hidden_characters_leave_descriptions():
    hidden = "Read\u202e a\u200b file\x1b[31m\U000e0041.\n\tUse it."
    schema = {
        "type": "object",
        "properties": {"p": {"type": "string", "title": "\u2066P", "description": hidden}},
    }
    spec = only(offered(description=hidden, schema=schema))
    assert spec.description == "Read a file[31m.\n\tUse it."
    assert spec.input_schema["properties"]["p"] == {
        "type": "string",
        "title": "P",
        "description": spec.description,
    }


def test_a_parameter_may_be_called_description():
    schema = {"type": "object", "properties": {"description": {"type": "string"}}}
    assert only(offered(schema=schema)).input_schema == schema


def test_a_long_description_is_cut():
    spec = only(offered(description="x" * 5000))
    assert len(spec.description) == 1024
    assert spec.description.endswith("…")


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (nested(200), "deeper than"),
        ({"type": "object", "properties": {f"p{n}": OBJECT for n in range(9000)}}, "larger than"),
        ({"type": "object", "$ref": "http://example.org/s.json"}, "another document"),
        ({"type": "object", "properties": {"x": {"$ref": "file:///etc/passwd"}}}, "another"),
        (
            {
                "type": "object",
                "$defs": {
                    f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)
                }
                | {"d40": {"type": "string"}},
                "properties": {"x": {"$ref": "#/$defs/d0"}},
            },
            "unfolds",
        ),
    ],
    ids=["deep", "large", "remote", "file", "bomb"],
)
def test_a_schema_that_could_do_harm_keeps_its_tool_out(schema, reason):
    listing = list_specs("ns", [offered("harm", schema), offered("fine")], {})
    assert [spec.name for spec in listing.specs] == ["fine"]
    assert reason in listing.rejected["harm"]


def test_an_output_schema_is_held_to_the_same_bounds():
    listing = list_specs("ns", [offered("harm", output=nested(200))], {})
    assert listing.specs == ()


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [(r"^[a-z0-9-]{1,64}$", True), (r"^(a+)+$", False), (r"^(\w)\1$", False), ("a" * 300, False)],
)
def test_patterns_that_could_match_for_ever_are_dropped(pattern, kept):
    schema = {"type": "object", "properties": {"x": {"type": "string", "pattern": pattern}}}
    found = only(offered(schema=schema)).input_schema["properties"]["x"]
    assert ("pattern" in found) is kept


def test_a_recursive_schema_is_fine():
    tree = {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#"}}}}
    assert only(offered(schema=tree)).input_schema == tree


def test_specs_are_plain_json():
    spec = only(offered(description="a\ud800b", schema={"type": "object", "x": "\udfff"}))
    assert json.loads(spec.model_dump_json())["description"] == "a\ufffdb"
