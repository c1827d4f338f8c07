"""What a person reads before saying yes: one line a call, bounded, with nothing hidden in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.runs import RunRequest
from orchestrator.policy.preview import DETAIL_LINES, DETAILED, LINE, LISTED, legible, preview
from tests.fakes.states import plan_step, proposal, settle, state

DESKTOP = "/home/ana/Desktop"
REQUEST = RunRequest(goal="Tidy up.", places={"Desktop": DESKTOP, "Archive": f"{DESKTOP}/Archive"})


def run(**fields):
    return state(plan_step(), request=REQUEST, **fields)


def lines(tool, *arguments, **fields):
    return preview(run(), proposal(tool, *arguments, effect="local_write", **fields)).lines


def written(text, run_state, tool="filesystem.write_file", **more):
    arguments = {"path": f"{DESKTOP}/a.txt", "content": text, **more}
    return preview(run_state, proposal(tool, arguments, effect="local_write")).details


@pytest.mark.parametrize(
    ("tool", "arguments", "line"),
    [
        (
            "filesystem.rename_file",
            {"path": f"{DESKTOP}/a.png", "new_name": "b.png"},
            "rename a.png -> b.png in Desktop",
        ),
        (
            "filesystem.move_file",
            {"source": f"{DESKTOP}/a.png", "destination": f"{DESKTOP}/Archive"},
            "move Desktop/a.png -> Archive",
        ),
        (
            "filesystem.move_file",
            {"source": "/etc/a", "destination": "/tmp/a", "overwrite": True},
            "move /etc/a -> /tmp/a (overwrite=true)",
        ),
        ("filesystem.trash_file", {"path": f"{DESKTOP}/a.png"}, "trash Desktop/a.png"),
        (
            "mail.send_email",
            {"to": "ana@example.org", "subject": "Hi"},
            "send email (to=ana@example.org, subject=Hi)",
        ),
        ("clock.reset", {}, "reset"),
    ],
)
def test_a_call_is_told_as_people_say_it(tool, arguments, line):
    assert lines(tool, arguments) == (line,)


def test_a_fan_out_is_listed_up_to_a_bound_and_counted():
    many = [{"path": f"{DESKTOP}/{n}.png", "new_name": f"x{n}.png"} for n in range(57)]
    made = preview(run(), proposal("filesystem.rename_file", *many, effect="local_write"))
    assert made.title == "filesystem.rename_file: 57 calls, changes something on this machine"
    assert (len(made.lines), made.more) == (LISTED, 57 - LISTED)
    assert made.told[-1] == f"… and {57 - LISTED} more"


def test_a_name_cannot_break_the_line_or_turn_the_writing_around():
    told = lines(
        "filesystem.rename_file", {"path": f"{DESKTOP}/a\nb.png", "new_name": "\u202egnp.exe"}
    )
    assert told == ("rename a\\nb.png -> \\u{202e}gnp.exe in Desktop",)


def test_a_new_text_is_shown_from_its_beginning():
    details = written("\n".join(f"line {n}" for n in range(100)), run())
    assert details[:2] == ("content:", "line 0")
    assert details[-1] == f"… and {100 - DETAIL_LINES} more lines"


def test_a_changed_text_is_compared_with_what_was_read():
    read = settle(
        run(), "filesystem.read_file", {"path": f"{DESKTOP}/a.txt"}, {"text": "one\ntwo\nthree"}
    )
    details = written("one\n2\nthree", read)
    assert details[0] == "--- Desktop/a.txt as it was read"
    assert "-two" in details
    assert "+2" in details
    assert written("one\ntwo\nthree", read) == ("The text is the one that was read.",)


def test_what_is_added_to_a_text_is_not_compared_with_it():
    read = settle(run(), "notes.read", data={"path": f"{DESKTOP}/a.txt", "text": "one\ntwo"})
    assert written("x\ny", read, tool="filesystem.append_file") == ("content:", "x", "y")
    assert written("x\ny", read)[0].startswith("---")


def test_what_was_read_before_a_write_is_not_compared_with():
    read = settle(run(), "notes.read", data={"path": f"{DESKTOP}/a.txt", "text": "one\ntwo"})
    later = settle(read, "notes.write", effect="local_write")
    assert written("x\ny", later)[0] == "content:"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
NAMES = st.sampled_from(
    ["path", "new_name", "destination", "source", "content", "text", "body", "to"]
)


@given(
    st.sampled_from(["filesystem.move_file", "a.append", "mail.send", "x._"]),
    st.lists(st.dictionaries(NAMES | st.text(), VALUES, max_size=5), min_size=1, max_size=30),
    VALUES,
)
def test_whatever_is_proposed_is_told_within_bounds_and_legibly(tool, calls, read):
    before = settle(run(), "filesystem.read", {"path": "a"}, {"path": "a", "text": read})
    told = preview(before, proposal(tool, *calls, effect="local_write")).told
    assert len(told) <= 2 + LISTED + DETAILED * (DETAIL_LINES + 2)
    assert all(len(line) <= LINE and line.isprintable() for line in told)


@given(st.text())
def test_nothing_that_is_not_seen_is_left_in_a_legible_text(text):
    assert legible(text).isprintable()
    assert text.isprintable() <= (legible(text) == text)
