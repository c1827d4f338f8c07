"""Plans are read strictly; what makes one impossible is said so that it can be mended."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from orchestrator.core.errors import InvalidPlan
from orchestrator.core.plans import MAX_STEPS, Plan, PlanStep
from orchestrator.core.runs import StepState
from orchestrator.policy.planning import done_steps, plan_problems, plan_schema, read_plan
from orchestrator.policy.verbs import looks, unasked
from tests.fakes.office import SCREENSHOT_PLAN, plan, step

NAMESPACES = ("filesystem", "ocr", "text", "email")
LISTS = PlanStep(id="s1", intent="list the files", namespace="filesystem")
READS = PlanStep(id="s2", intent="read each text", namespace="ocr", over="s1")


def problems(*steps, namespaces=NAMESPACES):
    return plan_problems(Plan(steps=steps), namespaces)


class TestReading:
    def test_a_plan_is_read_with_its_conditions(self):
        made = read_plan(json.dumps(SCREENSHOT_PLAN))
        assert [s.namespace for s in made.steps] == ["filesystem", "ocr", "text", "filesystem"]
        assert made.steps[1].where[0].written() == "name contains screenshot"

    def test_steps_that_are_done_stay_at_its_head(self):
        made = read_plan(json.dumps(plan(step("s2", "read each", "ocr", "s1"))), kept=[LISTS])
        assert [s.id for s in made.steps] == ["s1", "s2"]

    @pytest.mark.parametrize("form", ["answer", "question"])
    def test_an_answer_or_a_question_is_a_plan(self, form):
        made = read_plan(json.dumps({form: "words"}), kept=[LISTS])
        assert (getattr(made, form), made.steps) == ("words", ())

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "not json",
            "[]",
            '"text"',
            "{}",
            '{"steps": []}',
            '{"steps": null}',
            '{"steps": [5]}',
            '{"steps": ["s1"]}',
            '{"steps": [{}]}',
            '{"answer": "a", "question": "b"}',
            '{"answer": "a", "colour": "red"}',
            '{"answer": 5}',
            json.dumps(plan(step("one", "x", "ocr"))),
            json.dumps(plan(step("s1", "", "ocr"))),
            json.dumps(plan(step("s1", "x", "ocr"), step("s2", "y", "ocr", "s1", "red ones"))),
            json.dumps(plan({**step("s1", "x", "ocr"), "take": 0})),
        ],
    )
    def test_what_is_no_plan_is_refused(self, text):
        with pytest.raises(InvalidPlan):
            read_plan(text)

    def test_the_refusal_names_the_field(self):
        with pytest.raises(InvalidPlan, match=r"not a plan: intent: "):
            read_plan(json.dumps(plan(step("s1", "", "ocr"))))


class TestProblems:
    def test_a_sound_plan_has_none(self):
        assert problems(LISTS, READS) == []

    @pytest.mark.parametrize(
        ("steps", "named"),
        [
            ((LISTS, LISTS), "s1 is there twice."),
            ((LISTS, LISTS), "s1 is the same step as s1."),
            ((LISTS.model_copy(update={"namespace": "fax"}),), "s1: 'fax' is no namespace."),
            ((READS,), "s2 goes over 's1', which is no earlier step."),
            (
                (PlanStep(id="s1", intent="sum up", namespace="text"),),
                "s1 needs a step before it that reads the text.",
            ),
            (
                (
                    LISTS,
                    READS,
                    PlanStep(id="s3", intent="rename each", namespace="filesystem", over="s2"),
                ),
                "s3 needs a name made from what s2 reads",
            ),
        ],
    )
    def test_it_is_named_with_its_step(self, steps, named):
        assert any(named in problem for problem in problems(*steps))

    def test_a_condition_without_a_source_is_one(self):
        [found] = problems(LISTS.model_copy(update={"where": read_where()}))
        assert found == "s1 has a 'where' but goes over nothing."

    def test_a_value_step_between_reading_and_renaming_makes_it_sound(self):
        named = PlanStep(id="s3", intent="write a short name", namespace="text", over="s2")
        renames = PlanStep(id="s4", intent="rename each", namespace="filesystem", over="s3")
        assert problems(LISTS, READS, named, renames) == []

    def test_where_no_text_namespace_exists_nothing_is_asked_of_it(self):
        renames = PlanStep(id="s3", intent="rename each", namespace="filesystem", over="s2")
        assert problems(LISTS, READS, renames, namespaces=("filesystem", "ocr")) == []

    def test_too_many_steps_are_one(self):
        many = [LISTS.model_copy(update={"id": f"s{n}", "intent": f"{n}"}) for n in range(1, 14)]
        assert f"The plan has 13 steps; the limit is {MAX_STEPS}." in problems(*many)


def read_where():
    return read_plan(json.dumps(SCREENSHOT_PLAN)).steps[1].where


class TestSchema:
    def valid(self, value, **options):
        return Draft202012Validator(plan_schema(NAMESPACES, **options)).is_valid(value)

    def test_it_admits_steps_an_answer_or_a_question(self):
        assert self.valid(SCREENSHOT_PLAN)
        assert self.valid({"answer": "x"})
        assert self.valid({"question": "x"})

    def test_a_new_plan_is_steps_only(self):
        assert self.valid(SCREENSHOT_PLAN, steps_only=True)
        assert not self.valid({"answer": "x"}, steps_only=True)

    def test_an_unknown_namespace_and_a_kept_id_are_not_admitted(self):
        assert not self.valid(plan(step("s1", "send", "fax")))
        assert not self.valid(SCREENSHOT_PLAN, kept=["s1"])
        assert self.valid(plan(step("s2", "read", "ocr", "s1")), kept=["s1"])

    def test_it_is_a_schema(self):
        Draft202012Validator.check_schema(plan_schema(NAMESPACES, kept=["s1"]))

    def test_nothing_but_one_form_is_admitted(self):
        assert not self.valid({})
        assert not self.valid({**SCREENSHOT_PLAN, "answer": "x"})
        assert not self.valid({"steps": []})


def test_only_done_steps_are_kept():
    states = [StepState(step=LISTS, status="done"), StepState(step=READS, status="failed")]
    assert done_steps(states) == (LISTS,)


STEPS = st.lists(
    st.builds(
        step,
        st.sampled_from(["s1", "s2", "s3", "s12"]),
        st.sampled_from(["list it", "read the text", "rename it"]),
        st.sampled_from(NAMESPACES),
        st.sampled_from(["", "s1", "s2"]),
        st.sampled_from(["", "name is x", "size > 3 and name contains y"]),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=40)
@given(STEPS)
def test_a_plan_without_problems_goes_over_earlier_steps_with_one_id_each(steps):
    made = read_plan(json.dumps({"steps": steps}))
    if plan_problems(made, NAMESPACES):
        return
    ids = [s.id for s in made.steps]
    assert len(ids) == len(set(ids))
    for at, planned in enumerate(made.steps):
        assert not planned.over or planned.over in ids[:at]
        assert planned.over or not planned.where


SAID = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["steps", "answer", "id", "over"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=40)
@given(st.text() | SAID.map(json.dumps))
def test_anything_a_model_may_say_is_a_plan_or_refused(text):
    with contextlib.suppress(InvalidPlan):
        assert isinstance(read_plan(text), Plan)


def test_a_condition_is_handed_down_to_the_step_that_goes_over_the_items():
    finds = {"id": "s1", "intent": "find the logs", "namespace": "a", "over": ""}
    moves = {"id": "s2", "intent": "move them", "namespace": "a", "over": "s1", "where": ""}
    said = json.dumps({"steps": [{**finds, "where": "size > 1000"}, moves]})
    first, second = read_plan(said).steps
    assert first.where == ()
    assert [each.written() for each in second.where] == ["size > 1000"]


def test_a_step_that_makes_the_name_is_added_where_it_is_missing():
    said = plan(
        step("s1", "list the Desktop", "filesystem"),
        step("s2", "read each screenshot", "ocr", "s1", "name contains screenshot"),
        step("s3", "rename each after what it shows", "filesystem", "s2"),
    )
    made = read_plan(json.dumps(said))
    assert [(s.id, s.namespace, s.over) for s in made.steps] == [
        ("s1", "filesystem", ""),
        ("s2", "ocr", "s1"),
        ("s4", "text", "s2"),
        ("s3", "filesystem", "s4"),
    ]
    assert plan_problems(made, ["filesystem", "ocr", "text"]) == []


def test_a_plan_that_has_no_room_left_is_told_what_it_lacks():
    more = [step(f"s{n}", f"wait for {n}", "ocr") for n in range(4, 13)]
    said = plan(
        step("s1", "list the Desktop", "filesystem"),
        step("s2", "read each screenshot", "ocr", "s1"),
        step("s3", "rename each after what it shows", "filesystem", "s2"),
        *more,
    )
    made = read_plan(json.dumps(said))
    assert len(made.steps) == 12
    assert "name made from" in " ".join(plan_problems(made, ["filesystem", "ocr", "text"]))


@pytest.mark.parametrize(
    ("intent", "only"),
    [
        ("find the mail about the camp", True),
        ('list the notes called "copy"', True),
        ("find the letter and move it", False),
        ("check out the branch", False),
        ("draft a mail", False),
    ],
)
def test_a_step_that_only_looks_is_told_by_its_words(intent, only):
    assert looks(intent) is only


@pytest.mark.parametrize(
    ("tool", "intent", "is_unasked"),
    [
        ("copy_file", "put the letter into Mail", True),
        ("copy_file", "keep a spare one in Mail", False),
        ("copy_file", "Copy it to Mail", False),
        ("move_file", "put it into Mail", False),
        ("restore_from_trash", "put it into Mail", True),
        ("restore_from_trash", "bring it back", False),
        ("trash", "L\u00f6sche die Datei", False),
        ("discard_draft", "draft a mail to Ms Aalto", True),
        ("discard_draft", "throw the draft away", False),
        ("create_dir", "create the file packing.txt on the Desktop", True),
        ("create_dir", "create the folder Old for the file", False),
        ("create_dir", "make Desktop/Old", False),
        ("cancel_event", "call off the lesson", False),
        ("trash", "move it to Old", True),
        ("trash", "delete the file", False),
        ("write_file", "file House/chimney.txt under House/Papers/2026", True),
        ("write_file", "put the text into packing.txt", False),
        ("update_task", "add the task “Call Bo” due that day", True),
        ("update_event", "move the appointment", False),
        ("update_contact", "add the number 555 to the contact of Kim", False),
        ("update_event", "make the meeting 30 minutes longer", False),
        ("convert_document", "save report.docx as report.html", False),
        ("write_file", "update the file plan.md", False),
        ("merge_documents", "make a booklet of one.pdf and two.pdf", False),
        ("convert_document", "join them into one file book.txt", True),
        ("convert_document", "save the letter as PDF", False),
        ("merge_documents", "put both into one document", False),
        ("merge_documents", "save the letter as PDF", True),
        ("draft_email", "draft a mail", False),
    ],
)
def test_a_tool_that_copies_or_takes_away_is_for_steps_that_say_so(tool, intent, is_unasked):
    assert unasked(tool, intent) is is_unasked


@pytest.mark.parametrize("said", ["true", "Always", "none"])
def test_a_condition_that_always_holds_is_none(said):
    step = {
        "id": "s1",
        "intent": "look",
        "namespace": "a",
        "over": "",
        "where": "",
        "only_if": said,
    }
    assert not read_plan(json.dumps({"steps": [step]}), mend=True).steps[0].only_if


@pytest.mark.parametrize(
    ("intent", "goal", "is_unasked"),
    [
        ("handle the letter", "Get the letter to Taxes.", True),
        ("handle the letter", "Have a copy of the letter in Taxes.", False),
        ("handle the letter", "I want the letter in Taxes, too.", False),
        ("transfer a copy of it", "Get the letter to Taxes.", False),
        ("name the file after her", "Name it.", True),
        ("kopiere den Brief", "Kopiere den Brief nach Steuern.", False),
    ],
)
def test_what_nobody_speaks_of_copying_is_not_copied(intent, goal, is_unasked):
    assert unasked("copy_file", intent, goal) is is_unasked
