"""The guard: the first objection decides, and an unknown or denied call never runs."""

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.runs import Budget, RunRequest
from orchestrator.core.tools import EFFECT_ORDER
from orchestrator.core.verdicts import ALLOW, Verdict
from orchestrator.policy.guards import GUARDS, View, first_objection
from orchestrator.policy.permissions import DEFAULT_RULES, Rule
from tests.fakes.states import close, plan_step, proposal, settle, state

SCOPE = frozenset({"fs.list", "fs.move", "mail.send", "ocr.read"})
ALLOW_ALL = (Rule(decision="allow"),)


def judge(proposed, run=None, rules=DEFAULT_RULES, scope=SCOPE, guards=GUARDS):
    run = state(plan_step(namespace="fs")) if run is None else run
    return first_objection(View(state=run, proposal=proposed, scope=scope, rules=rules), guards)


def test_a_read_in_scope_runs():
    assert judge(proposal("fs.list", {"path": "/d"})) == ALLOW


def test_a_tool_outside_the_run_is_refused_and_hidden():
    verdict = judge(proposal("fs.format"), rules=ALLOW_ALL)
    assert (verdict.kind, verdict.code, verdict.mask) == (
        "redirect",
        "unknown_tool",
        ("fs.format",),
    )


def test_a_denied_tool_is_refused_even_where_a_cached_answer_is_known():
    run = settle(state(plan_step(namespace="fs")), "fs.list", {"path": "/d"})
    verdict = judge(
        proposal("fs.list", {"path": "/d"}), run, rules=(Rule(decision="deny"), *DEFAULT_RULES)
    )
    assert (verdict.kind, verdict.code) == ("redirect", "denied")


def test_a_spent_budget_stops_the_run():
    run = state(plan_step(namespace="fs"), request=RunRequest(goal="g", budget=Budget(turns=1)))
    spent = run.model_copy(update={"turns": 2})
    verdict = judge(proposal("fs.list"), spent)
    assert (verdict.kind, verdict.code) == ("stop", "budget_exceeded")


def test_a_repeat_is_allowed_with_its_answer():
    run = settle(state(plan_step(namespace="fs")), "fs.list", {"path": "/d"})
    verdict = judge(proposal("fs.list", {"path": "/d"}), run)
    assert (verdict.kind, verdict.reuse) == ("allow", {0: "q0.0"})
    assert "already called" in verdict.reason


def test_a_partly_known_fan_out_keeps_what_is_known_through_a_question():
    run = settle(state(plan_step(namespace="fs")), "fs.move", {"n": 1}, effect="local_write")
    verdict = judge(proposal("fs.move", {"n": 1}, {"n": 2}, effect="local_write"), run)
    assert (verdict.kind, verdict.reuse) == ("ask", {0: "q0.0"})


def test_a_write_outside_the_steps_namespace_is_refused():
    verdict = judge(proposal("mail.send", effect="egress"), rules=ALLOW_ALL)
    assert (verdict.kind, verdict.code, verdict.mask) == (
        "redirect",
        "plan_lock",
        ("mail.send",),
    )


def test_a_read_outside_the_steps_namespace_may_help():
    assert judge(proposal("ocr.read", {"path": "/d"})) == ALLOW


def test_without_a_plan_nothing_may_be_written():
    verdict = judge(proposal("fs.move", effect="local_write"), state(), rules=ALLOW_ALL)
    assert verdict.code == "plan_lock"


def test_a_write_is_asked_for():
    verdict = judge(proposal("fs.move", {"a": "b"}, effect="local_write"))
    assert (verdict.kind, verdict.code) == ("ask", "ask")
    assert verdict.reason == "fs.move is a local_write call."


def read_text(text, over=""):
    """A run whose step s1 read a text, about to decide s2."""
    run = state(plan_step("s1", "ocr"), plan_step("s2", "fs", over=over))
    return close(settle(run, "ocr.read", data={"text": text, "size": 3}), "s1")


def test_free_text_in_a_write_is_asked_for_though_the_rules_allow_it():
    proposed = proposal(
        "fs.move", {"to": "x"}, step="s2", effect="local_write", expressions={"to": "$s1.text"}
    )
    verdict = judge(proposed, read_text("whatever it says"), rules=ALLOW_ALL)
    assert (verdict.kind, verdict.code) == ("ask", "tainted")
    assert "to" in verdict.reason


def test_a_number_or_a_literal_in_a_write_is_not():
    for expression in ("$s1.size", "a literal", "$s9.text", 3):
        proposed = proposal(
            "fs.move", {"to": "x"}, step="s2", effect="local_write", expressions={"to": expression}
        )
        assert judge(proposed, read_text("text"), rules=ALLOW_ALL) == ALLOW


def test_free_text_in_a_read_is_nothing_to_ask_about():
    proposed = proposal("ocr.read", {"q": "x"}, step="s2", expressions={"q": "$s1.text"})
    assert judge(proposed, read_text("text")) == ALLOW


def test_the_first_objection_wins():
    stop = Verdict(kind="stop", code="first")
    verdict = judge(
        proposal("fs.list"),
        guards=(lambda _: ALLOW, lambda _: stop, lambda _: Verdict(kind="replan")),
    )
    assert verdict.code == "first"


PROPOSALS = st.builds(
    proposal,
    st.sampled_from(["fs.list", "fs.move", "mail.send", "web.get", "ocr.read"]),
    effect=st.sampled_from(EFFECT_ORDER),
)
RULES = st.lists(
    st.builds(
        Rule,
        tool=st.sampled_from(["*", "fs.*", "mail.send"]),
        effect=st.none() | st.sampled_from(EFFECT_ORDER),
        decision=st.sampled_from(["allow", "ask", "deny"]),
    ),
    max_size=4,
).map(tuple)


@settings(max_examples=40)
@given(PROPOSALS, RULES)
def test_nothing_out_of_scope_and_no_foreign_write_is_ever_allowed(proposed, rules):
    verdict = judge(proposed, rules=rules)
    if proposed.tool not in SCOPE:
        assert verdict.kind == "redirect"
    if proposed.effect != "read" and not proposed.tool.startswith("fs."):
        assert verdict.kind == "redirect"


@settings(max_examples=40)
@given(PROPOSALS)
def test_an_unlisted_call_is_never_allowed_unasked(proposed):
    assert judge(proposed, rules=()).kind in {"ask", "redirect"}


@settings(max_examples=40)
@given(PROPOSALS, RULES, st.integers(0, 5))
def test_a_spent_budget_allows_nothing(proposed, rules, over):
    run = state(plan_step(namespace="fs"), request=RunRequest(goal="g", budget=Budget(turns=3)))
    verdict = judge(proposed, run.model_copy(update={"turns": 4 + over}), rules=rules)
    assert verdict.kind in {"stop", "redirect"}
