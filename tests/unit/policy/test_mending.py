"""Slips of a small model's plan are read as what they mean, and nothing else is touched."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.errors import InvalidPlan
from orchestrator.core.plans import Plan, PlanStep
from orchestrator.core.tools import ToolSpec
from orchestrator.policy.abilities import Abilities, abilities
from orchestrator.policy.mending import (
    conditions_spoken_of,
    mended,
    only_asks,
    spoken_instead,
)
from orchestrator.policy.planning import plan_problems, read_plan
from orchestrator.policy.reading import Readers

PLACES = ("Kitchen", "Lost bikes", "Poems", "Telescope")
CAN = Abilities(
    lists="filesystem",
    reads=Readers(pairs={"email", "knowledge"}, documents="document", pictures="ocr"),
    joins={"document"},
)
NAMESPACES = ("filesystem", "task", "ocr", "text", "clipboard", "knowledge", "email", "contacts")


def step(intent, namespace="filesystem", over="", where=""):
    return {"intent": intent, "namespace": namespace, "over": over, "where": where}


def read(*steps, goal="Do it.", mend=True, shown=()):
    said = [{"id": f"s{at}", **each} for at, each in enumerate(steps, start=1)]
    made = read_plan(json.dumps({"steps": said}), mend=mend)
    if mend:
        made = mended(made, goal=goal, kept=(), places=PLACES, can=CAN, shown=shown)
    return [
        (s.id, s.intent, s.over, " and ".join(c.written() for c in s.where)) for s in made.steps
    ]


class TestSeveralThings:
    def test_are_listed_before_they_are_acted_on(self):
        assert read(step("copy the .txt poems from Poems to Poems/Book")) == [
            ("s2", "list the files in Poems", "", ""),
            ("s1", "copy the .txt poems from Poems to Poems/Book", "s2", "name ends with .txt"),
        ]

    def test_by_the_step_before_where_that_lists_them(self):
        found = read(step("find the files in Kitchen"), step("move all PDFs from Kitchen"))
        assert found[1] == ("s2", "move all PDFs from Kitchen", "s1", "name ends with .pdf")

    def test_in_a_folder_of_two_words(self):
        assert read(step("move the photos in Lost bikes"))[0][1] == "list the files in Lost bikes"

    def test_over_itself_is_over_nothing(self):
        intent = "move files in Telescope/logs that are bigger than 1000 bytes to Telescope/big"
        assert read(step(intent, over="s1", where="logs")) == [
            ("s2", "list the files in Telescope/logs", "", ""),
            ("s1", intent, "s2", "size > 1000"),
        ]

    @pytest.mark.parametrize(
        "intent",
        [
            'move "all.txt" from Kitchen',
            "move the letter in Kitchen",
            "move all files",
            "list all files in Kitchen",
        ],
    )
    def test_but_not_one_thing_nor_what_only_reads(self, intent):
        assert read(step(intent)) == [("s1", intent, "", "")]


class TestWhichAreMeant:
    def test_is_said_by_the_step_that_acts(self):
        intent = "tick off all the tasks that have garden in their title"
        found = read(step("list all tasks", "task"), step(f"update {intent}", "task", over="s1"))
        assert found[1][3] == "title contains garden"

    def test_also_where_the_step_goes_over_nothing_yet(self):
        intent = "tick off all the tasks that have garden in their title"
        found = read(step("list all tasks", "task"), step(intent, "task"))
        assert found[1][2:] == ("s1", "title contains garden")

    def test_or_by_the_one_that_lists(self):
        found = read(
            step("list files smaller than 20 bytes"), step("move them to Poems", over="s1")
        )
        assert found[1][3] == "size < 20"

    def test_and_a_condition_that_is_there_stays(self):
        found = read(
            step("list the PDFs"), step("move the PDFs", over="s1", where="name contains a")
        )
        assert found[1][3] == "name contains a"


class TestAfterIsNotForEach:
    def test_a_step_that_quotes_all_it_makes_goes_over_nothing(self):
        intent = 'add a note under the title "Key" with the text "It is here."'
        steps = step("search the notes", "knowledge"), step(intent, "knowledge", over="s1")
        assert read(*steps)[1] == ("s2", intent, "", "")

    @pytest.mark.parametrize(
        "intent", ['add the task "Call" for each of them', "add a task", 'send "a" to its sender']
    )
    def test_a_step_that_speaks_of_items_goes_over_them(self, intent):
        found = read(step("list the contacts", "contacts"), step(intent, "task", over="s1"))
        assert found[1][2] == "s1"


class TestPartsOfATextThatIsRead:
    def test_are_taken_out_by_a_step_of_their_own(self):
        found = read(
            step("read the receipt taxi.png", "ocr"),
            step("put the amount on the clipboard", "clipboard"),
        )
        assert [(s[0], s[2]) for s in found] == [("s1", ""), ("s3", "s1"), ("s2", "s3")]
        assert found[1][1].startswith("extract the amount from what s1 read")

    def test_but_not_where_nothing_is_read(self):
        found = read(step("list the tasks", "task"), step("put it off to that day", "task"))
        assert len(found) == 2


class TestWhatWasCopiedFromAnExample:
    RENAME = step("rename the file plan.txt in Garage to roadmap.txt")

    def test_is_left_out(self):
        goal = "File chimney.txt under Kitchen."
        move = step("move chimney.txt to Kitchen")
        assert len(read(self.RENAME, move, goal=goal, shown={self.RENAME["intent"]})) == 1
        assert len(read(self.RENAME, move, goal=goal)) == 2

    def test_unless_the_goal_says_the_same(self):
        goal = "Rename the file plan.txt in Garage to roadmap.txt, please."
        assert len(read(self.RENAME, goal=goal, shown={self.RENAME["intent"]})) == 1

    def test_a_plan_of_nothing_else_stays(self):
        assert len(read(self.RENAME, shown={self.RENAME["intent"]})) == 1


class TestAQuestion:
    @pytest.mark.parametrize(
        ("goal", "asks"),
        [
            ("How can I reach Olaf by mail?", True),
            ("There is a picture. How many hinges are in stock?", True),
            ("Can you get rid of the price list?", False),
            ("When will they come? Add it to my calendar.", False),
            ("Tick off t3.", False),
        ],
    )
    def test_is_told_from_a_request(self, goal, asks):
        assert only_asks(goal) is asks

    def test_changes_nothing(self):
        find = step("find the contact Olaf", "contacts")
        draft = step("draft a mail to that address", "email", over="s1")
        assert len(read(find, draft, goal="How can I reach Olaf by mail?")) == 1
        assert len(read(find, draft, goal="Draft a mail to Olaf.")) == 2
        assert len(read(draft | {"over": ""}, goal="How can I reach Olaf?")) == 1


def test_conditions_are_offered_where_the_goal_has_one():
    assert conditions_spoken_of("If a file is there, move it.") == ["only_if"]
    assert conditions_spoken_of("Wait until the job is done.") == ["wait_until"]
    assert conditions_spoken_of("When will they come?") == []


words = st.sampled_from(
    ["move", "list", "all", "the PDFs", "in Kitchen", "the date", "read", '"a"', "each", "add"]
)
steps = st.builds(
    step,
    st.lists(words, min_size=2, max_size=6).map(" ".join),
    st.sampled_from(NAMESPACES[:4]),
    st.sampled_from(["", "s1", "s2"]),
)


@given(st.lists(steps, min_size=1, max_size=4), st.sampled_from(["Do it.", "Where is it?"]))
def test_a_plan_that_can_be_carried_out_still_can_be(said, goal):
    plan = read_plan(json.dumps({"steps": [{"id": f"s{n}", **s} for n, s in enumerate(said, 1)]}))
    if plan_problems(plan, NAMESPACES):
        return
    kept = plan.steps[:1]
    made = mended(plan, goal=goal, kept=kept, places=PLACES, can=CAN)
    assert made.steps[:1] == kept
    assert all("goes over" not in problem for problem in plan_problems(made, NAMESPACES))
    assert isinstance(made.steps[0], PlanStep)
    answered = mended(Plan(answer="yes"), goal=goal, kept=(), places=(), can=Abilities())
    assert answered.answer == "yes"


@pytest.mark.parametrize("where", ["Accounts/Archive", "text", "files"])
def test_a_folder_or_a_field_alone_is_no_condition(where):
    listed, moved = step("list what is there"), step("move it to Poems", over="s1", where=where)
    assert read(listed, moved)[1][3] == ""
    with pytest.raises(InvalidPlan):
        read(listed, moved, mend=False)
    with pytest.raises(InvalidPlan):
        read(listed, moved | {"where": "unpaid"})


class TestReadingSeveral:
    def test_lists_them_first(self):
        assert read(step("read all the photos in Lost bikes", "ocr"))[0][1] == (
            "list the files in Lost bikes"
        )

    def test_and_what_is_for_each_goes_over_the_step_before(self):
        found = read(step("read the files in Poems"), step("create a note for each", "knowledge"))
        assert [(name, over) for name, _, over, _ in found] == [
            ("s3", ""),
            ("s1", "s3"),
            ("s2", "s1"),
        ]

    def test_but_nothing_goes_over_a_step_that_finds_nothing(self):
        found = read(step("write the file a.txt"), step("make a task for each", "task"))
        assert [over for _, _, over, _ in found] == ["", ""]


def test_a_new_folder_has_no_items_to_go_over():
    found = read(
        step("create the folder Kitchen/Old"), step("move a.txt to Kitchen/Old", over="s1")
    )
    assert [over for _, _, over, _ in found] == ["", ""]


def test_a_step_with_the_names_of_an_example_is_left_out():
    shown = ("rename the file plan.txt in Garage to roadmap.txt",)
    copied = "rename plan.txt in the Kitchen to roadmap.txt"
    found = read(step("move a.txt"), step(copied), goal="Move a.txt.", shown=shown)
    assert [intent for _, intent, _, _ in found] == ["move a.txt"]
    assert len(read(step(copied), step("move a.txt"), goal="Rename plan.txt.", shown=shown)) == 2


@pytest.mark.parametrize(
    ("intent", "said", "where"),
    [
        ("read each receipt", ["list the PNG files in Receipts"], "name ends with .png"),
        ("read each receipt", ["list them", "Read the .docx letters."], "name ends with .docx"),
        ("read each receipt", ["list them"], None),
    ],
)
def test_where_no_item_fits_the_kind_that_was_spoken_of_does(intent, said, where):
    found = spoken_instead(PlanStep(id="s2", intent=intent, namespace="ocr", over="s1"), said)
    assert (found and found[0].written()) == where


class TestMailsThatAreFound:
    FINDS = step("find the mail about the camp", "email")

    def test_are_read_before_a_text_is_made_of_them(self):
        writes = step("write a summary of the mail", "text", over="s1")
        assert read(self.FINDS, writes)[1:] == [
            ("s3", "read what s1 found", "s1", ""),
            ("s2", "write a summary of the mail", "s3", ""),
        ]

    def test_and_taking_the_text_out_is_reading_them(self):
        takes = step("extract the text from the mail", "text", over="s1")
        assert read(self.FINDS, takes)[1:] == [("s2", "read what s1 found", "s1", "")]

    def test_unless_the_plan_reads_them(self):
        reads = step("read the mail", "email", over="s1")
        assert len(read(self.FINDS, reads, step("write a summary", "text", over="s2"))) == 3


def test_a_title_that_was_made_for_each_is_used_for_each():
    found = read(
        step("list the files in Kitchen"),
        step("write a short task title for each", "text", over="s1"),
        step("add a task with that title", "task"),
        step('add the task "Tidy" with the title', "task"),
    )
    assert [over for _, _, over, _ in found] == ["", "s1", "s2", ""]


def test_what_tools_can_do_is_told_by_their_names():
    names = ("mail.list_messages", "mail.read_message", "data.list_tables", "data.read_csv")
    specs = [ToolSpec(id=name, effect="read") for name in (*names, "doc.merge_documents")]
    assert abilities(specs) == Abilities(reads=Readers(pairs={"mail"}), joins={"doc"})


@pytest.mark.parametrize(("joins", "namespace"), [({"doc"}, "doc"), ({"a", "b"}, "filesystem")])
def test_what_joins_is_done_by_the_one_namespace_that_does(joins, namespace):
    joining = PlanStep(id="s1", intent="join the files into a.txt", namespace="filesystem")
    can = Abilities(lists="filesystem", joins=joins)
    made = mended(Plan(steps=(joining,)), goal="Join.", kept=(), places=PLACES, can=can)
    assert [s.namespace for s in made.steps] == [namespace]


def test_which_is_the_longest_is_said_by_the_answer():
    counts, most = (
        step("count the words of a.txt", "document"),
        step("find the longest", "document"),
    )
    assert len(read(counts, most)) == 1
    assert len(read(most)) == 1
    assert len(read(counts, most, step("read it", "document", over="s2"))) == 3


def test_a_new_plan_does_not_do_again_what_is_done():
    reads = PlanStep(id="s1", intent="read a.png", namespace="ocr")
    again = reads.model_copy(update={"id": "s4"})
    copies = PlanStep(id="s5", intent="copy it to the clipboard", namespace="clipboard", over="s4")
    plan = Plan(steps=(reads, again, copies))
    made = mended(plan, goal="Copy it.", kept=(reads,), places=PLACES, can=CAN)
    assert [(s.id, s.over) for s in made.steps] == [("s1", ""), ("s5", "s1")]


@pytest.mark.parametrize(
    ("where", "kept"),
    [("subject: Our season", False), ("subject contains season", True)],
)
def test_a_condition_that_says_what_the_step_makes_is_none(where, kept):
    draft = step('answer with the subject "Our season"', "email", over="s1", where=where)
    found = read(step("find the mails", "email"), draft)
    assert bool(found[1][3]) is kept


def test_a_condition_that_says_something_else_is_refused():
    with pytest.raises(InvalidPlan, match="is not a condition"):
        read(step("find the mails", "email"), step("delete it", "email", "s1", "colour: red"))


def test_a_detail_in_place_of_a_condition_belongs_to_what_is_made():
    finds = step("find the mails", "email")
    drafts = step("draft a mail with that text", "email", over="s1", where="subject: Short version")
    assert "draft a mail with that text, subject \u201cShort version\u201d" in [
        intent for _, intent, _, _ in read(finds, drafts)
    ]
