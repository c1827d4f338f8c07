"""Rules are data: the first that matches decides, and what no rule names is asked."""

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.tools import EFFECT_ORDER, Effect
from orchestrator.policy.permissions import (
    DEFAULT_RULES,
    Decision,
    Rule,
    permission,
    standing_word,
)

EFFECTS = st.sampled_from(EFFECT_ORDER)
RULES = st.lists(
    st.builds(
        Rule,
        tool=st.sampled_from(["*", "mail.*", "mail.send", "fs.*", "fs.read", "?s.read"]),
        effect=st.none() | EFFECTS,
        decision=st.sampled_from(get_args(Decision)),
    ),
    max_size=5,
)
TOOLS = st.sampled_from(["mail.send", "fs.read", "fs.write", "web.get"])


@pytest.mark.parametrize(
    ("effect", "decision"),
    [("read", "allow"), ("local_write", "ask"), ("destructive", "ask"), ("egress", "ask")],
)
def test_reads_run_and_everything_else_is_asked(effect, decision):
    assert permission(DEFAULT_RULES, "any.tool", effect) == decision


def test_every_effect_has_a_default():
    assert {rule.effect for rule in DEFAULT_RULES} == set(get_args(Effect))


def test_the_first_match_wins():
    rules = (
        Rule(tool="mail.draft", decision="allow"),
        Rule(tool="mail.*", decision="deny"),
        Rule(tool="*", decision="allow"),
    )
    decisions = [permission(rules, tool, "egress") for tool in ("mail.draft", "mail.send", "a.b")]
    assert decisions == ["allow", "deny", "allow"]


def test_a_rule_for_an_effect_leaves_the_others_alone():
    rules = (Rule(tool="fs.*", effect="local_write", decision="allow"),)
    assert permission(rules, "fs.move", "local_write") == "allow"
    assert permission(rules, "fs.move", "destructive") == "ask"


def test_patterns_mind_the_case():
    assert permission((Rule(tool="FS.*", decision="allow"),), "fs.read", "read") == "ask"


@settings(max_examples=40)
@given(TOOLS, EFFECTS)
def test_without_rules_everything_is_asked(tool, effect):
    assert permission((), tool, effect) == "ask"


@settings(max_examples=40)
@given(RULES, TOOLS, EFFECTS)
def test_nothing_is_allowed_that_no_rule_allows(rules, tool, effect):
    decision = permission(rules, tool, effect)
    if decision == "allow":
        assert any(rule.decision == "allow" for rule in rules)
    matching = [r for r in rules if permission([r], tool, effect) == r.decision != "ask"]
    if not matching:
        assert decision == "ask"


@settings(max_examples=40)
@given(RULES, TOOLS, EFFECTS)
def test_later_rules_never_change_an_earlier_decision(rules, tool, effect):
    for rule in rules:
        if permission([rule], tool, effect) != "ask":
            more = [rule, *rules]
            assert permission(more, tool, effect) == rule.decision


@pytest.mark.parametrize(
    ("approve", "effect", "word"),
    [
        ("yes", "local_write", True),
        ("yes", "destructive", True),
        ("yes", "egress", None),
        ("no", "egress", False),
        ("no", "local_write", False),
        ("ask", "local_write", None),
        ("ask", "egress", None),
    ],
)
def test_a_standing_word_covers_what_stays_here(approve, effect, word):
    assert standing_word(approve, effect) is word


@settings(max_examples=40)
@given(st.sampled_from(["ask", "yes", "no"]))
def test_no_standing_word_sends_anything(approve):
    assert standing_word(approve, "egress") is not True
