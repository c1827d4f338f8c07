"""Two were found and one is meant: the person is asked which before anything is changed."""

import pytest

from tests.fakes.office import PROFILE, Office, entries_of, plan, step
from tests.fakes.tools import tool

pytestmark = pytest.mark.anyio

FIND, DRAFT = "contacts.find_contact", "email.draft_email"
KIMS = [
    {"name": "Kim Duarte", "email": "kim@duarte.example"},
    {"name": "Kim Larsen", "email": "kim@larsen.example"},
]
PLANNED = plan(
    step("s1", "find the contact Kim", "contacts"),
    step("s2", "draft a mail to that address", "email", over="s1"),
)
ACTS = [FIND, {"query": "Kim"}, DRAFT, {"to": "$s1.email"}]


def office(people, *, mends=True):
    def find(query):
        return {"contacts": [each for each in people if query in each["name"]]}

    made = Office(
        more=[
            tool(FIND, "Find a contact.", find, query="string"),
            tool(DRAFT, "Draft a mail.", lambda to: {}, effect="local_write", to="string"),
        ]
    )
    made.profile = PROFILE.model_copy(update={"mends_plans": mends})
    return made


async def carried(made, script, goal="Draft a mail to Kim."):
    request = made.request(goal=goal, approve="yes")
    return await entries_of(made.orchestrator(script).stream(request))


async def test_the_person_is_asked_and_the_answer_decides():
    made = office(KIMS)
    entries = await carried(made, [PLANNED, *ACTS])
    ended = entries[-1].event
    assert (ended.status, ended.code) == ("needs_input", "needs_input")
    assert ended.error.startswith("Which one is meant: Kim Duarte or Kim Larsen?")
    assert made.desk.called(DRAFT) == []
    found = plan(
        step("s1", "find the contact Kim Larsen", "contacts"),
        step("s2", "draft a mail to that address", "email", over="s1"),
    )
    again = made.orchestrator([found, FIND, {"query": "Kim Larsen"}, DRAFT, {"to": "$s1.email"}])
    more = await entries_of(again.resume(entries[0].run_id, answer="Kim Larsen", approve="yes"))
    assert more[-1].event.status == "completed"
    assert made.desk.called(DRAFT) == [{"to": "kim@larsen.example"}]


@pytest.mark.parametrize(
    ("people", "goal", "mends"),
    [
        (KIMS[:1], "Draft a mail to Kim.", True),
        (KIMS, "Draft a mail to everybody called Kim.", True),
        (KIMS, "Draft a mail to Kim.", False),
    ],
)
async def test_one_or_all_of_them_are_not_asked_about(people, goal, mends):
    made = office(people, mends=mends)
    entries = await carried(made, [PLANNED, *ACTS], goal)
    assert entries[-1].event.status == "completed"
    assert made.desk.called(DRAFT) == [{"to": each["email"]} for each in people]
