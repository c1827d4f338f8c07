"""A small office in memory: real graph, journal and text tools; scripted models and fake files.

office = Office(files=[f"{DESKTOP}/notes.txt"], images={f"{DESKTOP}/shot.png": "Invoice 42"})
orchestrator = office.orchestrator([plan(...), *act("filesystem.list_dir", path="…")])
result = await orchestrator.run(office.request("Rename the screenshots."))
"""

import itertools
import json
import re
from contextlib import aclosing
from pathlib import Path

from adapters.backends.scripted import ScriptedBackend
from adapters.retrieval.lexical import LexicalRetriever
from adapters.tools.combined import CombinedToolset
from adapters.tools.text import TextToolset
from orchestrator.core.chat import Choice, JsonSchema, Sampling
from orchestrator.core.events import CallIntended, CallSettled
from orchestrator.core.roles import Profile
from orchestrator.core.runs import RunRequest
from orchestrator.graph.context import Player
from orchestrator.policy.catalogue import build_catalogue
from orchestrator.policy.permissions import DEFAULT_RULES
from orchestrator.prompting.library import load_library
from orchestrator.runtime import Orchestrator, Parts
from tests.fakes.clock import FakeClock
from tests.fakes.stores import MemoryBlobs, MemoryStore
from tests.fakes.tools import InMemoryFiles, InMemoryToolset, filesystem, ocr, tool

PROMPTS = Path(__file__).parents[2] / "prompts"
LIBRARY = load_library(PROMPTS)
DESKTOP = "/home/ana/Desktop"
PROFILE = Profile(name="scripted", context_tokens=32_000)

LIST, SEARCH_FILES, RENAME = (
    "filesystem.list_dir",
    "filesystem.search_files",
    "filesystem.rename_file",
)
READ, WRITE = "ocr.extract_text_from_image", "text.write"


DESCRIBED = {
    (LIST, "path"): "Absolute path of the folder to list",
    (SEARCH_FILES, "path"): "Absolute path of the folder to search in",
    (SEARCH_FILES, "pattern"): "Wildcards such as '*.png', or a part of the file name",
    (RENAME, "path"): "Absolute path of the file to rename",
    (RENAME, "new_name"): "New file name without folder",
    (READ, "path"): "Absolute path of an image file (PNG, JPEG, …)",
}
"""What the sample office's servers say of these parameters."""


def step(step_id, intent, namespace, over="", where=""):
    """One step of a plan as a model writes it."""
    return {
        "id": step_id,
        "intent": intent,
        "namespace": namespace,
        "over": over,
        "where": where,
    }


def plan(*steps):
    """A plan as a model writes it."""
    return {"steps": list(steps)}


def act(tool_id, **arguments):
    """A decision as a model writes it: the tool, then its arguments."""
    return [tool_id, arguments]


def described(pair):
    """The tool with its parameters described as the real servers describe them."""
    spec, answer = pair
    properties = {
        name: {**schema, "description": DESCRIBED.get((spec.id, name), name.replace("_", " "))}
        for name, schema in spec.input_schema["properties"].items()
    }
    schema = {**spec.input_schema, "properties": properties}
    return spec.model_copy(update={"input_schema": schema}), answer


SCREENSHOT_PLAN = plan(
    step("s1", "list the files on the Desktop", "filesystem"),
    step("s2", "read the text in each screenshot", "ocr", "s1", "name contains screenshot"),
    step("s3", "write a short file name from the text", "text", "s2"),
    step("s4", "rename each screenshot to its new file name", "filesystem", "s3"),
)
SCREENSHOT_ACTS = {
    "s1": (LIST, {"path": "$folder.Desktop"}),
    "s2": (READ, {"path": "$s1.path"}),
    "s3": (
        WRITE,
        {"text": "$s2.text", "instruction": "a short file name", "form": "file name"},
    ),
    "s4": (RENAME, {"path": "$s1.path", "new_name": "$s3.value"}),
}


def screenshot_script():
    """The whole transcript of a planner that makes no mistake."""
    return [SCREENSHOT_PLAN, *itertools.chain.from_iterable(SCREENSHOT_ACTS.values())]


class SteadyPlanner:
    """Answers every request from what it asks, so that a run may be cut anywhere and go on."""

    def __init__(self, made=SCREENSHOT_PLAN, acts=SCREENSHOT_ACTS):
        self._plan = made
        self._acts = acts

    def __call__(self, request):
        asked = request.messages[-1].content
        if isinstance(request.constraint, Choice):
            return self._acts[_last_step(asked)][0]
        if asked.startswith("Arguments of "):
            wanted = asked.removeprefix("Arguments of ").partition(":")[0]
            return next(args for name, args in self._acts.values() if name == wanted)
        return self._plan


