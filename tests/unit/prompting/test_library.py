"""Prompts and examples are read once, strictly, and a change without a version is seen."""

import pytest

from orchestrator.core.errors import PromptError
from orchestrator.prompting.library import (
    PROMPT_NAMES,
    load_library,
    lock_lines,
    lock_problems,
)

EXAMPLE = """\
name: greet
goal: Say hello.
steps:
  - {id: s1, intent: greet, namespace: talk, tools: [talk.hello, talk.bye], tool: talk.hello}
"""


def front(name, inputs="[who]", version=1):
    return (
        f"---\nname: {name}\nversion: {version}\nrole: planner\ninputs: {inputs}\npurpose: p\n---\n"
    )


@pytest.fixture
def folder(tmp_path):
    for name in PROMPT_NAMES:
        (tmp_path / f"{name}.md").write_text(f"{front(name)}Hello {{{{ who }}}}, {name}!\n")
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "greet.yaml").write_text(EXAMPLE)
    return tmp_path


def test_every_prompt_and_example_is_read(folder):
    library = load_library(folder)
    assert set(library.prompts) == set(PROMPT_NAMES)
    assert [example.name for example in library.examples] == ["greet"]
    assert library.prompt("plan").render(who="Ana") == "Hello Ana, plan!"


def test_a_value_is_never_read_as_a_slot(folder):
    prompt = load_library(folder).prompt("plan")
    assert prompt.render(who="{{ who }} \\1") == "Hello {{ who }} \\1, plan!"


@pytest.mark.parametrize("values", [{}, {"who": "x", "what": "y"}, {"what": "y"}])
def test_a_slot_without_a_value_or_a_value_without_a_slot_is_named(folder, values):
    with pytest.raises(PromptError, match=r"no slot or no value for .*wh"):
        load_library(folder).prompt("plan").render(**values)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("no front matter", "does not begin with YAML front matter"),
        (front("plan") + "no slot at all", "slots and inputs differ in who"),
        (front("plan", "[]") + "Hello {{ you }}", "slots and inputs differ in you"),
        (front("plan", version=0) + "Hello {{ who }}", "version"),
        (front("plan").replace("planner", "poet") + "Hello {{ who }}", "role"),
    ],
)
def test_a_prompt_that_cannot_be_used_is_named_with_its_fault(folder, text, named):
    (folder / "plan.md").write_text(text)
    with pytest.raises(PromptError, match=named) as raised:
        load_library(folder)
    assert "plan.md" in raised.value.message


def test_a_missing_prompt_is_named_with_its_path(folder):
    (folder / "decide.md").unlink()
    with pytest.raises(PromptError, match=r"decide.md cannot be read: No such file"):
        load_library(folder)


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        (EXAMPLE.replace("tool: talk.hello", "colour: red"), "tool"),
        ("name: x\ngoal: y\nsteps: []\n", "steps"),
    ],
)
def test_an_example_that_cannot_be_used_is_named_with_its_field(folder, broken, named):
    (folder / "workflows" / "greet.yaml").write_text(broken)
    with pytest.raises(PromptError, match=rf"greet.yaml: .*{named}"):
        load_library(folder)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("workflows/greet.yaml", "steps: [unclosed"),
        ("plan.md", "---\nname: [unclosed\n---\nHello {{ who }}"),
        ("plan.md", "---\njust words\n---\nHello {{ who }}"),
    ],
)
def test_what_is_not_yaml_is_named_too(folder, name, text):
    (folder / name).write_text(text)
    with pytest.raises(PromptError, match=name.rpartition("/")[2]):
        load_library(folder)


def test_a_lock_sees_a_text_that_changed_without_its_version(folder):
    locked = lock_lines(load_library(folder))
    assert lock_problems(load_library(folder), locked) == []
    (folder / "plan.md").write_text(front("plan") + "Goodbye {{ who }}!\n")
    assert lock_problems(load_library(folder), locked) == ["plan.md changed without a new version"]
    (folder / "plan.md").write_text(front("plan", version=2) + "Goodbye {{ who }}!\n")
    assert lock_problems(load_library(folder), locked) == ["plan.md is not locked at version 2"]
    assert len(lock_problems(load_library(folder), "")) == len(PROMPT_NAMES)


def test_a_journal_cites_version_and_digest(folder):
    library = load_library(folder)
    prompt = library.prompt("plan")
    assert library.citations["plan"] == f"1#{prompt.sha256[:12]}"
