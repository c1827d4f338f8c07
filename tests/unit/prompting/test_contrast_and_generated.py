"""What stands beside a tool, what is made from its schema, and which example is the closest."""

import pytest

from orchestrator.core.plans import PlanStep
from orchestrator.core.runs import Candidate
from orchestrator.core.tools import ToolSpec
from orchestrator.policy.arguments import parameters, whole_schema
from orchestrator.policy.references import Reference
from orchestrator.policy.samples import sample_arguments
from orchestrator.policy.spelling import spelled_out
from orchestrator.prompting.contrast import contrasts, first_clause
from orchestrator.prompting.examples import by_retriever, closest_decision, usable_decisions
from orchestrator.prompting.generated import generated_example
from orchestrator.prompting.library import ExampleStep, WorkflowExample


def spec(tool, description="", **properties):
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return ToolSpec(id=tool, description=description, input_schema=schema)


MOVE = spec("files.move", "Move a file to another folder, keeping its name. Fails if it exists.")
COPY = spec("files.copy", "Copy a file - the old one stays.")
SEND = spec("email.send", "Send an email.")
SPECS = {tool.id: tool for tool in (MOVE, COPY, SEND)}


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("Move a file to another folder, keeping its name.", "move a file to another folder"),
        ("Copy a file - the old one stays.", "copy a file"),
        ("OCR of an image.", "OCR of an image"),
        (" ".join("abcdefghijklmnop"), "a b c d e f g h i j k l"),
        ("", ""),
    ],
)
def test_a_clause_is_short(text, clause):
    assert first_clause(text) == clause


def test_near_siblings_are_told_apart_and_others_are_not():
    near = [
        Candidate(tool="files.move", score=0.8),
        Candidate(tool="email.send", score=0.79),
        Candidate(tool="files.copy", score=0.75),
    ]
    assert contrasts(near, SPECS) == {
        "files.move": "; not for: copy a file",
        "files.copy": "; not for: move a file to another folder",
    }
    far = [Candidate(tool="files.move", score=0.8), Candidate(tool="files.copy", score=0.5)]
    assert contrasts(far, SPECS) == {}


TEXT, INTEGER = {"type": "string"}, {"type": "integer", "minimum": 7}


def test_a_worked_decision_is_made_of_a_schema():
    target = spec(
        "board.add",
        "Add.",
        path=TEXT,
        body=TEXT,
        count=INTEGER,
        color={"type": "string", "enum": ["red", "blue"]},
    )
    arguments = sample_arguments(target)
    assert arguments == {"path": "$s1.path", "body": "$s1.text", "count": 7, "color": "red"}
    around = {**SPECS, target.id: target, "board.drop": spec("board.drop")}
    tools = ["files.move", "board.drop", "board.add", "email.send"]
    made = generated_example(target, arguments, tools, around)
    assert made.step.tools == ("board.drop", "files.move", "board.add")
    assert made.step.values == ("$s1.path", "$s1.text")
    assert made.step.namespace == "board"


def example(name, *steps):
    return WorkflowExample(name=name, goal=name, steps=steps)


def worked(intent, namespace="files", tool="files.move", over=""):
    return ExampleStep(
        id="s2", intent=intent, namespace=namespace, over=over, tools=(tool,), tool=tool
    )


class FirstLetters:
    """A comparison that only sees how many letters two texts begin with in common."""

    name = "letters"

    def index(self, documents):
        return Letters(documents)


class Letters:
    def __init__(self, documents):
        self.documents = documents

    def scores(self, query):
        return [float(document[:1] == query[:1]) for document in self.documents]


def test_the_closest_example_is_found_by_the_comparison_given():
    examples = [example("a", worked("put it elsewhere")), example("b", worked("zip the letters"))]
    step = PlanStep(id="s1", intent="zebra put elsewhere", namespace="files")
    assert closest_decision(step, examples, {"files.move"}).example.name == "a"
    by_letters = by_retriever(FirstLetters())
    assert closest_decision(step, examples, {"files.move"}, by_letters).example.name == "b"


def test_the_same_form_is_preferred_and_another_namespace_never_taken():
    examples = [
        example("once", worked("move files")),
        example("each", worked("move files", over="s1")),
        example("mail", worked("move files", namespace="email", tool="email.send", over="s1")),
    ]
    step = PlanStep(id="s3", intent="move files", namespace="files", over="s1")
    assert closest_decision(step, examples, set(SPECS)).example.name == "each"
    once = step.model_copy(update={"over": ""})
    assert closest_decision(once, examples, set(SPECS)).example.name == "once"
    elsewhere = once.model_copy(update={"namespace": "board"})
    assert closest_decision(elsewhere, examples, set(SPECS)) is None
    assert [c.example.name for c in usable_decisions("mail", examples, {"email.send"})] == ["mail"]


def test_a_whole_decision_names_a_tool_and_its_own_arguments():
    schema = whole_schema({"a.b": {"type": "object"}})
    [form] = schema["anyOf"]
    assert form["properties"] == {"tool": {"enum": ["a.b"]}, "arguments": {"type": "object"}}


def test_paths_and_numbers_are_spelled_out_and_content_is_not():
    values = {
        "$s1.path": "/home/ana/a.txt",
        "$s1.size": 12,
        "$s1.text": "secret words",
        "$s2.value": "made of secret words",
        "$s1.subject": "secret subject",
        "$s1.name": "a.txt",
        "$folder.Desk/b.txt": "/home/ana/Desk/b.txt",
    }
    offered = [
        Reference(text="$s1.path", kind="path"),
        Reference(text="$s1.size", kind="number"),
        Reference(text="$s1.text", kind="text"),
        Reference(text="$s2.value", kind="name", made=True),
        Reference(text="$s1.subject", kind="name"),
        Reference(text="$s1.name", kind="name"),
    ]
    target = spec("x.y", path=TEXT, body=TEXT, title=TEXT, size={"type": "integer"})
    wanted = parameters(target, offered)
    spelled = spelled_out(wanted, offered, values.__getitem__)
    said = [value for parameter in spelled for value in parameter.references]
    assert "/home/ana/a.txt" in said
    assert 12 in said
    assert not [value for value in said if "secret" in str(value)]