def _last_step(text):
    return re.findall(r"^Step (s\d+)", text, re.MULTILINE)[-1]


def slug_of(text):
    """The first telling words of a text as a file name, as a good model would give it."""
    found = re.findall(r"[a-z]{3,16}|[0-9]{2,8}", text.lower())
    telling = list(dict.fromkeys(word for word in found if word not in {"the", "and", "your"}))
    return "-".join((telling if len(telling) > 1 else [*telling, "file", "name"])[:4])


class Writer:
    """A synthesizer: names made of the text it is given, and an answer out of the facts."""

    def __init__(self, answer="It is done."):
        self.answer = answer

    def __call__(self, request):
        if not isinstance(request.constraint, JsonSchema):
            return self.answer
        text = request.messages[0].content.rpartition("Text:\n")[2]
        return {"value": slug_of(text)}


class Office:
    """Files, tools, models and a journal; a second orchestrator may take up the first one's run."""

    def __init__(
        self, *, files=(), images=None, more=(), store=None, profile=PROFILE, approval_s=0
    ):
        images = dict(images or {})
        self.files = InMemoryFiles(dict.fromkeys([*images, *files], ""))
        self.desk = InMemoryToolset(
            [described(pair) for pair in (*filesystem(self.files), *ocr(images), *more)]
        )
        self.clock = FakeClock()
        self.store = store or MemoryStore()
        self.blobs = MemoryBlobs()
        self.profile = profile
        self.approval_s = approval_s
        self.planner = ScriptedBackend([])
        self.synthesizer = ScriptedBackend([])

    @property
    def names(self):
        """The names of the files on the Desktop."""
        return sorted(path.removeprefix(f"{DESKTOP}/") for path in self.files.content)

    def orchestrator(self, planner=None, writer=None, *, rules=DEFAULT_RULES, toolset=None):
        """A fresh process over the same store: nothing is known but what the journal holds."""
        script = itertools.repeat(SteadyPlanner()) if planner is None else planner
        self.planner = ScriptedBackend(script)
        self.synthesizer = ScriptedBackend(itertools.repeat(writer or Writer()))
        tools = CombinedToolset([toolset or self.desk, self._text_tools()])
        parts = Parts(
            roles={
                "planner": Player(self.planner, self.profile),
                "synthesizer": Player(self.synthesizer, self.profile),
            },
            models=(),
            toolset=tools,
            catalogue=build_catalogue(tools.specs, [LexicalRetriever()]),
            library=LIBRARY,
            store=self.store,
            blobs=self.blobs,
            clock=self.clock,
            rules=rules,
            retrievers=(LexicalRetriever(),),
            approval_s=self.approval_s,
        )
        return Orchestrator(parts)

    def request(self, goal="Rename the screenshots after what they show.", **fields):
        """A goal on this office's Desktop; standing yes unless told."""
        fields = {"approve": "yes", **fields}
        return RunRequest(goal=goal, places={"Desktop": DESKTOP}, **fields)

    def _text_tools(self):
        def render(instruction, form, text):
            prompt = LIBRARY.prompt("extract")
            return prompt.render(instruction=instruction, form=form, text=text)

        return TextToolset(self.synthesizer, render, sampling=Sampling())


def screenshots(count=3):
    """Image paths on the Desktop with distinct texts."""
    subjects = ["Invoice Acme total", "Flight Lisbon boarding", "Error disk full", "Pancake recipe"]
    return {
        f"{DESKTOP}/screenshot {n}.png": f"{subjects[n % len(subjects)]} {1000 + n}\nmore words"
        for n in range(1, count + 1)
    }


async def entries_of(stream):
    """Every entry of a run, in order."""
    async with aclosing(stream) as entries:
        return [entry async for entry in entries]


def events(entries, *kinds):
    """The events of some kinds, in order."""
    return [entry.event for entry in entries if isinstance(entry.event, kinds)]


def told(entries):
    """The types of a run's events, in order."""
    return [entry.event.type for entry in entries]


def executed(entries):
    """The calls that were really made, as (tool, arguments)."""
    made = events(entries, CallIntended)
    return [(event.call.tool, json.dumps(event.call.arguments, sort_keys=True)) for event in made]


def reused(entries):
    """The settled calls that were answered from what was known."""
    return [event for event in events(entries, CallSettled) if event.reused]


def unavailable_tool(tool_id, error, **fields):
    """A tool that always fails in the same way."""

    def fail(**_arguments):
        raise error

    return tool(tool_id, f"The tool {tool_id}.", fail, **fields)
